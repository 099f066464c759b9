"""The bar of OCR: the sample company's PDFs, scanned, say what their text says and answer as it does.

Characters are compared in reading order, page by page; questions are those whose answer lies in a PDF. Ten minutes.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest

from assistant.answer.assistant import Assistant
from assistant.core.config import Config
from assistant.core.package import has
from assistant.core.records import Answer, make_access
from assistant.index.catalog import Catalog
from assistant.models.encoder import Encoder
from bench.common import quiet_config, read_jsonl
from ingest.build import ingest
from tests.ingest.formats.scanned_files import scanned

CORPORA = Path(__file__).parent.parent.parent / "corpora"
PDFS = sorted(path.relative_to(CORPORA).as_posix() for path in CORPORA.rglob("*.pdf"))
READ_RIGHT, SAME = 0.98, 0.9  # the bars
OVERLAP = 0.5  # of the shorter quote, without white space, that both must say

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3_000),
    pytest.mark.skipif(not has("ocr"), reason="needs OCR: pip install '.[ocr]'"),
]


@pytest.fixture(scope="module")
def scans(company: Config, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The sample company with every PDF as a scan."""
    folder = tmp_path_factory.mktemp("scans")
    copy = shutil.copytree(CORPORA, folder / "corpora")
    for name in PDFS:
        (copy / name).write_bytes(scanned((copy / name).read_bytes()))
    made = quiet_config(folder / "index", company.models_dir)
    report = ingest([copy], made, encoder)
    assert not report.rejected
    return made


def page_texts(text: str, pages: Sequence[int]) -> list[str]:
    return [text[start:end] for start, end in zip(pages, [*pages[1:], len(text)], strict=True)]


def errors(right: str, read: str) -> tuple[int, int]:
    """Return how many letters and digits must be changed, and how many there are."""
    wanted, got = ([char for char in text if char.isalnum()] for text in (right, read))
    codes = np.array([ord(char) for char in got], dtype=np.int64)
    steps = np.arange(len(codes) + 1)
    row = steps
    for number, char in enumerate(wanted, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(char)))
        row = np.minimum.accumulate(np.concatenate([[number], best]) - steps) + steps
    return int(row[-1]), len(wanted)


def test_characters_are_read_right(company: Config, scans: Config) -> None:
    shares = {}
    with closing(Catalog.open(company.data)) as texts, closing(Catalog.open(scans.data)) as read:
        for source in PDFS:
            right, got = (catalog.queries.document(source, make_access()) for catalog in (texts, read))
            assert right and got and got.ocr, source
            pages = page_texts(right.text, right.pages), page_texts(got.text, got.pages)
            counted = [errors(a, b) for a, b in zip(*pages, strict=True)]
            shares[source] = 1 - sum(wrong for wrong, _ in counted) / sum(of for _, of in counted)
    assert len(shares) == 6 and min(shares.values()) >= READ_RIGHT, shares


def is_same(one: Answer, other: Answer) -> bool:
    """Tell whether two answers end alike, and quote the same place if they quote any."""
    quoted = [(a, b) for a in one.citations for b in other.citations if a.source == b.source]
    overlap = any(_overlap(a.quote, b.quote) for a, b in quoted)
    return one.status == other.status and (overlap or not one.citations)


def _overlap(one: str, other: str) -> bool:
    one, other = "".join(one.split()), "".join(other.split())
    found = SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
    return found.size >= OVERLAP * min(len(one), len(other))


def test_questions_are_answered_as_from_the_text(company: Config, scans: Config) -> None:
    asked = [row for row in read_jsonl(CORPORA / "questions.jsonl") if str(row.get("doc") or "").endswith(".pdf")]
    fewer = replace(company.reader, passages=8)  # are read of both: reading is nine tenths of an answer
    with (
        closing(Assistant(replace(company, reader=fewer))) as text,
        closing(Assistant(replace(scans, reader=fewer))) as scan,
    ):
        alike = {row["id"]: is_same(text.answer(row["question"]), scan.answer(row["question"])) for row in asked}
    assert len(alike) >= 50 and sum(alike.values()) >= SAME * len(alike), alike
