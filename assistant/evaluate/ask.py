"""Questions -> the saved form of their answers, from this process or from several."""

from __future__ import annotations

import signal
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from multiprocessing import get_context
from typing import Any

from assistant.answer.pipeline import Assistant
from assistant.contract import answer_json
from assistant.core.config import Config
from assistant.core.records import Access, Answer
from assistant.evaluate.questions import Question

K = 15  # hits of a question

Json = dict[str, Any]


def ask_all(questions: Sequence[Question], config: Config, access: Access, workers: int) -> Generator[Json]:
    """Yield the answers in the questions' order."""
    if not questions:
        return
    if workers == 1:
        with closing(_open(config, access)) as assistant:
            yield from (ask(assistant, question) for question in questions)
        return
    context = get_context("spawn")  # a fork would share the native libraries' threads and locks
    with ProcessPoolExecutor(workers, context, _leave_interrupts) as pool:
        try:
            yield from pool.map(partial(_ask_in_worker, config, access), questions)
        finally:
            pool.shutdown(cancel_futures=True)


def ask(assistant: Assistant, question: Question) -> Json:
    """Ask one question, as someone with its roles too; return the saved form of the answer."""
    answer = assistant.answer(question.asked, question.history, access=access_of(assistant, question), k=K)
    said = assistant.catalog.slices
    return {
        **answer_json(answer, question.id),
        "own_words": answer.own_words,
        "evidence": evidence_texts(answer),
        "verbatim": [c.quote in said(c.document_sha256, c.start, c.end) for c in answer.citations],
    }


def access_of(assistant: Assistant, question: Question) -> Access:
    """Return the assistant's access with the question's roles added."""
    return replace(assistant.access, roles=assistant.access.roles | set(question.roles))


def evidence_texts(answer: Answer) -> list[str]:
    """Return the sentences that the reader picked, best first: as far as an answer tells, its quotes."""
    return list(dict.fromkeys(c.quote for c in answer.citations))


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the process that hands out the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _ask_in_worker(config: Config, access: Access, question: Question) -> Json:
    return ask(_opened(config, access), question)


@cache
def _opened(config: Config, access: Access) -> Assistant:
    """Open a worker's assistant with its first question, so that what goes wrong is told like an answer's error."""
    return _open(config, access)


def _open(config: Config, access: Access) -> Assistant:
    return Assistant(config, access=access, audit=True, command="eval")
