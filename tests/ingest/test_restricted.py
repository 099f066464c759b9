"""An ingest that sees a restricted file leave its rule stops before it publishes the words elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import Access, IngestReport
from assistant.index.catalog import Catalog
from ingest.moves_and_removals import forget
from ingest.restricted import marks_of
from ingest.sources import MANIFEST
from tests import fakes
from tests.manifests import access_toml

encoder, parser = fakes.encoder, fakes.parser

TRAVEL = "# Travel\n\nThe limit for a hotel night is 140 euros.\n"
PLAN = "# Plan\n\nThe zeppelin costs 900 euros. It leaves the field at dawn.\n"
PAY = (
    "# Executive pay\n\nThe chief executive receives a bonus of forty thousand pounds each March. Directors receive a "
    "car allowance of nine thousand pounds a year. The pay committee meets twice a year in secret.\n"
)
EVERYONE, BOARD = Access(frozenset(), "2026-01-01"), Access(frozenset({"board"}), "2026-01-01")

Run = Callable[..., IngestReport]
Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def config(make_config: Callable[..., Config]) -> Config:
    return make_config()


@pytest.fixture
def docs(write_files: Write) -> Path:
    files = {
        "travel.md": TRAVEL,
        "open/guests.md": "# Guests\n\nGuests sign in at the desk by the canteen.\n",
        "board/plan.md": PLAN,
        "board/pay.md": PAY,
        "board/other.md": "# Other\n\nThe board meets on Mondays at nine.\n",
        MANIFEST: access_toml({"board/**": "board"}),
    }
    return write_files(files)


@pytest.fixture
def indexed(config: Config, docs: Path, run_ingest: Run) -> Path:
    run_ingest(config, docs)
    return docs


def govern(docs: Path, rules: dict[str, str | list[str]], default: str = "everyone") -> None:
    write(docs / MANIFEST, access_toml(rules, default))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    write(path, text.replace(old, new))


def seen(config: Config, access: Access = EVERYONE) -> list[str]:
    with closing(Catalog.open(config.data)) as catalog:
        return sorted(row.source for row in catalog.sources(access).values())


def stops(run_ingest: Run, config: Config, paths: Path, old: str = "board/pay.md", **options: Any) -> None:
    """Ingest, be told to forget `old`, and find that nothing new is seen."""
    before = seen(config)
    with pytest.raises(UsageError, match=rf"If it should open: assistant forget {old}"):
        run_ingest(config, paths, **options)
    assert seen(config) == before


def test_a_file_that_is_renamed_out_of_its_rule_publishes_nothing(config: Config, docs: Path, run_ingest: Run) -> None:
    for name in ("pay-a.md", "pay-b.md"):
        write(docs / "hr" / name, f"# Pay\n\nThe secret band of {name} is seven.\n")
    govern(docs, {"hr/pay-*.md": "hr"})
    run_ingest(config, docs)
    (docs / "hr" / "pay-a.md").rename(docs / "hr" / "Pay A.md")
    stops(run_ingest, config, docs, "hr/pay-a.md")
    govern(docs, {"hr/pay*.md": "hr"})
    assert "hr/Pay A.md" in run_ingest(config, docs).added and "hr/Pay A.md" not in seen(config)


@pytest.mark.parametrize("prune", [False, True])
def test_a_file_that_is_moved_and_edited_at_once_publishes_nothing(
    config: Config, indexed: Path, run_ingest: Run, prune: bool
) -> None:
    (indexed / "board" / "plan.md").unlink()
    write(indexed / "open" / "plan.md", PLAN.replace("900", "950"))
    stops(run_ingest, config, indexed, "board/plan.md", prune=prune)


@pytest.mark.parametrize("left", ["stub", "folder", "pipe", "link", "swap"])
def test_a_file_that_is_moved_publishes_nothing_whatever_is_left_in_its_place(
    config: Config, indexed: Path, run_ingest: Run, left: str
) -> None:
    old, new = indexed / "board" / "plan.md", indexed / "open" / "plan.md"
    if left == "swap":
        new = indexed / "travel.md"
        new.rename(indexed / "t")
    old.rename(new)
    if left == "stub":
        write(old, "# Plan\n\nIt was moved.\n")
    elif left == "folder":
        old.mkdir()
    elif left == "pipe":
        os.mkfifo(old)
    elif left == "link":
        old.symlink_to(new)
    else:
        (indexed / "t").rename(old)
    stops(run_ingest, config, indexed, "board/plan.md")


def test_a_file_that_goes_into_another_publishes_nothing(config: Config, docs: Path, run_ingest: Run) -> None:
    public = PAY.replace(" of forty thousand pounds", "")
    write(docs / "open" / "pay.md", public)  # an abridged version
    write(docs / "open" / "book.md", "# Handbook\n\n" + "\n\n".join(f"Rule {n} is of team {n}." for n in range(99)))
    run_ingest(config, docs)
    pay = docs / "board" / "pay.md"
    pay.rename(docs / "open" / "pay.md")
    edit(docs / "open" / "pay.md", "each March", "each April")
    stops(run_ingest, config, docs)
    write(docs / "open" / "pay.md", public)
    edit(docs / "open" / "book.md", "# Handbook", PAY)
    stops(run_ingest, config, docs)


def test_a_file_that_is_saved_in_another_layout_and_format_publishes_nothing(
    config: Config, indexed: Path, run_ingest: Run
) -> None:
    (indexed / "board" / "pay.md").unlink()
    write(indexed / "open" / "pay.html", "<h1>Pay</h1><p>" + " ".join(f"<b>{word}</b>" for word in PAY[2:].split()))
    stops(run_ingest, config, indexed)


def test_a_table_whose_rows_are_sorted_publishes_nothing(config: Config, docs: Path, run_ingest: Run) -> None:
    rows = [f"| Person {chr(65 + n)} | grade {n % 4} | {n * 7919 % 90000} |\n" for n in range(20)]
    head = "# Pay\n\n| Name | Grade | Pay |\n|---|---|---|\n"
    write(docs / "board" / "rows.md", head + "".join(rows))
    run_ingest(config, docs)
    (docs / "board" / "rows.md").unlink()
    write(docs / "open" / "rows.md", head + "".join(sorted(rows, key=lambda row: row.split("|")[2:])))
    stops(run_ingest, config, docs, "board/rows.md")


@pytest.mark.parametrize(
    ("name", "text"),
    [("staff.md", "# Redundancies\n\n- Miller\n- Okonkwo\n- Brandt\n"), ("codes.csv", "Code\nzebra77\nKestrel\n")],
)
def test_a_list_of_one_word_a_line_publishes_nothing(
    config: Config, docs: Path, run_ingest: Run, name: str, text: str
) -> None:
    write(docs / "board" / name, text)
    run_ingest(config, docs)
    (docs / "board" / name).rename(docs / "open" / name)
    stops(run_ingest, config, docs, f"board/{name}")


def test_a_file_that_leaves_a_folder_of_a_name_with_wide_spaces_publishes_nothing(
    config: Config, docs: Path, run_ingest: Run
) -> None:
    write(docs / "the\u00a0board" / "report.md", "# Report\n\nThe depot in Leeds is sold to a competitor.\n")
    write(docs / "the\u00a0board" / "other.md", "# Words\n\nThese are other words.\n")
    govern(docs, {"the\u00a0board/**": "board", "board/**": "board"})
    run_ingest(config, docs)
    (docs / "the\u00a0board" / "report.md").rename(docs / "open" / "report.md")
    with pytest.raises(UsageError, match=r"open/report\.md says what"):
        run_ingest(config, docs)


@pytest.mark.parametrize("rule", ["removed", "renamed"])
def test_a_rule_that_is_corrected_as_told_opens_nothing(config: Config, docs: Path, run_ingest: Run, rule: str) -> None:
    run_ingest(config, docs)
    (docs / "board" / "pay.md").rename(docs / "open" / "pay.md")
    (docs / "board").rename(docs / "directors")
    with pytest.raises(UsageError, match="matches no document"):
        run_ingest(config, docs)
    govern(docs, {"directors/**": "board"} if rule == "renamed" else {})
    stops(run_ingest, config, docs, ".*board/pay.md")


def test_what_is_forgotten_may_open(config: Config, indexed: Path, run_ingest: Run) -> None:
    (indexed / "board" / "pay.md").rename(indexed / "open" / "pay.md")
    stops(run_ingest, config, indexed)
    assert forget(["board/pay.md"], config) == ["board/pay.md"]
    assert run_ingest(config, indexed).added == ("open/pay.md",)


def test_a_rule_for_its_path_opens_a_file_for_good(config: Config, indexed: Path, run_ingest: Run) -> None:
    govern(indexed, {"board/plan.md": "board", "board/other.md": "board"})
    assert run_ingest(config, indexed).updated == ("board/pay.md",) and "board/pay.md" in seen(config)
    (indexed / "board" / "pay.md").rename(indexed / "open" / "pay.md")
    edit(indexed / "open" / "pay.md", "each March", "each April")
    run_ingest(config, indexed)
    assert "open/pay.md" in seen(config)


def test_the_report_names_what_more_may_see(config: Config, indexed: Path, run_ingest: Run) -> None:
    pay = indexed / "board" / "pay.md"
    pay.unlink()
    run_ingest(config, indexed)
    write(pay, PAY)
    assert run_ingest(config, indexed).opened == ()
    govern(indexed, {"board/pay.md": ["board", "hr"], "board/other.md": "hr", "travel.md": "board"})
    assert run_ingest(config, indexed).opened == ("board/other.md", "board/pay.md", "board/plan.md")


def test_a_copy_or_an_edit_beside_the_original_is_no_move(config: Config, docs: Path, run_ingest: Run) -> None:
    write(docs / "open" / "plan.md", PLAN.replace("900", "700"))
    run_ingest(config, docs)
    write(docs / "board" / "plan.md", PLAN.replace("900", "950"))
    write(docs / "open" / "plan.md", PLAN.replace("900", "750"))
    os.utime(docs / "board" / "other.md", ns=(1, 1))
    shutil.copy(docs / "board" / "other.md", docs / "open" / "other.md")
    assert set(run_ingest(config, docs).updated) == {"board/plan.md", "open/plan.md"}
    assert "open/other.md" in seen(config)


def test_a_file_moves_freely_to_where_no_more_may_see_it(config: Config, indexed: Path, run_ingest: Run) -> None:
    write(indexed / "directors" / "pay.md", PAY)
    (indexed / "board" / "pay.md").unlink()
    govern(indexed, {"board/**": "board", "directors/**": "board"})
    run_ingest(config, indexed)
    assert "directors/pay.md" in seen(config, BOARD) and "directors/pay.md" not in seen(config)


def test_an_open_document_that_was_gone_for_a_while_comes_back_elsewhere(
    config: Config, indexed: Path, run_ingest: Run
) -> None:
    (indexed / "travel.md").unlink()
    for _ in range(2):
        assert run_ingest(config, indexed).missing == 1 and "travel.md" not in seen(config)
    write(indexed / "open" / "trips.md", TRAVEL.replace("140", "150"))
    assert run_ingest(config, indexed).added == ("open/trips.md",) and "open/trips.md" in seen(config)


def test_an_open_document_that_shares_little_with_one_that_is_gone_is_another(
    config: Config, indexed: Path, run_ingest: Run
) -> None:
    (indexed / "board" / "pay.md").unlink()
    shared = "Directors receive a car allowance of nine thousand pounds a year."
    own = "Whoever drives for us asks for a car at the depot, and brings it back on the same day."
    write(indexed / "open" / "cars.md", f"# Cars\n\n{own}\n\n{shared}\n")
    assert run_ingest(config, indexed).added == ("open/cars.md",)


def test_what_was_moved_within_its_audience_may_be_opened_there(config: Config, indexed: Path, run_ingest: Run) -> None:
    (indexed / "board").rename(indexed / "people")
    govern(indexed, {"people/**": "board"})
    run_ingest(config, indexed)
    govern(indexed, {"people/plan.md": "board", "people/other.md": "board"})
    assert run_ingest(config, indexed).updated == ("people/pay.md",)
    (indexed / "people" / "pay.md").rename(indexed / "open" / "pay.md")
    assert run_ingest(config, indexed).added == ("open/pay.md",)


def test_parts_of_a_document_do_not_open_one_by_one(config: Config, indexed: Path, run_ingest: Run) -> None:
    (indexed / "board" / "pay.md").unlink()
    for number, sentence in enumerate(PAY.partition("\n\n")[2].split(". ")):
        write(indexed / "open" / f"{number}.md", f"# Part\n\n{sentence}.\n")
    stops(run_ingest, config, indexed)


def test_whom_a_rule_no_longer_names_does_not_see_it_elsewhere(config: Config, indexed: Path, run_ingest: Run) -> None:
    write(indexed / "hr" / "staff.md", "# Staff\n\nThese are words for all of the staff of the house.\n")
    govern(indexed, {"board/**": ["board", "hr"], "hr/**": "hr"})
    run_ingest(config, indexed)
    govern(indexed, {"board/**": "board", "hr/**": "hr"})
    run_ingest(config, indexed)
    (indexed / "board" / "pay.md").rename(indexed / "hr" / "pay.md")
    stops(run_ingest, config, indexed)


@given(st.lists(st.sampled_from("alpha beta gamma delta epsilon".split()), max_size=40), st.sampled_from(" |,*\t"))
def test_signs_and_layout_make_no_other_marks(words: Sequence[str], sign: str) -> None:
    assert marks_of(" ".join(words)).tolist() == marks_of(f"{sign} {sign}".join(words).upper()).tolist()


def test_a_small_part_of_a_long_document_does_not_open(config: Config, docs: Path, run_ingest: Run) -> None:
    long = "# Long\n\n" + "\n\n".join(
        f"Article {n} of the deed names depot {n * 7} and lorry {n * 13}." for n in range(400)
    )
    write(docs / "board" / "long.md", long)
    run_ingest(config, docs)
    (docs / "board" / "long.md").unlink()
    for part in (long[: len(long) * 3 // 5], long[: len(long) // 200], "Words of our own. " * 9 + long):
        write(docs / "open" / "part.md", part)
        stops(run_ingest, config, docs, "board/long.md")


def test_an_edit_of_what_was_open_before_is_no_move(config: Config, docs: Path, run_ingest: Run) -> None:
    """An open copy of a restricted file is edited while that is taken away: it said as much before."""
    copy = docs / "open" / "plan.md"
    copy.write_text(PLAN)
    run_ingest(config, docs)
    copy.write_text(PLAN.replace("euros", "dollars"))
    (docs / "board" / "plan.md").unlink()
    assert run_ingest(config, docs, prune=True).updated == ("open/plan.md",)
