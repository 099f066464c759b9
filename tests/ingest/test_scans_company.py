"""The bar of OCR: the sample company's PDFs, scanned, say what their text says and answer as it does."""

from __future__ import annotations

import pytest

from assistant.core.config import Config
from assistant.core.package import has
from assistant.models.encoder import Encoder
from bench.common import quiet_config
from bench.ocr import READ_RIGHT, SAME, answered_alike, read_right, scan_company
from ingest.build import ingest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3_000),
    pytest.mark.skipif(not has("ocr"), reason="needs OCR: pip install '.[ocr]'"),
]


@pytest.fixture(scope="module")
def scans(company: Config, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("scans")
    made = quiet_config(folder / "index", company.models_dir)
    report = ingest([scan_company(folder)], made, encoder)
    assert not report.rejected
    return made


def test_characters_are_read_right(company: Config, scans: Config) -> None:
    shares = read_right(company, scans)
    assert len(shares) == 6 and min(shares.values()) >= READ_RIGHT, shares


def test_questions_are_answered_as_from_the_text(company: Config, scans: Config) -> None:
    alike = answered_alike(company, scans)
    assert len(alike) >= 50 and sum(alike.values()) >= SAME * len(alike), alike
