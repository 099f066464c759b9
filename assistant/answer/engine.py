"""What a question is answered with: one index, and the models that are opened for it once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, local
from typing import TYPE_CHECKING

from assistant.answer.confidence import Confidence, load_confidence
from assistant.answer.disclosure import check_masked
from assistant.answer.follow_up import load_follow_ups
from assistant.answer.limits import load_limits
from assistant.answer.question import Inquiry, respelt
from assistant.answer.read import Reader, ReaderFile, load_reader
from assistant.answer.retrieve import Retriever, find_terms
from assistant.answer.small_talk import load_small_talk
from assistant.answer.steps import Request
from assistant.core.config import Config
from assistant.core.errors import IndexMissing, ModelMissing
from assistant.core.records import Access, Hit, Reading, Term
from assistant.guards.run import Guards
from assistant.index.catalog import Catalog
from assistant.index.schema import other_encoder
from assistant.index.vectors import VectorStore, open_store
from assistant.models.cross_encoder import CrossEncoder, open_reader
from assistant.models.encoder import GUARD_ENCODER, Encoder, encoder_graphs, encoder_sha, open_encoder, remember
from assistant.models.language_model import LanguageModel
from assistant.models.llm import open_model
from assistant.models.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Engine:
    """Opens an index and its models, for as many threads as like: the models are shared, the catalog's is each one's.

    A generator that is run here words one answer at a time.
    """

    def __init__(
        self,
        config: Config,
        *,
        model: LanguageModel | None = None,
        confidence: Confidence | None = None,
        reader: ReaderFile | None = None,
    ) -> None:
        """Open the index; models load in the background.

        Raises IndexMissing, IndexMismatch, ModelMissing or ModelDamaged, and UsageError for a risk that the calibration
        cannot hold.
        """
        self.config = config
        self._lock = Lock()  # of what is opened at its first use
        self._thread = local()
        self._registry = Registry(config.models_dir)
        self._encoder_sha = encoder_sha(self._registry.load(config.encoder.model))
        with self.reading():
            pass  # so that an index that cannot be read is told now
        self._reader_file = reader or load_reader(config)
        self._confidence = confidence or load_confidence(config.data)
        self.threshold = self._confidence.threshold(config.answer.max_risk)
        self.generates = model is not None or config.generator.runtime != "none"
        # Loading is mostly file reading and native code, so it overlaps.
        self._pool = ThreadPoolExecutor(5, thread_name_prefix="load")
        self._cross_encoder: Future[CrossEncoder] | None = None  # only what is read needs it
        guard_encoder = self._pool.submit(open_encoder, self._registry, config.encoder, GUARD_ENCODER)
        # Of `self` the guards would make a circle, which keeps the models until the garbage is collected.
        encode_small = remember(lambda texts: guard_encoder.result().encode(texts))
        self.guards = Guards(config.guards, encode_small)
        self.limits = load_limits(encode_small)
        self.small_talk = load_small_talk(encode_small)
        self.follow_ups = load_follow_ups(encode_small)
        self._encoder: Future[Encoder] = self._pool.submit(open_encoder, self._registry, config.encoder)
        self._store: Future[VectorStore] = self._pool.submit(open_store, config.data, config.index.chroma_url)
        registry = self._registry
        self._model: Future[LanguageModel | None] = self._pool.submit(lambda: model or open_model(config, registry))

    def close(self) -> None:
        """Let go of the index's files: of what another thread reads just now, when it has read it."""
        if not self._store.cancel() and not self._store.exception():
            self._store.result().close()
        self._pool.shutdown(wait=False)
        # Each connection goes with its last reference. To close one under a thread that reads it crashes the process.
        self._thread = local()

    @property
    def catalog(self) -> Catalog:
        """This thread's connection to the catalog: to the one that is there now, if the index was made anew."""
        thread = self._thread  # which `close` puts another in the place of
        if not hasattr(thread, "catalog") or thread.catalog.is_replaced:
            thread.catalog = Catalog.open(self.config.data)
        found: Catalog = thread.catalog
        return found

    @contextmanager
    def snapshot(self) -> Iterator[Catalog]:
        """Hold one state of the index, from when all is loaded: its vectors live until the ingest after the next."""
        self._encoder.result(), self._store.result()
        with self.reading() as catalog:
            yield catalog

    @contextmanager
    def reading(self) -> Iterator[Catalog]:
        """Hold one state of the index, without its vectors.

        Raises IndexMissing, and IndexMismatch for one that was masked otherwise, or made with another encoder.
        """
        with self.catalog.snapshot():
            check_masked(self.catalog, self.config.guards)
            self._check_encoder()
            yield self.catalog

    def respelt(self, inquiry: Inquiry) -> Inquiry:
        """Return the inquiry with the question's misspelt words as the documents write them."""
        question = respelt(
            inquiry.question,
            self._encoder.result().knows,
            lambda word: self.catalog.queries.written(word, inquiry.access),
        )
        return inquiry if question == inquiry.question else replace(inquiry, question=question, typed=inquiry.question)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts [n, dimensions]."""
        return self._encoder.result().encode(texts)

    def retrieve(self, asked: str, question: str, access: Access, k: int = 0) -> tuple[tuple[Hit, ...], list[Term]]:
        """Return the hits, `k` or as many as are read, and the terms whose meaning the question asks for."""
        terms = find_terms(self.catalog, question, access)
        retriever = Retriever(self.catalog, self._store.result(), self._encoder.result().encode, self.config.retrieval)
        hits = retriever.search(asked, access, max(k, self.config.reader.passages), terms)
        return hits, [term for term, asks in terms if asks]

    @property
    def reader(self) -> Reader:
        """What picks the evidence; waits until its model is open."""
        read = self.open_reader().result().read
        return Reader(read, self.config.reader, self._reader_file.weights, self._confidence)

    def answers(self, reading: Reading) -> bool:
        """Tell whether what was read is likely enough to be right."""
        return bool(reading.evidence) and reading.probability >= self.threshold

    def open_reader(self) -> Future[CrossEncoder]:
        """Start to open the reader's model, if nobody has."""
        with self._lock:
            if self._cross_encoder is None:
                self._cross_encoder = self._pool.submit(
                    open_reader, self._registry, self.config.encoder, self._reader_file.model_id
                )
            return self._cross_encoder

    @property
    def model(self) -> LanguageModel | None:
        """The generator, if there is one; waits until it is open."""
        return self._model.result()

    def ask(self, request: Request) -> Future[str]:
        """Begin a call to the generator."""
        model = self.model
        if model is None:
            raise ModelMissing("there is no generator to ask.", "Set generator.runtime.")
        return model.ask(request.messages, request.max_tokens, request.heard)

    def _check_encoder(self) -> None:
        indexed = self.catalog.meta("encoder")
        if indexed is None:
            raise IndexMissing("the index is empty: no ingest has finished.", "Run: assistant ingest PATH")
        if indexed != self._encoder_sha:
            raise other_encoder(self.config.data, indexed, self._encoder_sha, encoder_graphs(self._registry))
