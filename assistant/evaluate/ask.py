"""Questions -> the saved form of their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from assistant.answer.assistant import Assistant
from assistant.contract import answer_json
from assistant.core.config import Config
from assistant.core.parallel import in_order
from assistant.core.records import Access, Answer
from assistant.evaluate.questions import Question

K = 15  # hits of a question

Json = dict[str, Any]


def ask_all(
    questions: Sequence[Question], config: Config, access: Access, jobs: int, keep: Callable[[Json], None]
) -> None:
    """Ask, `jobs` at once, and give `keep` the answers in the questions' order."""
    if questions:  # an index that is gone is no matter where nothing is left to ask
        with closing(Assistant(config, access=access, audit=True, command="eval")) as assistant:
            in_order(partial(ask, assistant), questions, jobs, keep)


def ask(assistant: Assistant, question: Question) -> Json:
    """Ask one question, as someone with its roles too; return the saved form of the answer."""
    answer = assistant.answer(question.asked, question.history, access=access_of(assistant, question), k=K)
    said = assistant.catalog.slices
    return {
        **answer_json(answer, question.id),
        "own_words": answer.generated,
        "evidence": evidence_texts(answer),
        "verbatim": [c.quote in said(c.document_sha256, c.start, c.end) for c in answer.citations],
    }


def access_of(assistant: Assistant, question: Question) -> Access:
    """Return the assistant's access with the question's roles added."""
    return replace(assistant.access, roles=assistant.access.roles | set(question.roles))


def evidence_texts(answer: Answer) -> list[str]:
    """Return the sentences that the reader picked, best first: as far as an answer tells, its quotes."""
    return list(dict.fromkeys(c.quote for c in answer.citations))
