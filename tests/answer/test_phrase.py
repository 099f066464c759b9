"""Evidence is said as its quotes, each with what introduces it."""

from __future__ import annotations

import pytest

from assistant.answer.phrase import Wording, phrase
from assistant.answer.proof.citations import answer_text, cite, is_proved, statements
from assistant.core.records import Evidence, Hit, Passage
from assistant.text.prompts import KEY, build_reading_messages

CARRY = "Employees may carry over at most 5 days of annual leave."
EXPIRY = "Carried-over days expire on 31 March."
DOCUMENT = f"""# Leave

{CARRY} {EXPIRY}

You must bring:
- a passport,
- two photographs.

| Week | Pay |
| --- | --- |
| Standard week | £200 |
| Bank-holiday week | £300 |
"""


def pick(text: str, lead: str = "", kind: str = "sentence", document: str = DOCUMENT) -> Evidence:
    hit = Hit(
        Passage(1, "d", document, 0, len(document), ("Leave",)), 1.0, 1, ("dense",), "hr/leave.md", "Leave", "5ha"
    )
    start, at = document.index(text), document.index(lead)
    span = (at, at + len(lead)) if lead else None
    return Evidence(hit, start, start + len(text), text, 0.9, kind, span)  # type: ignore[arg-type]


LEAVE = (pick(CARRY), pick(EXPIRY))
PHOTOS = pick("two photographs.", "You must bring:", "item")
PAY = pick("| Bank-holiday week | £300 |", "| Week | Pay |", "row")


def assert_proved(wording: Wording) -> None:
    """Hold what holds for every answer in quotes: verbatim, and statements that are them."""
    assert [c.key for c in wording.citations] == [*range(1, len(wording.citations) + 1)]
    for c in wording.citations:
        assert is_proved(c) and c.supported and c.score == 1.0 and DOCUMENT[c.start : c.end] == c.quote
    assert wording.text == answer_text(statements(wording.citations))
    assert {sentence.check for sentence in wording.said} == {"quote"} and wording.worded_by is None


def test_all_of_the_evidence_is_quoted_in_its_order() -> None:
    wording = phrase(LEAVE)
    assert_proved(wording)
    assert wording.text == f"{CARRY} [1]\nLeave: {EXPIRY} [2]"


def test_an_item_and_a_row_are_said_with_what_introduces_them() -> None:
    wording = phrase((PHOTOS, PAY))
    assert_proved(wording)
    assert wording.text == "You must bring: … two photographs. [1]\nLeave: Bank-holiday week – Pay: £300 [2]"
    assert wording.citations[0].quote.startswith("You must bring:")
    assert wording.citations[1].quote.startswith("| Week | Pay |")


@pytest.mark.parametrize("row", ["| Delta |  | shut since May |", "| Delta | Bremen | shut |", "|  | Bremen | |"])
def test_a_row_without_its_header_is_told_by_its_cells_and_proved(row: str) -> None:
    passage = Passage(1, "d", row, 0, len(row))
    hit = Hit(passage, 1.0, 1, (), "bakeries.md", "Bakeries", "0" * 64)
    citation = cite(1, Evidence(hit, 0, len(row), row, 1.0, "row"))
    assert is_proved(citation) and citation.quote == row
    assert citation.claim == "; ".join(cell.strip() for cell in row.split("|") if cell.strip())


def test_messages_hold_no_key_but_the_sources_own() -> None:
    user = build_reading_messages("Q?", [("A", "see [1], [22] and [1, 2]"), ("B [3]", "b")])[1].content
    assert KEY.findall(user) == ["1", "2"] and "(1, 2)" in user


def test_a_definition_is_said_whole_from_its_term_on() -> None:
    meaning = "The person who owns security at Tarnwell. Owner: Information Security."
    text = f"CISO (also: Chief Security Officer): {meaning}"
    assert phrase([pick(meaning, "CISO", "definition", text)]).text == f"{text} [1]"
