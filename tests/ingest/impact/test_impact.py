"""An impact on a real index: documents, rights, masks, answers; and nothing is touched."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.core.config import Config, GuardsSection
from assistant.core.errors import GateFailed, IndexMismatch, UsageError
from assistant.core.records import Access, make_access, no_progress
from assistant.evaluate.golden import GoldenOutcome
from ingest.impact.records import Impact
from ingest.impact.run import ImpactPlan, assess, check_gate
from tests.manifests import access_toml

NOBODY, MANAGER = make_access((), "2026-01-01"), make_access(("managers",), "2026-01-01")
SECRET = "The password is: Xk9#mQ2$vLp8!"
FILES = {
    "leave.md": "# Leave\n\n## Carry-over\n\nAn employee may carry over at most 5 days of annual leave.\n",
    "keys.md": "---\nowner: Porter\nversion: '1'\n---\n# Keys\n\nThe porter keeps two spare keys.\n",
    "access.toml": access_toml({"bands.md": "managers"}),
    "bands.md": "# Salary bands\n\nThe golden band is 90,000 euros a year.\n",
    "terms.md": "# Glossary\n\n- **Quiet hours** means the time from 22:00 to 07:00.\n- **Watch** means a shift.\n",
}
LEAVE = "How many days of annual leave may an employee carry over?"


@pytest.fixture
def config(
    make_config: Callable[..., Config], write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> Config:
    made = make_config()
    run_ingest(made, write_files(FILES))
    return made


@pytest.fixture
def clone(tmp_path: Path, config: Config) -> Path:
    """Another checkout of the indexed files."""
    shutil.copytree(tmp_path / "docs", tmp_path / "clone")
    return tmp_path / "clone"


def edit(clone: Path, name: str, old: str, new: str) -> None:
    path = clone / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(config: Config, clone: Path, access: Access = NOBODY, **plan: Any) -> tuple[Impact, list[GoldenOutcome]]:
    return assess(ImpactPlan([clone], **plan), config, access, no_progress)


def golden(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "golden.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"g{n}", **line}) + "\n" for n, line in enumerate(lines)), encoding="utf-8"
    )
    return path


def expects(question: str, *numbers: int, **line: Any) -> dict[str, Any]:
    return {"question": question, "expect": {"status": "answered", "numbers": list(numbers)}, **line}


def contents(folder: Path) -> dict[str, str]:
    """Hash what is in a folder, but for the vectors, whose files Chroma writes to whenever it is asked."""
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.endswith(("-shm", "-wal")))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# --- documents -------------------------------------------------------------------------------------------------------


def test_another_checkout_without_an_edit_changes_nothing_and_nothing_is_touched(config: Config, clone: Path) -> None:
    before = contents(config.data)
    impact, _ = run(config, clone)
    documents = impact.documents
    assert (documents.added, documents.removed, documents.hidden, documents.changed) == ((), (), (), ())
    assert documents.unchanged == 3 and not any(documents.counts.values()) and not impact.refused
    assert contents(config.data) == before


def test_documents_that_are_new_gone_changed_and_renamed(config: Config, clone: Path) -> None:
    edit(clone, "leave.md", "5 days", "8 days")
    (clone / "keys.md").rename(clone / "locks.md")
    (clone / "terms.md").unlink()
    (clone / "new.md").write_text("# Parking\n\nVisitors park in bay 7.\n", encoding="utf-8")
    documents = run(config, clone)[0].documents
    assert (documents.added, documents.removed) == (("new.md",), ("terms.md",))
    assert [(change.source, change.was) for change in documents.changed] == [("leave.md", ""), ("locks.md", "keys.md")]
    (text,) = documents.changed[0].texts
    assert (text.kind, text.severity, text.headings) == ("sentence", "major", ("Leave", "Carry-over"))
    assert [(edit.op, edit.type, edit.old, edit.new) for edit in text.edits][1] == (
        "replace",
        "duration",
        "5 days",
        "8 days",
    )
    assert documents.changed[0].passages == (1, 1) and documents.counts["major"] == 1


def test_what_is_said_of_a_document_and_its_terms(config: Config, clone: Path) -> None:
    edit(clone, "keys.md", "owner: Porter\nversion: '1'", "owner: Facilities\nexpires: 2030-01-01")
    edit(clone, "terms.md", "22:00", "23:00")
    edit(clone, "terms.md", "- **Watch** means a shift.\n", "- **Ward** means a day.\n")
    keys, terms = run(config, clone)[0].documents.changed
    assert {(meta.key, meta.old, meta.new) for meta in keys.meta} == {
        ("owner", "Porter", "Facilities"),
        ("version", "1", ""),
        ("expires", "", "2030-01-01"),
    }
    assert not keys.texts
    assert [(term.name, bool(term.old), bool(term.new)) for term in terms.terms] == [
        ("Quiet hours", True, True),
        ("Ward", False, True),
        ("Watch", True, False),
    ]


def test_one_file_replaces_one_document(config: Config, clone: Path) -> None:
    edit(clone, "leave.md", "5 days", "8 days")
    edit(clone, "keys.md", "two", "three")
    documents = assess(ImpactPlan([clone / "leave.md"]), config, NOBODY, no_progress)[0].documents
    assert [change.source for change in documents.changed] == ["leave.md"]
    assert (documents.removed, documents.unchanged) == ((), 2)


def test_a_file_in_place_is_compared_with_what_was_read_of_it(config: Config, tmp_path: Path) -> None:
    edit(tmp_path / "docs", "leave.md", "5 days", "8 days")
    (tmp_path / "docs" / "keys.md").unlink()
    documents = run(config, tmp_path / "docs")[0].documents
    assert [change.source for change in documents.changed] == ["leave.md"] and documents.removed == ("keys.md",)


# --- rights and masks ------------------------------------------------------------------------------------------------


def test_a_document_that_may_not_be_seen_is_not_told_of(config: Config, clone: Path) -> None:
    edit(clone, "bands.md", "90,000", "95,000")
    hidden, _ = run(config, clone)
    assert hidden.documents.changed == () and hidden.documents.unchanged == 3
    assert "band" not in json.dumps(hidden.to_json())
    seen = run(config, clone, MANAGER)[0].documents
    (text,) = seen.changed[0].texts
    assert [edit.new for edit in text.edits if edit.op != "equal"] == ["95,000 euros a year."] and seen.unchanged == 3


def test_a_document_that_changes_hands_shows_neither_side_to_who_may_see_one(config: Config, clone: Path) -> None:
    manifest = access_toml({"leave.md": "managers", "bands.md": ["staff", "managers"]})
    (clone / "access.toml").write_text(manifest, encoding="utf-8")
    edit(clone, "keys.md", "owner: Porter", "effective: 2027-01-01")
    documents = run(config, clone)[0].documents
    assert (documents.hidden, documents.added, documents.changed) == (("keys.md", "leave.md"), (), ())
    staff = run(config, clone, make_access(("staff",), "2026-01-01"))[0].documents
    assert (staff.added, staff.changed) == (("bands.md",), ())
    later = run(config, clone, make_access(("managers",), "2027-02-01"))[0].documents
    told = {change.source: [(m.key, m.old, m.new) for m in change.meta] for change in later.changed}
    assert told["leave.md"] == [("audience", "", "managers")]
    assert told["keys.md"] == [("effective", "", "2027-01-01"), ("owner", "Porter", "")]


def test_secrets_are_masked_on_both_sides(
    config: Config, clone: Path, run_ingest: Callable[..., Any], tmp_path: Path
) -> None:
    edit(tmp_path / "docs", "keys.md", "two spare keys.", f"two spare keys. {SECRET}")
    run_ingest(config, tmp_path / "docs")
    edit(clone, "keys.md", "two spare keys.", f"three spare keys. {SECRET.replace('Xk9', 'Yk9')} Ask for it.")
    impact, _ = run(config, clone)
    told = json.dumps(impact.to_json())
    assert "mQ2$vLp8" not in told and "three spare keys" in told


# --- answers ---------------------------------------------------------------------------------------------------------


def test_answers_that_break_and_those_that_differ(config: Config, clone: Path, tmp_path: Path) -> None:
    edit(clone, "leave.md", "5 days", "8 days")
    path = golden(
        tmp_path, expects(LEAVE, 5), expects("How many spare keys does the porter keep?", 2), expects(LEAVE, 8)
    )
    impact, outcomes = run(config, clone, golden=path)
    answers = impact.answers
    assert (answers.golden, answers.held, answers.holds, answers.broken) == (3, 2, 2, 1)
    assert [bool(outcome.failures) for outcome in outcomes] == [True, False, False]
    assert [(change.id, change.held, change.holds) for change in answers.changed] == [
        ("g0", True, False),
        ("g2", False, True),
    ]
    broke = answers.changed[0]
    assert "5 days" in broke.old.quotes[0].quote and "8 days" in broke.new.quotes[0].quote
    with pytest.raises(GateFailed, match="1 of 2 golden answers that hold now would not"):
        check_gate(answers)


def test_a_golden_answer_that_never_held_breaks_no_gate(config: Config, clone: Path, tmp_path: Path) -> None:
    impact, _ = run(config, clone, golden=golden(tmp_path, expects(LEAVE, 7)))
    check_gate(impact.answers)
    assert (impact.answers.held, impact.answers.changed) == (0, ())


def test_recent_questions_are_asked_again_as_who_runs_it(config: Config, clone: Path) -> None:
    with closing(Assistant(config, access=NOBODY, audit=True, command="ask")) as asked:
        asked.answer("How many spare keys does the porter keep?")
        asked.answer(LEAVE)
        asked.answer(LEAVE)
        asked.answer("What is the golden band?", access=MANAGER)
    edit(clone, "leave.md", "5 days", "8 days")
    edit(clone, "bands.md", "90,000", "95,000")
    before = contents(config.data)
    impact, _ = run(config, clone, recent=5)
    assert impact.answers.recent == 2
    (change,) = impact.answers.changed
    assert (change.asked_in, change.question, change.held) == ("log", LEAVE, None)
    assert run(config, clone, recent=1)[0].answers.recent == 1
    assert len(run(config, clone, MANAGER, recent=5)[0].answers.changed) == 2
    assert contents(config.data) == before


def test_both_sides_answer_by_the_calibration_beside_the_index(config: Config, clone: Path, tmp_path: Path) -> None:
    from assistant.core.files import PACKAGED

    raw = json.loads((PACKAGED / "confidence.json").read_text(encoding="utf-8"))
    raw["curve"] = [[0.9999, raw["curve"][0][1], 0, 0.01]]
    (config.data / "confidence.json").write_text(json.dumps(raw), encoding="utf-8")
    line = {"question": LEAVE, "expect": {"status": "abstained"}}
    answers = run(config, clone, golden=golden(tmp_path, line))[0].answers
    assert (answers.held, answers.holds, answers.changed) == (1, 1, ())


# --- what is given ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "told"), [("none", "is nothing at"), ("empty", "is no document at"), ("x.exe", "is no document at")]
)
def test_a_path_without_documents(config: Config, tmp_path: Path, path: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.exe").write_bytes(b"MZ")
    with pytest.raises(UsageError, match=told):
        run(config, tmp_path / path)


def test_a_golden_file_of_another_index(config: Config, clone: Path, tmp_path: Path) -> None:
    line = {"question": LEAVE, "expect": {"status": "answered", "source": "other/leave.md"}}
    with pytest.raises(UsageError, match="is of another index"):
        run(config, clone, golden=golden(tmp_path, line))
    (clone / "other").mkdir()
    (clone / "other" / "leave.md").write_text("# Other\n\nLeave is 3 days.\n", encoding="utf-8")
    assert run(config, clone, golden=golden(tmp_path, line))[0].answers.golden == 1


def test_recent_questions_need_a_log(config: Config, clone: Path) -> None:
    with pytest.raises(UsageError, match="holds no question"):
        run(config, clone, recent=3)


def test_a_file_that_cannot_be_read_is_told_unless_its_document_may_not_be_seen(config: Config, clone: Path) -> None:
    (clone / "leave.md").write_bytes(b"")
    (clone / "bands.md").write_bytes(b"")
    impact, _ = run(config, clone)
    assert [rejection.source for rejection in impact.rejected] == ["leave.md"] and impact.refused
    assert len(run(config, clone, MANAGER)[0].rejected) == 2
    with pytest.raises(IndexMismatch, match="other settings"):
        run(replace(config, guards=GuardsSection(secrets="off")), clone)
