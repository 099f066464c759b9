"""Assistant.answer(): question -> retrieve -> read -> phrase -> verify -> answer, read as a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock, local
from typing import TYPE_CHECKING, Any

from assistant.answer import outcomes
from assistant.answer.confidence import Confidence, load_confidence
from assistant.answer.disclosure import in_context, masked, masked_text, permitted
from assistant.answer.evidence import place
from assistant.answer.generate_from_passages import PASSAGES, answer_from_passages
from assistant.answer.glossary import show_terms
from assistant.answer.history import checked_question, readings, recent, was_said
from assistant.answer.outcomes import Clock
from assistant.answer.phrase import GroundedText, extractive_answer, phrase
from assistant.answer.proof.citations import quote_of
from assistant.answer.proof.verify import check_quote
from assistant.answer.read import Candidates, Reader, ReaderFile, evidence_in, load_reader
from assistant.answer.remarks import with_remarks
from assistant.answer.retrieve import Retriever, find_terms
from assistant.answer.surroundings import excerpts_around
from assistant.answer.versions import earlier, since
from assistant.audit.trail import Audit, answer_line, search_line
from assistant.core.config import Config, load_config
from assistant.core.errors import IndexMismatch, IndexMissing, UsageError
from assistant.core.records import (
    NO_MODEL,
    Access,
    Answer,
    Citation,
    EarlierQuote,
    Evidence,
    Hit,
    IndexInfo,
    Quote,
    Reading,
    SearchResult,
    Term,
    Turn,
    Verdict,
    make_access,
)
from assistant.guards.run import Guards, Screened
from assistant.index.catalog import Catalog
from assistant.index.schema import rebuild_hint
from assistant.index.vectors import VectorStore, open_store
from assistant.models.cross_encoder import CrossEncoder, open_reader
from assistant.models.encoder import GUARD_ENCODER, Encoder, open_encoder, remember
from assistant.models.llm import LanguageModel, open_model
from assistant.models.onnx_session import GRAPH
from assistant.models.registry import Registry
from assistant.text.words import content

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable

SURROUNDINGS = 2_000  # characters on either side of a quote that are masked before some of them are shown
Stage = Callable[[str], None]


class Assistant:
    """Answers questions from one index, in as many threads as like: the models are shared, the catalog's is each one's.

    A generator that is run here words one answer at a time.
    """

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
        self._lock = Lock()  # of what is opened at its first use
        self._own = local()
        registry = Registry(config.models_dir)
        self._check_encoder(registry)
        self._reader_file = reader or load_reader(config)
        self._confidence = confidence or load_confidence(config.data)
        self._threshold = self._confidence.threshold(config.answer.max_risk)
        reads = config.generator.reads
        self._reads_passages = reads == "passages" or (reads == "auto" and config.generator.kind.large)
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
        """Let go of the index's files: of what another thread reads just now, when it has read it."""
        if not self._store.cancel() and not self._store.exception():
            self._store.result().close()
        self._pool.shutdown(wait=False)
        # Each connection goes with its last reference. To close one under a thread that reads it crashes the process.
        self._own = local()

    @property
    def threshold(self) -> float:
        """The least probability of being right with which a question is answered."""
        return self._threshold

    @property
    def catalog(self) -> Catalog:
        """This thread's connection to the catalog."""
        own = self._own
        if not hasattr(own, "catalog"):
            own.catalog = Catalog.open(self.config.data)
        found: Catalog = own.catalog
        return found

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
        answer = self._answer(checked_question(question), history, access, k, stage)
        if self._audit:
            self._audit.append(answer_line(self._command, answer, history, access, self.config))
        return answer

    def _answer(self, question: str, history: Sequence[Turn], access: Access, k: int | None, stage: Stage) -> Answer:
        clock = Clock()
        stage("searching")
        with self._snapshot():
            index = self.catalog.info(access)
            with clock("guard"):
                screened = self._screen(question, history)
            if screened.action == "block":
                return outcomes.blocked(screened, index, clock)
            question = screened.text
            asked, reading = self._understood(question, history, access, clock, stage)
            found = reading.hits
            with clock("guard"):
                hits = masked(found[: k or self.config.retrieval.k], self._guards)
                reading = replace(reading, hits=hits)
            if self._reads_passages and reading.probability >= self.config.answer.min_closest:
                return self._from_passages(question, asked, found, reading, screened, index, access, clock, stage)
            if not reading.evidence or reading.probability < self._threshold:
                return self._abstained(question, reading, screened.verdicts, index, clock)
            with clock("guard"):
                evidence, withheld = permitted(with_remarks(reading.evidence, self.catalog, access), self._guards)
                verdicts = (*screened.verdicts, *withheld)
            if evidence[:1] != reading.evidence[:1]:  # what is next best would miss the point
                return outcomes.withheld(question, reading, verdicts, index, clock)
            stage("wording")
            with clock("generate"):
                model = self._model.result()
                wording = phrase(asked, evidence, model, self.config.answer, self.config.generator)
            with clock("verify"):
                wording = self._in_place(self._verified(wording, evidence), [e.hit for e in evidence], access)
            before = self._earlier(question, asked, wording, access)
        wording = replace(wording, verdicts=(*verdicts, *wording.verdicts))
        return outcomes.answered(question, reading, wording, before, model.info if model else NO_MODEL, index, clock)

    def _understood(
        self, question: str, history: Sequence[Turn], access: Access, clock: Clock, stage: Stage
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
        self,
        question: str,
        asked: str,
        found: Sequence[Hit],
        reading: Reading,
        screened: Screened,
        index: IndexInfo,
        access: Access,
        clock: Clock,
        stage: Stage,
    ) -> Answer:
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
            wording = self._in_place(wording, found, access)
        before = self._earlier(question, asked, wording, access)
        wording = replace(wording, verdicts=(*screened.verdicts, *withheld, *wording.verdicts))
        return outcomes.answered(question, reading, wording, before, model.info, index, clock)

    def _earlier(self, question: str, asked: str, wording: GroundedText, access: Access) -> tuple[EarlierQuote, ...]:
        """Return what the version before said, where the question is about that and the answer says otherwise."""

        def find(before: Access, source: str) -> tuple[Evidence, ...]:
            hits, _ = self._retrieve(asked, question, before)
            reading = self._reader().read(asked, [h for h in hits if h.source == source], [], focus=question)
            return permitted(reading.evidence if reading.probability >= self._threshold else (), self._guards)[0]

        return earlier(question, wording.citations, self.catalog, access, find)

    def _abstained(
        self, question: str, reading: Reading, verdicts: tuple[Verdict, ...], index: IndexInfo, clock: Clock
    ) -> Answer:
        """Say that nothing surely answers, and show what came closest unless that is far off."""
        likely = reading.probability >= self.config.answer.min_closest
        near = reading.closest if likely and _knows(question, reading.hits) else ()
        with clock("guard"):
            near, withheld = permitted(near, self._guards)
        quotes = tuple(quote_of(key, e) for key, e in enumerate(near, 1))
        for q in quotes:
            check_quote(self.catalog, q.document_sha256, q.start, q.end, q.quote)
        return outcomes.unanswered(question, reading, quotes, (*verdicts, *withheld), index, clock)

    def search(
        self, query: str, *, access: Access | None = None, k: int | None = None, focus: str = ""
    ) -> SearchResult:
        """Return the hits alone; `focus` is the question where `query` says more."""
        query, access, settings = checked_question(query), access or self.access, self.config.retrieval
        if settings.rerank:
            self._reader_model()
        most = k or settings.k
        clock = Clock()
        with self._snapshot():
            index = self.catalog.info(access)
            with clock("retrieve"):
                hits, defined = self._retrieve(query, focus or query, access, most)
            if settings.rerank:
                with clock("read"):
                    hits = self._reader().rerank(query, hits, defined, focus)
            with clock("guard"):
                hits = masked(hits[:most], self._guards)
        found = SearchResult(query, hits, index, clock.timings())
        if self._audit:
            self._audit.append(search_line(self._command, found, access, self.config))
        return found

    def terms(self, name: str = "", *, access: Access | None = None) -> list[tuple[Term, str, str]]:
        """Return (term, source, document title) of every definition of a name, or of all names if it is empty."""
        return show_terms(name, self.config, self.catalog, access or self.access, self._guards, self._audit)

    def files(self, answer: Answer, access: Access) -> dict[str, str]:
        """Return the addresses of an answer's sources on this machine, as far as the files are still there."""
        found = self.catalog.files({quote.source for quote in answer.sources}, access)
        return {source: Path(path).as_uri() for source, path in found.items() if Path(path).is_file()}

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
            if masked_text(quote.quote, self._guards) != quote.quote:
                raise UsageError(f"what {quote.source} says there may not be shown.", "Ask for something else.")
            begin, stop = self.catalog.indexed_around(document, quote.start, quote.end)
        begin, stop = max(begin, quote.start - SURROUNDINGS), min(stop, quote.end + SURROUNDINGS)
        return in_context(document.text[begin:stop], quote.start - begin, quote.end - begin, self._guards)

    def read(self, question: str, history: Sequence[Turn] = (), *, access: Access | None = None) -> Reading:
        """Return the evidence and its features alone; what an answer would be worded from."""
        with self._snapshot():
            return self._understood(
                checked_question(question), recent(history), access or self.access, Clock(), lambda name: None
            )[1]

    def candidates(self, question: str, history: Sequence[Turn] = (), *, access: Access | None = None) -> Candidates:
        """Return every sentence that the reader would choose from, with its features."""
        asked = readings(checked_question(question), recent(history))[0]
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
        with self._lock:
            if self._cross_encoder is None:
                self._cross_encoder = self._pool.submit(
                    open_reader, self._registry, self.config.encoder, self._reader_file.model_id
                )
            return self._cross_encoder

    def _reader(self) -> Reader:
        return Reader(
            self._reader_model().result().read, self.config.reader, self._reader_file.weights, self._confidence
        )

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
        ours = registry.load(self.config.encoder.model).files[GRAPH]
        if indexed != ours:
            cause = f"the index was made with another encoder ({indexed[:12]}, the prepared one is {ours[:12]})."
            raise IndexMismatch(cause, rebuild_hint(self.config.data))

    def _verified(self, wording: GroundedText, evidence: Sequence[Evidence]) -> GroundedText:
        """Quote the evidence where the generator's words may not be shown, and only what the catalog's text says."""
        if wording.generated and (refused := self._refused(wording, [e.hit for e in evidence])):
            wording = extractive_answer(evidence, (*wording.verdicts, *refused))
        self._check_quotes(wording)
        return wording

    def _check_quotes(self, wording: GroundedText) -> None:
        for citation in wording.citations:
            check_quote(self.catalog, citation.document_sha256, citation.start, citation.end, citation.quote)

    def _in_place(self, wording: GroundedText, hits: Sequence[Hit], access: Access) -> GroundedText:
        """Show with each quote what stands around it, masked, since when its document holds, and if it was scanned."""
        documents = {hit.document_sha256: hit.passage.document_id for hit in hits}

        def placed(citation: Citation) -> Citation:
            document = documents[citation.document_sha256]
            around = excerpts_around(self.catalog, document, citation.start, citation.end)
            context = tuple(replace(e, text=masked_text(e.text, self._guards)) for e in around)
            read = self.catalog.ocr_of(document, citation.start, citation.end)
            return replace(citation, context=context, since=since(self.catalog, citation.source, access), ocr=read)

        return replace(wording, citations=tuple(map(placed, wording.citations)))

    def _refused(self, wording: GroundedText, hits: Sequence[Hit]) -> tuple[Verdict, ...]:
        """Return what the guards have against the generator's words, given the hits that they are of."""
        screened = self._guards.output(wording.text, [hit.passage.text for hit in hits])
        return screened.verdicts if screened.action != "allow" else ()


def _knows(question: str, hits: Sequence[Hit]) -> bool:
    """Tell whether any word of a question, not a mere number, is the hits'."""
    words = {word for word in content(question) if not word.isdigit()}
    return any(words & content(hit.passage.text) for hit in hits)


def _goes_on(question: str, evidence: Evidence, history: Sequence[Turn]) -> bool:
    """Tell whether evidence answers a question of few words as a follow-up, not the one before it once more."""
    hit = evidence.hit
    return not was_said(evidence.text, history) and content(question) <= content(f"{place(hit)} {hit.passage.text}")
