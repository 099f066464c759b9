"""An answer is stale when its document no longer says a quote of it under its headings, and not before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.audit.trail import Audit
from assistant.core.config import Config, ReaderSection
from assistant.core.records import IngestReport, make_access
from assistant.evaluate.stale import CHANGED, GONE, UNKNOWN, find_stale
from assistant.index.catalog import Catalog
from tests.conftest import CORPORA
from tests.manifests import access_toml

HOTELS = "## Hotels\n\nThe limit for a hotel night is 100 euros."
TRAVEL = f"# Travel Policy\n\n{HOTELS}\n\n## Trains\n\nTrains are second class.\n"
HOTEL = "What is the limit for a hotel night?"

Run = Callable[..., IngestReport]


@pytest.fixture
def config(make_config: Callable[..., Config]) -> Config:
    return make_config()


@pytest.fixture
def docs(write_files: Callable[[dict[str, str]], Path], config: Config, run_ingest: Run) -> Path:
    root = write_files({"travel.md": TRAVEL, "hr/pay.md": "# Pay\n\nThe pay of directors is said in Annex 4.\n"})
    (root / "access.toml").write_text(access_toml({"hr/**": ("hr",)}), encoding="utf-8")
    run_ingest(config, root)
    with closing(Assistant(config, access=make_access(["hr"]), audit=True)) as assistant:
        assert assistant.answer(HOTEL).status == "answered"
    return root


def reasons(config: Config, since: str = "") -> dict[str, str]:
    with closing(Catalog.open(config.data)) as catalog:
        found = list(find_stale(Audit(config).entries(), catalog.queries, since))
    return {lost.source: lost.reason for answer in found for lost in answer.lost}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Trains are second class.", "Trains are first class.", ""),
        ("## Hotels", "## Lodging\n\nBook early.\n\n## Hotels", ""),
        ("100 euros", "110 euros", CHANGED),
        ("is 100", "is  100", ""),
        ("## Hotels", "## Hotels of contractors", CHANGED),
        ("# Travel Policy", "# Travel Policy 2027", ""),
        ("# Travel Policy\n", "# Travel Policy\n\nDRAFT\n", ""),
        ("# Travel Policy", "---\nexpires: 2020-01-01\n---\n# Travel Policy", GONE),
    ],
)
def test_an_edit_touches_the_answers_that_quote_it(
    config: Config, docs: Path, run_ingest: Run, old: str, new: str, reason: str
) -> None:
    assert reasons(config) == {}
    (docs / "travel.md").write_text(TRAVEL.replace(old, new), encoding="utf-8")
    run_ingest(config, docs)
    assert reasons(config) == ({"travel.md": reason} if reason else {})
    assert reasons(config, since="2999-01-01") == {}


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ("- {}", True),
        ("Book early. {}", True),
        ("{} More is paid by the board.", True),
        ("{}, if the board agrees.", False),
        ("Only in 2019 and before: {}", False),
        ("In the Leeds office alone {}", False),
        ("A{}", False),
    ],
)
def test_a_quote_holds_where_it_is_all_that_is_said(
    config: Config, docs: Path, run_ingest: Run, said: str, holds: bool
) -> None:
    rule = "The limit for a hotel night is 100 euros."
    line = said.format(rule if holds or said.endswith("{}") else rule.removesuffix("."))
    (docs / "travel.md").write_text(TRAVEL.replace(rule, line), encoding="utf-8")
    run_ingest(config, docs)
    assert reasons(config) == ({} if holds else {"travel.md": CHANGED})


@pytest.mark.parametrize("lead", ["None of the following holds any more:\n\n- {}", "It was never true that:\n\n1. {}"])
def test_a_quote_that_has_come_to_stand_below_a_lead_in_says_something_else(
    config: Config, docs: Path, run_ingest: Run, lead: str
) -> None:
    rule = "The limit for a hotel night is 100 euros."
    (docs / "travel.md").write_text(TRAVEL.replace(rule, lead.format(rule)), encoding="utf-8")
    run_ingest(config, docs)
    assert reasons(config) == {"travel.md": CHANGED}


def test_whoever_asks_again_takes_nobodys_answer_back(config: Config, docs: Path, run_ingest: Run) -> None:
    (docs / "travel.md").write_text(TRAVEL.replace("100", "120"), encoding="utf-8")
    run_ingest(config, docs)
    with closing(Assistant(config, access=make_access(["hr"]), audit=True)) as assistant:
        assert "120" in assistant.answer(HOTEL).text
    assert reasons(config) == {"travel.md": CHANGED}


def test_what_was_quoted_of_a_version_before_is_looked_at_as_of_its_days(
    config: Config, docs: Path, run_ingest: Run
) -> None:
    dates = ("version: '1'\nexpires: 2026-01-31", "version: '2'\neffective: 2026-02-01\nsupersedes: FA-050 v1")
    old, new = (f"---\npolicy_id: FA-050\n{told}\n---\n{TRAVEL}" for told in dates)
    (docs / "travel.md").write_text(new.replace("100", "120"), encoding="utf-8")
    (docs / "old.md").write_text(old, encoding="utf-8")
    run_ingest(config, docs)
    with closing(Assistant(config, audit=True)) as assistant:
        answer = assistant.answer("Is the limit for a hotel night still 100 euros?")
        assert [quote.source for quote in answer.earlier] == ["old.md"], answer
    (docs / "old.md").write_text(old.replace("100", "90"), encoding="utf-8")
    run_ingest(config, docs)
    assert reasons(config) == {"travel.md": CHANGED, "old.md": CHANGED}


def test_a_document_of_another_folder_with_its_name_is_another(
    docs: Path, config: Config, run_ingest: Run, tmp_path: Path
) -> None:
    (tmp_path / "leeds").mkdir()
    (tmp_path / "leeds" / "travel.md").write_text(TRAVEL.replace("100", "80"), encoding="utf-8")
    run_ingest(config, tmp_path / "leeds")
    assert reasons(config) == {}


def test_what_whoever_asked_may_no_longer_see_is_gone(config: Config, docs: Path, run_ingest: Run) -> None:
    with closing(Assistant(config, access=make_access(["hr"]), audit=True)) as assistant:
        answer = assistant.answer("Where is the pay of directors said?")
        assert {citation.source for citation in answer.citations} == {"hr/pay.md"}, answer.text
    (docs / "access.toml").write_text(access_toml({"hr/**": ("board",)}), encoding="utf-8")
    run_ingest(config, docs)
    assert reasons(config) == {"hr/pay.md": GONE}


def test_what_was_asked_of_another_day_stands_for_no_answer_of_today(
    config: Config, docs: Path, run_ingest: Run
) -> None:
    with closing(Assistant(config, access=make_access(["hr"], "2026-01-01"), audit=True)) as assistant:
        assert assistant.answer(HOTEL).status == "answered"
    changed = TRAVEL.replace("100 euros", "110 euros")
    (docs / "travel.md").write_text(f"---\neffective: 2026-02-01\n---\n{changed}", encoding="utf-8")
    run_ingest(config, docs)
    assert reasons(config) == {"travel.md": GONE}  # to both: nothing of that name held on that day
    with closing(Catalog.open(config.data)) as catalog:
        told = [lost.reason for answer in find_stale(Audit(config).entries(), catalog.queries) for lost in answer.lost]
    assert told == [CHANGED, GONE]


def test_a_line_of_before_tells_that_its_document_changed(config: Config, docs: Path, run_ingest: Run) -> None:
    entries = list(Audit(config).entries())
    for source in entries[0].raw["sources"]:
        del source["quote_sha256"]
    (docs / "travel.md").write_text(f"{TRAVEL}\nMore.\n", encoding="utf-8")
    run_ingest(config, docs)
    with closing(Catalog.open(config.data)) as catalog:
        (answer,) = find_stale(entries, catalog.queries)
    assert [lost.reason for lost in answer.lost] == [UNKNOWN]


def test_the_log_holds_no_text_of_a_quote(config: Config, docs: Path) -> None:
    assert "100 euros" not in (config.data / "audit.jsonl").read_text(encoding="utf-8")


def test_the_command_exits_with_7(config: Config, docs: Path, run_ingest: Run, run: Callable[..., Any]) -> None:
    done = run("stale", "--data", config.data)
    assert done.code == 0 and "still holds" in done.out
    (docs / "travel.md").write_text(TRAVEL.replace("100", "120"), encoding="utf-8")
    run_ingest(config, docs)
    done = run("stale", "--data", config.data, "--json")
    (answer,) = json.loads(done.out)
    assert done.code == 7 and answer["question"] == HOTEL and answer["lost"][0]["reason"] == CHANGED
    assert "travel.md" in run("stale", "--data", config.data).out


@pytest.mark.slow
def test_forty_edits_of_the_sample_company_touch_the_answers_that_quote_it_and_no_other(
    config: Config, tmp_path: Path, run_ingest: Run
) -> None:
    root = shutil.copytree(CORPORA, tmp_path / "company")
    run_ingest(config, root)
    files = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in root.rglob("*.md")}
    answers = answered(config, files)
    edits = [*forty_edits(answers, files)]
    for together in of_different_files(edits):
        changed = {source: text for _, source, text in together}
        for name, said in {**files, **changed}.items():
            if said:
                (root / name).write_text(said, encoding="utf-8")
            else:
                (root / name).unlink()
        run_ingest(config, root, prune=True)
        with closing(Catalog.open(config.data)) as catalog:
            stale = {answer.id for answer in find_stale(Audit(config).entries(), catalog.queries)}
        lost = {
            id
            for id, quotes in answers.items()
            if any(is_lost(quote, changed[name]) for name, quote in quotes if name in changed)
        }
        assert stale & set(answers) == lost, [edit[:2] for edit in together]
    assert len(edits) == 40 and len(answers) >= 20


def of_different_files(edits: Sequence[tuple[str, str, str]]) -> list[list[tuple[str, str, str]]]:
    """Put edits of different files together: each ingest takes seconds."""
    found: list[list[tuple[str, str, str]]] = []
    for edit in edits:
        others = (each for each in found if edit[1] not in [source for _, source, _ in each])
        fitting = next(others, None)
        if fitting is None:
            found.append([edit])
        else:
            fitting.append(edit)
    return found


def is_lost(quote: str, text: str) -> bool:
    return "expires: 2020-01-01" in text or quote not in text


def answered(config: Config, files: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Ask the sample company's questions; return the places and quotes of the answers that quote plain files alone."""
    with (CORPORA / "questions.jsonl").open(encoding="utf-8") as lines:
        questions = [row["question"] for row in map(json.loads, lines) if row.get("doc") in files]
    quick = replace(config, reader=ReaderSection(passages=4))
    with closing(Assistant(quick, audit=True)) as assistant:
        answers = [assistant.answer(question) for question in questions[:90]]
    found = {a.log_id: [(c.source, c.quote) for c in a.citations] for a in answers if a.status == "answered"}
    return {id: quotes for id, quotes in found.items() if all(q in files.get(name, "") for name, q in quotes)}


def forty_edits(
    answers: Mapping[str, list[tuple[str, str]]], files: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield what is done to which file, and its text after it, "" for one that is gone."""
    quotes = sorted({quote for told in answers.values() for quote in told})
    reworded = quotes[:: max(1, len(quotes) // 20)][:20]
    for source, quote in reworded:
        last = quote.rstrip(".").rpartition(" ")[2]
        yield "a word of a quote", source, files[source].replace(quote, quote.replace(last, "otherwise"))
    named = sorted({source for source, _ in quotes})
    for number in range(30 - len(reworded)):
        source = named[number % len(named)]
        above, rule, below = files[source].partition("\n\n## ")
        note = f"\n\nThe word {number} was added here, and changes nothing that stands below."
        yield "a sentence elsewhere", source, f"{above}{note}{rule}{below}"
    for number in range(5):
        source = named[number % len(named)]
        ended = files[source].replace("---\n", "---\nexpires: 2020-01-01\n", 1)
        yield "a last day", source, ended if ended != files[source] else f"---\nexpires: 2020-01-01\n---\n{ended}"
    for number in range(5):
        yield "deleted", named[-1 - number % len(named)], ""
