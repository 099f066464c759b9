"""The bar: of 40 facts that changed in the sample company all are named, and of 22 other changes none.

The edits (edits.json) were written before the code that names them.
"""

from __future__ import annotations

import pytest

from assistant.core.config import Config
from assistant.core.records import make_access, no_progress
from ingest.impact.records import Fact, Impact
from ingest.impact.run import Plan, assess
from tests.conftest import CORPORA
from tests.ingest.impact.pages import EDITS, edited


@pytest.fixture(scope="module")
def found(company: Config, tmp_path_factory: pytest.TempPathFactory) -> Impact:
    clone = edited(CORPORA, tmp_path_factory.mktemp("clone") / "corpora")
    impact, _ = assess(Plan([clone]), company, make_access(("managers",)), no_progress)
    return impact


def names(fact: Fact, edit: dict[str, str]) -> bool:
    """Tell whether a fact is that of an edit: in its document, from what was to what is, about what it is about."""
    sides = edit["was"] in fact.old and edit["now"] in fact.new and bool(edit["was"]) == bool(fact.old)
    return fact.source == edit["file"] and sides and edit["about"] in fact.subject.casefold()


@pytest.mark.parametrize("at", range(len(EDITS["facts"])), ids=lambda at: f"{EDITS['facts'][at]['kind']}-{at}")
def test_a_changed_fact_is_named(found: Impact, at: int) -> None:
    edit = EDITS["facts"][at]
    of_document = [(f.kind, f.subject, f.old, f.new) for f in found.documents.facts if f.source == edit["file"]]
    assert any(names(fact, edit) for fact in found.documents.facts), of_document


def test_nothing_else_is_named(found: Impact) -> None:
    others = [fact for fact in found.documents.facts if not any(names(fact, edit) for edit in EDITS["facts"])]
    assert [(f.source, f.kind, f.subject, f.old, f.new) for f in others] == []
    assert len(found.documents.facts) == len(EDITS["facts"]) == 40


def test_only_the_documents_that_were_edited_changed(found: Impact) -> None:
    edited_files = {edit["file"] for edit in (*EDITS["facts"], *EDITS["others"])}
    documents = found.documents
    assert {change.source for change in documents.changed} == edited_files
    assert (documents.added, documents.removed, documents.hidden, found.rejected) == ((), (), (), ())
    assert all(not change.meta and not change.was for change in documents.changed)
