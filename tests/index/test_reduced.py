"""Fewer dimensions find who is near; whole vectors rank them: together they say what an exact search says."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.answer.retrieve import Retriever
from assistant.core.config import Config
from assistant.core.errors import IndexMismatch
from assistant.core.records import Meta
from assistant.index import queries
from assistant.index.catalog import Catalog
from assistant.index.publish import rebuilt
from assistant.index.vectors import FolderStore, open_store, reduced
from assistant.models.encoder import Encoder
from tests.index.test_catalog import access, add

QUESTIONS = ("How many days of leave do I have?", "who approves travel", "what is a CISO", "may I work from abroad?")


def test_the_axes_are_orthonormal_and_a_third_of_the_dimensions() -> None:
    axes = reduced(np.eye(768, dtype=np.float32))
    assert axes.shape == (768, 256) and np.allclose(axes.T @ axes, np.eye(256), atol=2e-3)


def test_vectors_of_an_encoder_without_axes_stay_as_they_are() -> None:
    vector = np.ones(384, np.float32)
    assert reduced(vector) is vector


@pytest.mark.parametrize("full_scan", [0, 4_000])
def test_the_nearest_are_those_of_an_exact_search(company: Config, encoder: Encoder, full_scan: int) -> None:
    wanted = 16
    settings = replace(company.retrieval, candidates=wanted, full_scan=full_scan)
    with closing(Catalog.open(company.data)) as catalog, closing(open_store(company.data, "")) as store:
        rows = [row for row in catalog.vector_rows() if catalog.queries.visible([row[0]], access())]
        whole = np.array([np.frombuffer(vector, np.float32) for _, vector in rows])
        retriever = Retriever(catalog, store, encoder.encode, settings)
        for question in QUESTIONS:
            vector = encoder.encode([question])[0]
            found = catalog.queries.nearest(vector, retriever.near(vector, access()), wanted)
            exact = np.argsort(-(whole @ vector))[:wanted]
            assert [i for i, _ in found] == [rows[at][0] for at in exact]
            assert [cosine for _, cosine in found] == pytest.approx((whole @ vector)[exact], abs=1e-5)


@pytest.mark.parametrize("open_ones", [2, 30, 90])
def test_whoever_may_see_few_passages_finds_the_nearest_of_them(
    tmp_path: Path, encoder: Encoder, open_ones: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether all, some, or nearly none of what is near may be seen: each has its own way through `near`."""
    monkeypatch.setattr(queries, "COMPARED", 7)
    vectors = np.random.default_rng(1).standard_normal((120, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order = np.argsort(-(vectors @ vectors[0]))  # the nearest are hidden
    settings = replace(Config().retrieval, candidates=4, full_scan=0)
    with (
        closing(Catalog.open(tmp_path, create=True)) as catalog,
        closing(FolderStore(tmp_path / "generations")) as store,
    ):
        for place, at in enumerate(order):
            hidden = place < len(order) - open_ones
            add(catalog, f"d{at}", Meta(audience=("board",) if hidden else None))
            with catalog.transaction():
                catalog.add_vectors([(f"d{at}".encode(), vectors[at].tobytes())])
        with catalog.transaction():
            catalog.set_meta("generation", rebuilt(catalog, store, catalog.generation_rows()))
        retriever = Retriever(catalog, store, encoder.encode, settings)
        near = retriever.near(vectors[0], access())
        first = len(order) - open_ones + 1  # passage that is open
        assert set(near) <= set(range(first, len(order) + 1)) and len(near) >= min(8, open_ones)
        nearest = catalog.queries.nearest(vectors[0], near, 8)
        assert [i for i, _ in nearest] == list(range(first, first + min(8, open_ones)))
        assert retriever.near(vectors[0], access("board"))[:3] == [1, 2, 3]


@pytest.mark.parametrize(
    "value", [b"", b"\xff", np.ones(8, np.float32).tobytes(), np.full(8, np.nan, np.float32).tobytes(), None]
)
def test_a_damaged_vector_ranks_nothing(tmp_path: Path, value: bytes | None) -> None:
    with closing(Catalog.open(tmp_path, create=True)) as catalog:
        add(catalog, "doc", Meta())
        with catalog.transaction():
            catalog.add_vectors([(b"doc" if value is not None else b"another", value or b"")])
        with pytest.raises(IndexMismatch, match="the catalog is damaged: a passage's vector"), catalog.snapshot():
            catalog.queries.nearest(np.full(8, 8**-0.5, np.float32), [1], 5)
