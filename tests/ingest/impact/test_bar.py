"""The bar: of 40 changed rules of the sample company all are told, each span by its type, and 22 others as minor.

The edits (edits.json) were written before the code that tells them.
"""

from __future__ import annotations

import pytest

from assistant.core.config import Config
from assistant.core.records import make_access, no_progress
from ingest.impact.records import Impact, TextChange
from ingest.impact.run import ImpactPlan, assess
from tests.conftest import CORPORA
from tests.ingest.impact.pages import EDITS, edited, spans

# The types that an edit's kind may be told as; of cells, items and definitions every word is told, whatever its type.
TYPES = {
    "number": {"number"},
    "date": {"date"},
    "amount": {"amount"},
    "duration": {"duration"},
    "percentage": {"percent"},
    "unit": {"duration", "amount"},
    "obligation": {"duty"},
    "negation": {"duty"},
}


@pytest.fixture(scope="module")
def found(company: Config, tmp_path_factory: pytest.TempPathFactory) -> Impact:
    clone = edited(CORPORA, tmp_path_factory.mktemp("clone") / "corpora")
    impact, _ = assess(ImpactPlan([clone]), company, make_access(("managers",)), no_progress)
    return impact


def texts(found: Impact, file: str) -> list[TextChange]:
    return [text for change in found.documents.changed if change.source == file for text in change.texts]


def tells(text: TextChange, edit: dict[str, str]) -> bool:
    """Tell whether a change is that of an edit: its spans go from what was to what is, and are of its type."""
    found = spans(text)
    old, new = " ".join(old for _, old, _ in found), " ".join(new for _, _, new in found)
    typed = edit["kind"] not in TYPES or any(kind in TYPES[edit["kind"]] for kind, _, _ in found)
    return typed and edit["was"] in old and edit["now"] in new


@pytest.mark.parametrize("at", range(len(EDITS["rules"])), ids=lambda at: f"{EDITS['rules'][at]['kind']}-{at}")
def test_a_changed_rule_is_told_by_its_type(found: Impact, at: int) -> None:
    edit = EDITS["rules"][at]
    in_document = texts(found, edit["file"])
    of_edit = [text for text in in_document if tells(text, edit)]
    assert len(of_edit) == 1, [spans(text) for text in in_document]
    assert edit["kind"] not in TYPES or of_edit[0].severity == "major"


def test_what_is_said_in_other_words_is_minor(found: Impact) -> None:
    for change in found.documents.changed:
        rules = [edit for edit in EDITS["rules"] if edit["file"] == change.source]
        others = [text for text in change.texts if not any(tells(text, edit) for edit in rules)]
        assert [(spans(text), text.severity) for text in others if text.severity != "minor"] == []


def test_only_the_documents_that_were_edited_changed(found: Impact) -> None:
    edited_files = {edit["file"] for edit in (*EDITS["rules"], *EDITS["others"])}
    documents = found.documents
    assert {change.source for change in documents.changed} == edited_files
    assert (documents.added, documents.removed, documents.hidden, found.rejected) == ((), (), (), ())
    assert all(not change.meta and not change.was for change in documents.changed)
