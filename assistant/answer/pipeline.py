"""Assistant.answer(): question -> retrieve -> read -> phrase -> verify -> answer, read as a recipe."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.answer.citations import quote_span, quote_text
from assistant.answer.confidence import Confidence, load_confidence
from assistant.answer.disclosure import in_context, masked, permitted
from assistant.answer.evidence import place
from assistant.answer.features import content
from assistant.answer.history import readings, recent, was_said
from assistant.answer.open_book import PASSAGES, answer_from_passages
from assistant.answer.phrase import Wording, phrase, quoted
from assistant.answer.read import Candidates, Reader, ReaderFile, evidence_in, load_reader
from assistant.answer.retrieve import Retriever, find_terms
from assistant.answer.verify import check_quote
from assistant.audit.trail import Audit, answer_line, search_line
from assistant.core.config import Config, load_config
from assistant.core.errors import IndexMismatch, IndexMissing, UsageError
from assistant.core.records import (
    Access,
    Answer,
    Citation,
    Evidence,
    Hit,
    IndexInfo,
    ModelInfo,
    Quote,
    Reading,
    Status,
    Term,
    Turn,
    Verdict,
)
from assistant.guards.run import Guards, Screened
from assistant.index.catalog import Catalog, rebuild_hint
from assistant.index.vectors import VectorStore, open_store
from assistant.models.cross_encoder import CrossEncoder, open_reader
from assistant.models.encoder import GUARD_ENCODER, Encoder, open_encoder, remember
from assistant.models.llm import LanguageModel, open_model
from assistant.models.registry import Registry
from assistant.text.prompts import ABSTAINED, UNSURE, WITHHELD, WITHHELD_FOR

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable

MAX_QUESTION = 4_000  # characters
SURROUNDINGS = 2_000  # characters on either side of a quote that are masked before some of them are shown
NO_MODEL = ModelInfo("none", "none")
Stage = Callable[[str], None]


def make_access(roles: Sequence[str] = (), as_of: str = "") -> Access:
    """Build an Access; `as_of` is today unless given. Raises UsageError for a bad date."""
    try:
        day = datetime.date.fromisoformat(as_of) if as_of else datetime.date.today()
    except ValueError:
        raise UsageError(f"the day must be a date YYYY-MM-DD, not {as_of!r}.") from None
    return Access(frozenset(role.strip().lower() for role in roles if role.strip()), day.isoformat())


class Assistant:
    """Answers questions from one index. Not for use by two threads at once."""

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
        self.config = config
        self.access = access or make_access()
        self.catalog = Catalog.open(config.data)
        registry = Registry(config.models_dir)
        self._check_encoder(registry)
        self._reader_file = reader or load_reader(config)
        self._confidence = confidence or load_confidence(config.data)
        self._threshold = self._confidence.threshold(config.answer.max_risk)
        reads = config.generator.reads
        self._reads_passages = reads == "passages" or (reads == "auto" and config.generator.runtime == "langchain")
        self._audit = Audit(config) if audit and config.audit.enabled else None
        self._command = command
        # Loading is mostly file reading and native code, so it overlaps.
        self._pool = ThreadPoolExecutor(5, thread_name_prefix="load")
        self._registry = registry
        self._cross_encoder: Future[CrossEncoder] | None = None  # only what is read needs it
        guard_encoder = self._pool.submit(open_encoder, registry, config.encoder, GUARD_ENCODER)
        # Of `self` the guards would make a circle, which keeps the models until the garbage is collected.
        self._guards = Guards(config.guards, remember(lambda texts: guard_encoder.result().encode(texts)))
        self._encoder: Future[Encoder] = self._pool.submit(open_encoder, registry, config.encoder)
        self._store: Future[VectorStore] = self._pool.submit(open_store, config.data, config.index.chroma_url)
        self._model: Future[LanguageModel | None] = self._pool.submit(lambda: model or open_model(config, registry))

    @classmethod
    def open(cls, path: str | Path | None = None, roles: Sequence[str] = (), as_of: str = "") -> Assistant:
        """Open the index that a configuration file names, as someone with `roles`, on the day `as_of`."""
        return cls(load_config(Path(path) if path else None), access=make_access(roles, as_of), audit=True)

    def close(self) -> None:
        """Let go of the index's files."""
        if not self._store.cancel() and not self._store.exception():
            self._store.result().close()
        self._pool.shutdown(wait=False)
        self.catalog.close()

    def answer(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        access: Access | None = None,
        k: int | None = None,
        stage: Stage = lambda name: None,
    ) -> Answer:
        """Answer from the documents, abstain, or refuse; every sentence is proved by a verbatim quote.

        `stage` is told what is going on: "searching", "reading", "wording". Of `history` the last turns count. Raises
        UsageError for an empty or endless question or turn.
        """
        access = access or self.access
        self._reader_model()
        history = recent(history)
        answer = self._answer(_checked(question), history, access, k, stage)
        if self._audit:
            self._audit.append(answer_line(self._command, answer, history, access, self.config))
        return answer

    def _answer(self, question: str, history: Sequence[Turn], access: Access, k: int | None, stage: Stage) -> Answer:
        clock = _Clock()
        stage("searching")
        with self._snapshot():
            index = self.catalog.info(access)
            with clock("guard"):
                screened = self._screen(question, history)
            if screened.action == "block":
                return _blocked(screened, index, clock)
            question = screened.text
            asked, reading = self._understood(question, history, access, clock, stage)
            found = reading.hits
            with clock("guard"):
                hits = masked(found[: k or self.config.retrieval.k], self._guards)
                reading = replace(reading, hits=hits)
            if self._reads_passages and reading.probability >= self.config.answer.min_closest:
                return self._from_passages(question, asked, found, reading, screened, index, clock, stage)
            if not reading.evidence or reading.probability < self._threshold:
                return self._abstained(question, reading, screened.verdicts, index, clock)
            with clock("guard"):
                evidence, withheld = permitted(reading.evidence, self._guards)
                verdicts = (*screened.verdicts, *withheld)
            if evidence[:1] != reading.evidence[:1]:  # what is next best would miss the point
                return _withheld(question, reading, verdicts, index, clock)
            stage("wording")
            with clock("generate"):
                model = self._model.result()
                wording = phrase(asked, evidence, model, self.config.answer, self.config.generator)
            with clock("verify"):
                wording = self._verified(wording, evidence)
        wording = replace(wording, verdicts=(*verdicts, *wording.verdicts))
        return _answered(question, reading, wording, model.info if model else NO_MODEL, index, clock)

    def _understood(
        self, question: str, history: Sequence[Turn], access: Access, clock: _Clock, stage: Stage
    ) -> tuple[str, Reading]:
        """Read for what a question may mean, and return what was asked and found: the first that is answered."""
        ways: list[tuple[str, Reading]] = []
        for asked in readings(question, history):
            with clock("retrieve"):
                hits, defined = self._retrieve(asked, question, access)
            stage("reading")
            with clock("read"):
                reading = self._reader().read(asked, hits, defined, focus=question)
            told = reading.evidence and reading.probability >= self._threshold
            if told and (not ways or _goes_on(question, reading.evidence[0], history)):
                return asked, reading
            ways.append((asked, reading))
        return ways[0]

    def _from_passages(
        self, question: str, asked: str, found: Sequence[Hit], reading: Reading, screened: Screened, index: IndexInfo,
        clock: _Clock, stage: Stage,
    ) -> Answer:  # fmt: skip
        """Let the generator read the hits, masked; its sentences are proved by `found`, the hits as they stand."""
        stage("wording")
        with clock("guard"):
            spans, withheld = permitted([e for hit in found[:PASSAGES] for e in evidence_in(hit)], self._guards)
            picked, _ = permitted((*reading.evidence, *reading.closest), self._guards)
        with clock("generate"):
            model = self._model.result()
            settings = self.config
            wording = model and answer_from_passages(
                asked, reading.hits, spans, picked, model, settings.answer, settings.generator
            )
        with clock("verify"):
            if not model or not wording or self._refused(wording, found):
                return self._abstained(question, reading, (*screened.verdicts, *withheld), index, clock)
            self._check_quotes(wording)
        wording = replace(wording, verdicts=(*screened.verdicts, *withheld, *wording.verdicts))
        return _answered(question, reading, wording, model.info, index, clock)

    def _abstained(
        self, question: str, reading: Reading, verdicts: tuple[Verdict, ...], index: IndexInfo, clock: _Clock
    ) -> Answer:
        """Say that nothing surely answers, and show what came closest unless that is far off."""
        likely = reading.probability >= self.config.answer.min_closest
        near = reading.closest if likely and _knows(question, reading.hits) else ()
        with clock("guard"):
            near, withheld = permitted(near, self._guards)
        quotes = tuple(_quote(key, e) for key, e in enumerate(near, 1))
        for q in quotes:
            check_quote(self.catalog, q.document_sha256, q.start, q.end, q.quote)
        return _unanswered(question, reading, quotes, (*verdicts, *withheld), index, clock)

    def search(self, query: str, *, access: Access | None = None, k: int | None = None, focus: str = "") -> Answer:
        """Return the hits alone, in an Answer without text; `focus` is the question where `query` says more."""
        query, access, settings = _checked(query), access or self.access, self.config.retrieval
        if settings.rerank:
            self._reader_model()
        most = k or settings.k
        clock = _Clock()
        with self._snapshot():
            index = self.catalog.info(access)
            with clock("retrieve"):
                hits, defined = self._retrieve(query, focus or query, access, most)
            if settings.rerank:
                with clock("read"):
                    hits = self._reader().rerank(query, hits, defined, focus)
            with clock("guard"):
                hits = masked(hits[:most], self._guards)
        status: Status = "answered" if hits else "abstained"
        found = Answer(query, status, "", 0.0, (), hits, (), NO_MODEL, index, clock.timings())
        if self._audit:
            self._audit.append(search_line(self._command, found, access, self.config))
        return found

    def surroundings(self, quote: Citation | Quote, access: Access) -> tuple[str, int, int]:
        """Return the text around a quote, masked and as far as it is indexed, and where the quote is in it.

        Raises UsageError if the document no longer says it.
        """
        with self.catalog.snapshot():
            document = self.catalog.document(quote.document_sha256, access)
            if document is None or document.text[quote.start : quote.end] != quote.quote:
                raise UsageError(
                    f"{quote.source} has changed or is no longer indexed.", "Ask again for a fresh answer."
                )
            begin, stop = self.catalog.indexed_around(document, quote.start, quote.end)
        begin, stop = max(begin, quote.start - SURROUNDINGS), min(stop, quote.end + SURROUNDINGS)
        return in_context(document.text[begin:stop], quote.start - begin, quote.end - begin, self._guards)

    def read(self, question: str, history: Sequence[Turn] = (), *, access: Access | None = None) -> Reading:
        """Return the evidence and its features alone; what an answer would be worded from."""
        with self._snapshot():
            return self._understood(
                _checked(question), recent(history), access or self.access, _Clock(), lambda name: None
            )[1]

    def candidates(self, question: str, history: Sequence[Turn] = (), *, access: Access | None = None) -> Candidates:
        """Return every sentence that the reader would choose from, with its features."""
        asked = readings(_checked(question), recent(history))[0]
        with self._snapshot():
            hits, _ = self._retrieve(asked, question, access or self.access)
            return self._reader().candidates(asked, hits, focus=question)

    def as_runnable(self) -> Runnable[Any, Any]:
        """Return a LangChain Runnable: a question, or {"question", "history"}, to the answer as in `ask --json`."""
        from assistant.answer.langchain import as_runnable

        return as_runnable(self)

    def as_retriever(self, k: int | None = None) -> BaseRetriever:
        """Return a LangChain retriever over the index, bound to this assistant's access."""
        from assistant.answer.langchain import as_retriever

        return as_retriever(self, k)

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Hold one state of the index, from when all is loaded: its vectors live until the ingest after the next."""
        self._encoder.result(), self._store.result()
        with self.catalog.snapshot():
            yield

    def _screen(self, question: str, history: Sequence[Turn]) -> Screened:
        """Screen a question, and a follow-up with what it follows too: neither half need give a request away."""
        screened = self._guards.input(question)
        asked = readings(question, history)[-1]
        if asked == question or screened.action == "block":
            return screened
        joined = self._guards.input(asked)
        return replace(joined, text=screened.text) if joined.action == "block" else screened

    def _reader_model(self) -> Future[CrossEncoder]:
        """Start to open the reader's model, if nobody has."""
        if self._cross_encoder is None:
            self._cross_encoder = self._pool.submit(
                open_reader, self._registry, self.config.encoder, self._reader_file.model_id
            )
        return self._cross_encoder

    def _reader(self) -> Reader:
        return Reader(
            self._reader_model().result().read, self.config.reader, self._reader_file.weights, self._confidence
        )  # fmt: skip

    def _retrieve(self, asked: str, question: str, access: Access, k: int = 0) -> tuple[tuple[Hit, ...], list[Term]]:
        """Return the hits, `k` or as many as are read, and the terms whose meaning the question asks for."""
        terms = find_terms(self.catalog, question, access)
        hits = self._retriever().search(asked, access, max(k, self.config.reader.passages), terms)
        return hits, [term for term, asks in terms if asks]

    def _retriever(self) -> Retriever:
        return Retriever(self.catalog, self._store.result(), self._encoder.result().encode, self.config.retrieval)

    def _check_encoder(self, registry: Registry) -> None:
        with self.catalog.snapshot():
            indexed = self.catalog.meta("encoder")
        if indexed is None:
            raise IndexMissing("the index is empty: no ingest has finished.", "Run: assistant ingest PATH")
        ours = registry.load(self.config.encoder.model).files["model.onnx"]
        if indexed != ours:
            cause = f"the index was made with another encoder ({indexed[:12]}, the prepared one is {ours[:12]})."
            raise IndexMismatch(cause, rebuild_hint(self.config.data))

    def _verified(self, wording: Wording, evidence: Sequence[Evidence]) -> Wording:
        """Quote the evidence where the generator's words may not be shown, and only what the catalog's text says."""
        if wording.own_words and (refused := self._refused(wording, [e.hit for e in evidence])):
            wording = quoted(evidence, (*wording.verdicts, *refused))
        self._check_quotes(wording)
        return wording

    def _check_quotes(self, wording: Wording) -> None:
        for citation in wording.citations:
            check_quote(self.catalog, citation.document_sha256, citation.start, citation.end, citation.quote)

    def _refused(self, wording: Wording, hits: Sequence[Hit]) -> tuple[Verdict, ...]:
        """Return what the guards have against the generator's words, given the hits that they are of."""
        screened = self._guards.output(wording.text, [hit.passage.text for hit in hits])
        return screened.verdicts if screened.action != "allow" else ()


class _Clock:
    """Times the stages, in milliseconds."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages[name] = round(self._stages.get(name, 0.0) + (time.perf_counter() - began) * 1000, 2)

    def timings(self) -> Mapping[str, float]:
        return {**self._stages, "total": round((time.perf_counter() - self._began) * 1000, 2)}


def _checked(question: str) -> str:
    question = question.encode("utf-8", "replace").decode().replace("\0", " ").strip()
    if not question:
        raise UsageError("the question is empty.", "Ask something, e.g. assistant ask 'Who approves travel?'")
    if len(question) > MAX_QUESTION:
        raise UsageError(f"the question has {len(question):,} characters; the limit is {MAX_QUESTION:,}.")
    return question


def _blocked(screened: Screened, index: IndexInfo, clock: _Clock) -> Answer:
    return Answer(
        screened.text, "blocked", screened.refusal, 0.0, (), (), screened.verdicts, NO_MODEL, index, clock.timings()
    )


def _withheld(
    question: str, reading: Reading, verdicts: tuple[Verdict, ...], index: IndexInfo, clock: _Clock
) -> Answer:
    guard = next(v.guard for v in verdicts if v.stage == "output" and v.action != "allow")  # the best is first
    text = WITHHELD.format(what=WITHHELD_FOR[guard], place=_place(reading.evidence[0].hit))
    return Answer(
        question, "blocked", text, round(reading.probability, 4), (), reading.hits, verdicts, NO_MODEL, index,
        clock.timings(),
    )  # fmt: skip


def _unanswered(
    question: str, reading: Reading, closest: tuple[Quote, ...], verdicts: tuple[Verdict, ...], index: IndexInfo,
    clock: _Clock,
) -> Answer:  # fmt: skip
    text = (UNSURE if closest else ABSTAINED).format(documents=index.documents, passages=index.passages)
    return Answer(
        question, "abstained", text, round(reading.probability, 4), (), reading.hits, verdicts, NO_MODEL,
        index, clock.timings(), closest=closest,
    )  # fmt: skip


def _knows(question: str, hits: Sequence[Hit]) -> bool:
    """Tell whether any word of a question, not a mere number, is the hits'."""
    words = {word for word in content(question) if not word.isdigit()}
    return any(words & content(hit.passage.text) for hit in hits)


def _goes_on(question: str, evidence: Evidence, history: Sequence[Turn]) -> bool:
    """Tell whether evidence answers a question of few words as a follow-up, not the one before it once more."""
    hit = evidence.hit
    return not was_said(evidence.text, history) and content(question) <= content(f"{place(hit)} {hit.passage.text}")


def _quote(key: int, evidence: Evidence) -> Quote:
    hit = evidence.hit
    return Quote(
        key, quote_text(evidence), hit.source, hit.title, hit.passage.headings, hit.passage.page,
        *quote_span(evidence), hit.document_sha256,
    )  # fmt: skip


def _answered(
    question: str, reading: Reading, wording: Wording, model: ModelInfo, index: IndexInfo, clock: _Clock
) -> Answer:
    return Answer(
        question, "answered", wording.text, round(reading.probability, 4), wording.citations, reading.hits,
        wording.verdicts, model, index, clock.timings(), wording.own_words,
    )  # fmt: skip


def _place(hit: Hit) -> str:
    return f"{place(hit)} ({hit.source})"
