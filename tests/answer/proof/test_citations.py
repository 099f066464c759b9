"""What a citation is: a sentence of an answer, the keys it names, and the span that proves it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.evidence import quote_text
from assistant.answer.proof.citations import answer_text, cite, is_proved, parse_claims, statements
from assistant.core.records import Evidence, Hit, Passage
from assistant.text.prompts import KEY


@pytest.mark.parametrize(
    ("written", "claims"),
    [
        ("You get 5 days. [1]", [("You get 5 days.", (1,))]),
        ("You get 5 days [1].", [("You get 5 days.", (1,))]),
        ("You get 5 days.[1] Ask HR.[2]", [("You get 5 days.", (1,)), ("Ask HR.", (2,))]),
        ("[1] You get 5 days.", [("You get 5 days.", (1,))]),
        ("You get [2] 5 days [1].", [("You get 5 days.", (2, 1))]),
        ("You get 5 days. [1][2] Ask HR [3].", [("You get 5 days.", (1, 2)), ("Ask HR.", (3,))]),
        ("You get 5 days. [1] [1]", [("You get 5 days.", (1,))]),
        ("You get 5 days. [12]", [("You get 5 days.", (12,))]),
        ("You get 5 days.", [("You get 5 days.", ())]),
        (
            "- Paid leave [1]\n- Sick leave. [2]\n* Notice [3]",
            [
                ("Paid leave", (1,)),
                ("Sick leave.", (2,)),
                ("Notice", (3,)),
            ],
        ),
        ("1. You get 5 days. [1]\n2. Ask HR. [2]", [("1. You get 5 days.", (1,)), ("2. Ask HR.", (2,))]),
        ("It costs money. [1]\n£5 is paid. [2]", [("It costs money.", (1,)), ("£5 is paid.", (2,))]),
        ("It costs £1,250.00, e.g. for travel. [1]", [("It costs £1,250.00, e.g. for travel.", (1,))]),
        ("Is it paid? [1] Yes! [2]", [("Is it paid?", (1,)), ("Yes!", (2,))]),
        ("It is [1000].", [("It is [1000].", ())]),
        ("-5 degrees are kept. [1]", [("-5 degrees are kept.", (1,))]),
        ("[1]", []),
        ("... [1]\n\n---", []),
        ("", []),
    ],
)
def test_an_answer_is_split_into_sentences_and_their_keys(
    written: str, claims: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert [(claim.text, claim.keys) for claim in parse_claims(written)] == claims


LIST = "You must bring:\n- a passport,\n- a visa,\n- two photographs."


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_is_split_into_claims_that_hold_no_keys(text: str) -> None:
    assert not any(KEY.search(claim.text) for claim in parse_claims(text))


def evidence(document: str, quote: str, lead: str = "", *, at: int = 0, heading: str = "") -> Evidence:
    """Make evidence that lies in a passage of `document` beginning at `at`."""
    passage = Passage(1, "d", document[at:], at, len(document), (heading,) if heading else ())
    hit = Hit(passage, 1.0, 1, ("dense",), "hr/leave.md", "Leave", "5ha")
    start = document.index(quote)
    begin = document.index(lead) if lead else 0
    return Evidence(
        hit,
        start,
        start + len(quote),
        quote,
        1.0,
        "item" if lead else "sentence",
        (begin, begin + len(lead)) if lead else None,
    )


DOCUMENT = "# Leave\n\nYou must bring:\n- a passport,\n- a visa,\n- two photographs.\n\nDays expire on 31 March.\n"


@pytest.mark.parametrize(
    ("quote", "lead", "expected", "statement"),
    [
        ("Days expire on 31 March.", "", "Days expire on 31 March.", "Days expire on 31 March."),
        ("two photographs.", "You must bring:", LIST, "You must bring: … two photographs."),
    ],
)
@pytest.mark.parametrize("at", [0, 9])
def test_a_quote_is_the_documents_text_from_what_introduces_it_on(
    quote: str, lead: str, expected: str, statement: str, at: int
) -> None:
    item = evidence(DOCUMENT, quote, lead, at=at)
    citation = cite(1, item)
    assert citation.quote == quote_text(item) == expected
    assert DOCUMENT[citation.start : citation.end] == citation.quote
    assert citation.claim == statement and is_proved(citation)


def test_a_quote_reaches_back_to_what_it_stands_under() -> None:
    far = "You must bring:\n" + "".join(f"- form number {n} of the office,\n" for n in range(40)) + "- a visa."
    item = evidence(far, "- a visa."[2:], "You must bring:")
    assert quote_text(item) == far


def test_what_cannot_be_said_in_a_line_is_said_as_it_stands() -> None:
    document = "You must bring:\n- a passport,\nwhich is valid\n- a visa."
    citation = cite(1, evidence(document, "a visa.", "You must bring:"))
    assert is_proved(citation) and citation.claim == "You must bring: a passport, which is valid a visa."


@pytest.mark.parametrize(
    ("heading", "text", "statement"),
    [
        ("Flights under six hours", "Economy class is booked.", "Flights under six hours: Economy class is booked."),
        ("May guests swim?", "No, never.", "May guests swim? No, never."),
        ("Claims of expenses", "Expenses are claimed within 30 days.", "Expenses are claimed within 30 days."),
    ],
)
def test_a_sentence_that_does_not_repeat_its_heading_is_said_under_it(heading: str, text: str, statement: str) -> None:
    citation = cite(1, evidence(f"# {heading}\n\n{text}\n", text, heading=heading))
    assert citation.claim == statement and citation.quote == text and is_proved(citation)


def test_an_answer_has_a_line_for_each_statement() -> None:
    first, second = evidence(DOCUMENT, "Days expire on 31 March."), evidence(DOCUMENT, "a visa,", "You must bring:")
    citations = [cite(1, first), cite(2, second)]
    assert answer_text(statements(citations)) == "Days expire on 31 March. [1]\nYou must bring: … a visa, … [2]"
