"""The sample company is sound: its questions point at what its documents say, and its binaries at their sources."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from assistant.core.config import Config
from assistant.core.records import Access
from assistant.index.catalog import Catalog

CORPORA = Path(__file__).parent.parent.parent / "corpora"
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (CORPORA / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
KINDS = {
    "contractor",
    "exception",
    "fact",
    "followup",
    "managers",
    "number",
    "procedure",
    "table",
    "term",
    "yesno",
}


def flat(text: str) -> str:
    """Fold white space, and what Markdown and the canonical text put around words."""
    return " ".join(re.sub(r"[*_`|#]+", " ", text).split())


@pytest.fixture(scope="module")
def texts(company: Config) -> Iterator[dict[str, str]]:
    """Each document's canonical text by its source, whoever may see it and whenever it holds."""
    catalog = Catalog.open(company.data)
    rows = catalog.sources()
    found = {}
    for row in rows.values():
        day = row.meta.effective or row.meta.expires or "2025-06-01"
        document = catalog.queries.document(row.source, Access(frozenset(row.meta.audience or ()), day))
        assert document is not None, row.source
        found[row.source] = document.text
    yield found
    catalog.close()


def test_every_question_has_an_id_of_its_own_and_a_known_shape() -> None:
    assert len({q["id"] for q in QUESTIONS}) == len(QUESTIONS) >= 120
    keys = {"id", "question", "answers", "doc", "evidence", "answerable", "kind"}
    for q in QUESTIONS:
        assert keys <= set(q) <= keys | {"history", "roles"}, q["id"]
        assert q["kind"] in KINDS and isinstance(q["answerable"], bool), q["id"]
        assert q["question"].strip() and (CORPORA / q["doc"]).is_file(), q["id"]
    assert {q["kind"] for q in QUESTIONS} == KINDS
    assert len({q["question"] for q in QUESTIONS if not q.get("history")}) == sum(
        not q.get("history") for q in QUESTIONS
    )


def test_a_quarter_of_the_questions_have_no_answer() -> None:
    unanswerable = [q for q in QUESTIONS if not q["answerable"]]
    assert len(unanswerable) >= 0.25 * len(QUESTIONS)
    assert all(q["answers"] == q["evidence"] == [] for q in unanswerable)
    assert all(q["answers"] and q["evidence"] for q in QUESTIONS if q["answerable"])


def test_follow_ups_have_a_conversation_before_them_and_only_managers_need_a_role() -> None:
    for q in QUESTIONS:
        assert bool(q.get("history")) == (q["kind"] == "followup"), q["id"]
        roles = [turn["role"] for turn in q.get("history", [])]
        assert roles == ["user", "assistant"] * (len(roles) // 2), q["id"]
        assert q.get("roles", []) == (["managers"] if q["kind"] == "managers" else []), q["id"]


def test_every_evidence_is_in_the_text_of_its_document(texts: dict[str, str]) -> None:
    missing = [
        (q["id"], evidence)
        for q in QUESTIONS
        for evidence in q["evidence"]
        if flat(evidence) not in flat(texts[q["doc"]])
    ]
    assert missing == []


def test_the_company_is_of_a_useful_size(company: Config, texts: dict[str, str]) -> None:
    assert len(texts) >= 24
    assert sum(len(text.split()) for text in texts.values()) >= 20_000
    catalog = Catalog.open(company.data)
    assert catalog.queries.count_terms() >= 60
    glossary = [
        term for term, source, _ in catalog.queries.terms(Access(as_of="2025-06-01")) if source == "glossary.xlsx"
    ]
    assert len({term.name for term in glossary}) >= 60
    catalog.close()
    assert {Path(source).suffix for source in texts} >= {".md", ".pdf", ".docx", ".pptx", ".html", ".csv", ".xlsx"}


def _builder() -> ModuleType:
    pytest.importorskip("fpdf", reason="needs pip install '.[corpora]'")
    spec = importlib.util.spec_from_file_location("corpora_build", CORPORA / ".sources" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_binaries_are_what_their_sources_make() -> None:
    """Build each in memory with the builder's own functions, and compare the bytes."""
    build = _builder()
    built: dict[str, bytes] = {}
    for source in sorted(build.SOURCES.glob("**/*.md")):
        if source.name == "README.md":
            continue
        meta, root = build.read_source(source)
        built[meta["output"]] = build.BUILDERS[Path(meta["output"]).suffix](meta, root)
    for name, (output, sheet) in build.SHEETS.items():
        built[output] = build.build_xlsx(build.SOURCES / name, sheet)
    binaries = [p for p in CORPORA.rglob("*") if p.suffix in {".pdf", ".docx", ".pptx", ".xlsx"}]
    assert {p.relative_to(CORPORA).as_posix() for p in binaries} == set(built)
    assert [name for name, data in built.items() if (CORPORA / name).read_bytes() != data] == []
