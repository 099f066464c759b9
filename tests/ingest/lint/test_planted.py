"""The linter on a copy of the sample company with planted faults, and look-alikes that are none.

`planted.json` was written without a look at the rules; one half of each code's entries was used to mend them, the
other (even numbers) hardly: a mistake that its count showed was mended. What has no code is text alone.
"""

from __future__ import annotations

import json
import re
import shutil
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from assistant.core.config import Config
from assistant.core.records import make_access
from ingest.lint.run import RULES, FindingPlace, LintFinding, LintReport, lint, open_models
from ingest.scratch import scratch_index

PLANTED = Path(__file__).parent / "planted.json"
CORPORA = Path(__file__).parents[3] / "corpora"
LEAST = 0.85
SHARED = 5  # words in a row that two quotes of one place share, at least

Entry = dict[str, Any]


def plant(entries: list[Entry], root: Path) -> None:
    """Apply the edits to a copy of the sample company."""
    shutil.copytree(CORPORA, root)
    manifest = root / "access.toml"
    for entry in entries:
        path = root / entry["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry["kind"] == "entry":
            with manifest.open("a", encoding="utf-8") as file:
                file.write(f'\n[[documents]]\npath = "{entry["file"]}"\n{entry["text"]}')
        elif entry["kind"] == "meta" and f'path = "{entry["file"]}"' in manifest.read_text(encoding="utf-8"):
            before, name, after = manifest.read_text(encoding="utf-8").partition(f'path = "{entry["file"]}"')
            assert entry["find"] in after.partition("[[")[0], entry["id"]
            manifest.write_text(before + name + after.replace(entry["find"], entry["text"], 1), encoding="utf-8")
        else:
            edit(path, entry)


def edit(path: Path, entry: Entry) -> None:
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if entry.get("find"):
        assert old.count(entry["find"]) == 1, entry["id"]
        path.write_text(old.replace(entry["find"], entry["text"]), encoding="utf-8")
    else:
        path.write_text(entry["text"] if entry["kind"] == "create" else old + entry["text"], encoding="utf-8")


def plain(text: str) -> str:
    """Leave out what Markdown and HTML add to a text."""
    text = re.sub(r"<[^>]*>", "", re.sub(r"\]\([^)]*\)", "", text))
    return re.sub(r"[^\w]+", " ", text).strip().casefold()


def is_at(place: FindingPlace | None, source: str, quote: str, text: str) -> bool:
    if place is None or place.source != source:
        return False
    found, wanted = plain(text).split(), plain(quote).split()
    same = SequenceMatcher(None, found, wanted, autojunk=False).find_longest_match()
    return not wanted or same.size >= min(SHARED, len(found), len(wanted)) > 0


def hits(finding: LintFinding, entry: Entry) -> bool:
    """Say whether a finding is the one that an entry is about."""
    if finding.code != entry["code"]:
        return False
    places = [place for place in (finding.place, finding.other) if place]
    return any(is_at(place, entry["file"], entry["quote"], place.quote) for place in places)


@pytest.fixture(scope="module")
def planted() -> list[Entry]:
    return list(json.loads(PLANTED.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def report(planted: list[Entry], models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> LintReport:
    base = tmp_path_factory.mktemp("planted")
    plant(planted, base / "docs")
    config = Config(base=base)
    with scratch_index([base / "docs"], config, empty=True) as (index, ingested):
        assert not ingested.rejected
        return lint(index, make_access(("hr", "managers")), RULES, open_models(index))


def score(entries: list[Entry], report: LintReport) -> tuple[list[Entry], list[Entry], list[Entry]]:
    """Return the faults that are found, those that are not, and the look-alikes that are reported."""
    found = [e for e in entries if any(hits(finding, e) for finding in report.findings)]
    faults = [e for e in entries if e["fault"]]
    return (
        [e for e in faults if e in found],
        [e for e in faults if e not in found],
        [e for e in found if not e["fault"]],
    )


@pytest.mark.slow
def test_planted_faults_are_found_and_look_alikes_are_not(planted: list[Entry], report: LintReport) -> None:
    """A finding that is neither counts as wrong, though some of the company's own documents do differ."""
    found, missed, alike = score(planted, report)
    strays = [f for f in report.findings if not any(hits(f, entry) for entry in planted)]
    told = {name: [e["id"] for e in entries] for name, entries in (("missed", missed), ("wrong", alike))}
    assert len(found) >= LEAST * (len(found) + len(missed)), told
    assert len(found) >= LEAST * (len(found) + len(alike) + len(strays)), told
