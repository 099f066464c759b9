"""`assistant impact`: what it prints and writes, and its exit codes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.commands import Run
from tests.conftest import ROOT
from tests.office_files import CARRY, NOTHING, QUOTE

CONTRACT = ROOT / "docs" / "reference" / "contract.md"


@pytest.fixture
def clone(office_docs: Path, tmp_path: Path) -> Path:
    shutil.copytree(office_docs, tmp_path / "clone")
    return tmp_path / "clone"


def edit(clone: Path, name: str, old: str, new: str) -> None:
    path = clone / name
    assert old in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def golden(folder: Path) -> Path:
    lines = (
        {"id": "carry", "question": CARRY, "expect": {"status": "answered", "numbers": [1.5]}},
        {"id": "hamsters", "question": NOTHING, "expect": {"status": "abstained"}},
    )
    path = folder / "golden.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_nothing_to_tell(run: Run, settings: tuple[str, str], clone: Path) -> None:
    done = run("impact", clone, *settings)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"Documents: 0 changed, {seen(clone)} unchanged. Texts that changed: 0 major.\n"


def seen(clone: Path) -> int:
    """Count the documents that everybody may see today."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in clone.rglob("*.md")}
    return sum(name != "salaries.md" and "expires:" not in text for name, text in texts.items())


def test_people_are_told_what_moved_and_which_answers_would_differ(
    run: Run, settings: tuple[str, str], clone: Path, tmp_path: Path
) -> None:
    edit(clone, "hr/leave.md", "1.5 weeks", "2 weeks")
    (clone / "travel.md").unlink()
    done = run("impact", clone, "--golden", golden(tmp_path), *settings)
    assert done.code == 7
    assert "1 of 2 golden answers that hold now would not" in done.err
    for told in (
        "Documents: 1 changed, 1 removed",
        "removed travel.md",
        "Texts that changed: 1 major.",
        "major sentence (Annual Leave Policy > Carry-over): Employees may carry over at most [-1.5 weeks-] {+2 weeks+}",
        f"✗ carry: {CARRY}",
        f"now: {QUOTE}",
        "then: Employees may carry over at most 2 weeks",
    ):
        assert told in done.out


def test_scripts_get_what_the_contract_names(run: Run, settings: tuple[str, str], clone: Path, tmp_path: Path) -> None:
    edit(clone, "hr/leave.md", "1.5 weeks", "2 weeks")
    edit(clone, "words.md", "22:00", "23:00")
    edit(clone, "bicycle.md", "0.23", "0.25")
    (clone / "travel.md").write_bytes(b"")
    done = run("impact", clone, "--golden", golden(tmp_path), "--json", "--as-of", "2020-06-01", *settings)
    assert done.code == 7 and done.err.startswith("Error: ")
    found = done.json
    documented = set(
        re.findall(r"`(\w+)`", CONTRACT.read_text(encoding="utf-8").split("## An impact")[1].split("## ")[0])
    )
    assert keys(found) <= documented
    assert [change["source"] for change in found["documents"]["changed"]] == ["bicycle.md", "hr/leave.md", "words.md"]
    assert found["texts"] == {"major": 3, "moderate": 0, "minor": 0}
    assert [rejection["reason"] for rejection in found["rejected"]] == ["empty"]


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys(inner)}
    return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()


def test_files_for_ci_are_written(run: Run, settings: tuple[str, str], clone: Path, tmp_path: Path) -> None:
    edit(clone, "hr/leave.md", "1.5 weeks", "2 weeks")
    junit, comment = tmp_path / "out" / "junit.xml", tmp_path / "out" / "comment.md"
    arguments = ("--golden", golden(tmp_path), "--junit", junit, "--markdown", comment, "-q")
    assert run("impact", clone, *arguments, *settings).code == 7
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("golden", "2", "1")
    row = "| hr/leave.md, Carry-over | Employees may carry over at most <del>1.5 weeks</del> <ins>2 weeks</ins>"
    assert row in comment.read_text(encoding="utf-8")


def test_a_file_that_would_be_rejected(run: Run, settings: tuple[str, str], clone: Path) -> None:
    (clone / "travel.md").write_bytes(b"")
    done = run("impact", clone, *settings)
    assert done.code == 6 and "rejected travel.md: " in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("none",), 2, "there is nothing at none. Give existing files or folders."),
        (("empty",), 2, "Give Markdown, text, HTML, PDF, DOCX, PPTX, XLSX or CSV files, or folders of them."),
        (("clone", "--golden", "none.jsonl"), 2, "none.jsonl cannot be read"),
        (("clone", "--junit", "x.xml"), 2, "--junit holds golden answers, and there are none. Give --golden FILE"),
        (("clone", "--as-of", "soon"), 2, "the day must be a date"),
        (("clone", "--data", "nowhere"), 5, "there is no index in"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    run: Run, settings: tuple[str, str], clone: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    (tmp_path / "empty").mkdir()
    done = run("impact", *arguments, *settings)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("Error: ") and told in " ".join(done.err.split())
