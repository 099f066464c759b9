"""An assistant that answers at once, or when it may, without a model; and what it answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from assistant.answer.question import ReportStage, Tell, checked_question, recent, tell_nobody
from assistant.answer.steps import Ask, Recipe, Request, Steps
from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import (
    NO_MODEL,
    Access,
    Answer,
    Citation,
    Document,
    Feedback,
    Hit,
    IndexInfo,
    Meta,
    Passage,
    Quote,
    SearchResult,
    Turn,
    Verdict,
)

INDEX = IndexInfo("generation", 3, 9)
SHA, LOG_ID = "5" * 64, "a" * 12
TEXT = "Employees may carry over at most 1.5 weeks of annual leave."
DOCUMENT = Document(
    "d",
    "hr/leave.md",
    "Annual Leave Policy",
    f"# Annual Leave\n\n## Carry-over\n\n{TEXT} <b>Bold</b>\n\n- one\n- two\n\n"
    "| Grade | Days |\n|---|---|\n| A | 5 |\n",
    "text/markdown",
    SHA,
    meta=Meta(owner="Head of People", effective="2026-01-01"),
)
CITATION = Citation(
    key=1,
    claim=TEXT,
    quote=TEXT,
    source="hr/leave.md",
    title="Annual Leave Policy",
    headings=("Annual Leave Policy", "Carry-over"),
    page=3,
    start=40,
    end=40 + len(TEXT),
    document_sha256=SHA,
    supported=True,
    score=1.0,
)
HIT = Hit(Passage(1, "d", TEXT, 40, 99), 0.5, 1, ("dense",), "hr/leave.md", "Annual Leave Policy", SHA)
ANSWER = Answer(
    question="",
    status="answered",
    text=f"{TEXT} [1]",
    confidence=0.9,
    citations=(CITATION,),
    hits=(HIT,),
    verdicts=(Verdict("injection", "input", "allow", "", 0.0),),
    model=NO_MODEL,
    index=INDEX,
    timings={"total": 1.0},
    log_id=LOG_ID,
)
CLOSE = Quote(
    1, "| Meal | Limit |\n| Dinner | 35 euros |", "travel.md", "Travel", ("Travel", "Meals"), None, 5, 41, SHA
)
UNSURE = replace(ANSWER, status="abstained", text="Not sure, but look here.", citations=(), closest=(CLOSE,))


class StubCatalog:
    """Tells when it was made."""

    def meta(self, key: str) -> str | None:
        return "1700000000" if key == "ingested" else None


class StubAssistant:
    """Answers `answer`; while `gate` is closed, it waits between two stages. With `ask`, a generator is asked first."""

    config = Config()
    catalog = StubCatalog()

    def __init__(self, answer: Answer = ANSWER, fails: Exception | None = None, ask: Ask | None = None) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[tuple[str, Sequence[Turn], Access]] = []
        self.about: list[str] = []
        self.finished = 0
        self.given: list[tuple[Feedback, Access]] = []
        self._answer = answer
        self._fails = fails
        self._ask = ask

    def read(self, question: str) -> None:
        """Load nothing."""

    def open_generator(self) -> None:
        """Open nothing."""

    def answer(self, question: str, history: Sequence[Turn], **options: Any) -> Answer:
        return self.begin(question, history, **options).run()

    def begin(
        self,
        question: str,
        history: Sequence[Turn],
        *,
        access: Access,
        stage: Callable[[str], Any],
        tell: Tell = tell_nobody,
        about: str | None = None,
    ) -> Steps:
        self.asked.append((checked_question(question), recent(history), access))
        self.about.append(about or "")

        def recipe() -> Recipe:
            if self._fails:
                raise self._fails
            while not self.gate.wait(0.01):
                stage("reading")
            stage("wording")
            if self._ask:
                yield Request((), 1)
            answer = self.answer_to(question, about or "")
            for sentence in answer.sentences:
                tell(sentence)
            self.finished += 1
            return answer

        return Steps(recipe(), nullcontext, self._ask or _nobody)

    def answer_to(self, question: str, about: str) -> Answer:
        """Return what is answered to a question."""
        return replace(self._answer, question=question, about=about)

    def feedback(self, given: Feedback, *, access: Access, stage: ReportStage) -> str:
        if given.answer != LOG_ID:
            raise UsageError("no answer that you were given has that ID.", "See assistant log.")
        self.given.append((given, access))
        return "5" * 12

    def place(
        self, sha256: str, start: int, end: int, access: Access, source: str = ""
    ) -> tuple[Document, str, int, int]:
        if (sha256, start, end) != (SHA, 40, 40 + len(TEXT)):
            raise UsageError("this place has changed or is no longer indexed.", "Ask again for a fresh answer.")
        return DOCUMENT, DOCUMENT.text, DOCUMENT.text.index(TEXT), DOCUMENT.text.index(TEXT) + len(TEXT)

    def search(self, query: str, *, access: Access, k: int | None) -> SearchResult:
        return SearchResult(checked_question(query), (HIT,) * (k or 1), INDEX, {"total": 1.0})


def _nobody(_: Request) -> Future[str]:
    raise AssertionError("no generator is asked")
