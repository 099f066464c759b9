"""The public API: `Assistant` answers, searches, and shows what the documents say around a quote."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.answer.confidence import Confidence
from assistant.answer.disclosure import show_terms, shown_meta, told_back, told_turns, values_said
from assistant.answer.engine import Engine
from assistant.answer.evidence import MAX_REACH
from assistant.answer.feedback import give
from assistant.answer.pipeline import answer_question, search_passages
from assistant.answer.proof.verify import check_place
from assistant.answer.question import (
    MAX_TURNS,
    Inquiry,
    ReportStage,
    StageTimer,
    Tell,
    checked_about,
    checked_question,
    no_report,
    questions_before,
    recent,
    tell_nobody,
)
from assistant.answer.read import Candidates, ReaderFile
from assistant.answer.steps import Recipe, Steps
from assistant.answer.understand import understand
from assistant.audit.trail import Audit, answer_line, search_line
from assistant.core.config import Config, load_config
from assistant.core.errors import UsageError
from assistant.core.records import (
    Access,
    Answer,
    Citation,
    Document,
    Feedback,
    Hit,
    Quote,
    Reading,
    SearchResult,
    Term,
    Turn,
    make_access,
)
from assistant.guards.run import is_masked
from assistant.index.catalog import Catalog
from assistant.models.language_model import LanguageModel
from assistant.text.canonical import MAX_STRETCH

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable

SURROUNDING = 2_000  # characters on either side of a quote that may be shown
MAX_QUOTE = MAX_STRETCH + MAX_REACH  # characters: a part of a document, and what it stands under


class Assistant:
    """Answers questions from one index, in as many threads as like."""

    def __init__(
        self,
        config: Config,
        *,
        access: Access | None = None,
        model: LanguageModel | None = None,
        confidence: Confidence | None = None,
        reader: ReaderFile | None = None,
        audit: bool = False,
        command: str = "python",
    ) -> None:
        """Open the index; models load in the background.

        `model` replaces the configured generator, `confidence` the calibration of this index, `reader` what
        picks evidence; with `audit`, answers and searches are logged, as those of `command`, if the configuration
        says so.

        Raises IndexMissing, IndexMismatch, ModelMissing or ModelDamaged, and UsageError for a risk that the calibration
        cannot hold, or a key of the log that is no secret.
        """
        self.access = access or make_access()
        self._engine = Engine(config, model=model, confidence=confidence, reader=reader)
        self._audit = Audit(config) if audit and config.audit.enabled else None
        self._command = command

    @classmethod
    def open(cls, path: str | Path | None = None, roles: Sequence[str] = (), as_of: str = "") -> Assistant:
        """Open the index that a configuration file names, as someone with `roles`, on the day `as_of`."""
        return cls(load_config(Path(path) if path else None), access=make_access(roles, as_of), audit=True)

    def close(self) -> None:
        """Let go of the index's files: of what another thread reads just now, when it has read it."""
        self._engine.close()

    @property
    def config(self) -> Config:
        """The settings that the index and the models were opened with."""
        return self._engine.config

    @property
    def threshold(self) -> float:
        """The least probability of being right with which a question is answered."""
        return self._engine.threshold

    @property
    def catalog(self) -> Catalog:
        """This thread's connection to the catalog."""
        return self._engine.catalog

    def reading(self) -> AbstractContextManager[Catalog]:
        """Hold one state of the index; raises IndexMismatch for one that may not be shown."""
        return self._engine.reading()

    def answer(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        access: Access | None = None,
        k: int | None = None,
        stage: ReportStage = no_report,
        tell: Tell = tell_nobody,
        about: str | None = None,
    ) -> Answer:
        """Answer from the documents, abstain, or refuse; below the answer stand the quotes that carry it.

        `stage` is told what is going on: "searching", "reading", "wording"; `tell` is given each sentence of a
        generator as soon as it is checked. Of `history` the last turns count. `about` is who asks ("contractor, London
        office"), None for the configuration's. Raises UsageError for an empty or endless question, turn or `about`.
        """
        return self.begin(question, history, access=access, k=k, stage=stage, tell=tell, about=about).run()

    def begin(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        access: Access | None = None,
        k: int | None = None,
        stage: ReportStage = no_report,
        tell: Tell = tell_nobody,
        about: str | None = None,
    ) -> Steps:
        """Return what `answer` does, to be done in steps: a server holds no thread while a generator writes."""
        access, question = access or self.access, checked_question(question)
        about = checked_about(self.config.user.about if about is None else about)
        history = recent(history, MAX_TURNS + 2)  # the turn before may name what the first of the others holds
        values = values_said(history, question, about)
        history = told_turns(history, values)[-MAX_TURNS:]
        if not self._engine.generates:
            self._engine.open_reader()

        def recipe() -> Recipe:
            stage("searching")
            inquiry = replace(self._inquiry(question, history, access, k, stage), about=about, tell=tell)
            answer = yield from answer_question(inquiry, self._engine)
            before = questions_before(inquiry.history)
            answer = told_back(answer, before, values)
            if self._audit:
                log_id = self._audit.append(answer_line(self._command, answer, before, access, self.config))
                answer = replace(answer, log_id=log_id)
            return answer

        return Steps(recipe(), self._engine.snapshot, self._engine.ask)

    def open_generator(self) -> None:
        """Wait until the generator is open, if there is one; raises ConfigError, ModelMissing or ModelDamaged."""
        _ = self._engine.model

    def feedback(self, given: Feedback, *, access: Access | None = None, stage: ReportStage = no_report) -> str:
        """Log what an asker says of an answer, and return the ID of that line.

        Raises UsageError without a log, for an answer that was not given to somebody with the roles of `access`, for
        too long a text, and for a quote that no document that `access` may see has.
        """
        with self._engine.reading() as catalog:
            return give(given, access or self.access, catalog, self._audit, stage)

    def search(
        self, query: str, *, access: Access | None = None, k: int | None = None, focus: str = ""
    ) -> SearchResult:
        """Return the hits alone; `focus` is the question where `query` says more."""
        access, query = access or self.access, checked_question(query)
        if self.config.retrieval.rerank:
            self._engine.open_reader()
        with self._engine.snapshot():
            found = search_passages(self._inquiry(query, (), access, k), focus, self._engine)
        if self._audit:
            self._audit.append(search_line(self._command, found, access, self.config))
        return found

    def _inquiry(
        self,
        question: str,
        history: Sequence[Turn],
        access: Access,
        k: int | None = None,
        report: ReportStage = no_report,
    ) -> Inquiry:
        """Make the record of a checked question that is asked now; the caller holds a snapshot of the index."""
        return Inquiry(
            question=question,
            history=self._engine.small_talk.without(history),
            access=access,
            index=self._engine.catalog.info(access),
            timer=StageTimer(),
            report=report,
            k=k or self.config.retrieval.k,
        )

    def terms(self, name: str = "", *, access: Access | None = None) -> list[tuple[Term, str, str]]:
        """Return (term, source, document title) of every definition of a name, or of all names if it is empty."""
        with self._engine.reading() as catalog:
            return show_terms(name, self.config, catalog, access or self.access, self._audit)

    def files(self, answer: Answer, access: Access) -> dict[tuple[str, str], str]:
        """Return the addresses of the files of an answer's sources that are still there, by source and SHA-256."""
        with self._engine.reading() as catalog:
            found = catalog.queries.files({quote.source for quote in answer.sources}, access)
        return {named: Path(path).as_uri() for named, path in found.items() if Path(path).is_file()}

    def owner(self, document: Document) -> str:
        """Return who owns a document, as far as that may be shown; "" where nobody says so."""
        return shown_meta(document.meta, self._engine.guards).owner or ""

    def around(self, quote: Citation | Quote, access: Access) -> tuple[str, int, int]:
        """Return the text around a quote, as far as it is indexed, and where the quote is in it.

        Raises UsageError for what no answer to `access` could have quoted.
        """
        start, end = quote.start, quote.end
        with self._engine.reading() as catalog:
            document = catalog.queries.document(quote.document_sha256, access, quote.source)
            problem = check_place(quote, catalog, access)
            if problem or document is None:
                raise UsageError(f"{quote.source}: {problem}.", "Ask again for a fresh answer.")
            begin, stop = catalog.queries.indexed_around(document, start, end)
        begin, stop = max(begin, start - SURROUNDING), min(stop, end + SURROUNDING)
        return document.text[begin:stop], start - begin, end - begin

    def place(
        self, sha256: str, start: int, end: int, access: Access, source: str = ""
    ) -> tuple[Document, str, int, int]:
        """Return a document, the text around its part [start, end), and where that part is in it.

        Of several files with the same bytes it is the one with that `source`, if there is one.

        Raises UsageError if no answer to `access` could have quoted that part.
        """
        with self._engine.reading() as catalog:
            document = catalog.queries.document(sha256, access, source)
            # Its path names a document, too, and a guess at that must not be told from another.
            if document is not None and document.sha256 == sha256 and end - start <= MAX_QUOTE:
                named = document.source, document.title, (), None, start, end, sha256
                found = self.around(Quote(1, document.text[start:end], *named), access)
                return replace(document, meta=shown_meta(document.meta, self._engine.guards)), *found
        raise UsageError("this place has changed or is no longer indexed.", "Ask again for a fresh answer.")

    def read(self, question: str, history: Sequence[Turn] = (), *, access: Access | None = None) -> Reading:
        """Return the evidence and its features alone; what an answer would be worded from."""
        question, history = checked_question(question), recent(history)
        with self._engine.snapshot():
            inquiry = self._engine.respelt(self._inquiry(question, history, access or self.access))
            return understand(inquiry, self._engine)[1]

    def candidates(self, question: str, history: Sequence[Turn] = (), *, access: Access | None = None) -> Candidates:
        """Return every sentence that the reader would choose from, with its features."""
        question, history = checked_question(question), recent(history)
        with self._engine.snapshot():
            inquiry = self._engine.respelt(self._inquiry(question, history, access or self.access))
            asked = self._engine.follow_ups.phrasings(inquiry.question, inquiry.history)[0].text
            hits, _ = self._engine.retrieve(asked, inquiry.question, inquiry.access)
            return self._engine.reader.candidates(asked, hits)

    def passages(self, ids: Sequence[int]) -> tuple[Hit, ...]:
        """Return those of these passages that this assistant may see, and that nothing was masked in."""
        with self._engine.snapshot():
            hits = self._engine.catalog.queries.hits([(passage_id, 0.0, ()) for passage_id in ids], self.access)
        return tuple(hit for hit in hits if not is_masked(hit.passage.text))

    def as_runnable(self) -> Runnable[Any, Any]:
        """Return a LangChain Runnable: a question, or {"question", "history"}, to the answer as in `ask --json`."""
        from assistant.answer.langchain import as_runnable

        return as_runnable(self)

    def as_retriever(self, k: int | None = None) -> BaseRetriever:
        """Return a LangChain retriever over the index, bound to this assistant's access."""
        from assistant.answer.langchain import as_retriever

        return as_retriever(self, k)
