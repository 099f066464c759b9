"""What a citation is: a sentence of an answer, the keys it names, and the span that proves it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.evidence import quote_text
from assistant.answer.proof.citations import best_support, cite, parse_claims
from assistant.answer.support import check_support
from assistant.core.records import Evidence, Hit, Passage
from assistant.text.prompts import KEY

SHARE = 0.75


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
        ("1. You get 5 days. [1]\n2. Ask HR. [2]", [("You get 5 days.", (1,)), ("Ask HR.", (2,))]),
        ("It costs money. [1]\n£5 is paid. [2]", [("It costs money.", (1,)), ("£5 is paid.", (2,))]),
        ("It costs £1,250.00, e.g. for travel. [1]", [("It costs £1,250.00, e.g. for travel.", (1,))]),
        ("Is it paid? [1] Yes! [2]", [("Is it paid?", (1,)), ("Yes!", (2,))]),
        ("It is [1000].", [("It is [1000].", ())]),
        ("The quote is: You get 5 days. [1]", [("You get 5 days.", (1,))]),
        ("Answer: You get 5 days. [1]", [("You get 5 days.", (1,))]),
        ("The quote is 5 days. [1]", [("The quote is 5 days.", (1,))]),
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
    ("quote", "lead", "expected"),
    [
        ("Days expire on 31 March.", "", "Days expire on 31 March."),
        ("two photographs.", "You must bring:", LIST),
    ],
)
@pytest.mark.parametrize("at", [0, 9])
def test_a_quote_is_the_documents_text_from_what_introduces_it_on(
    quote: str, lead: str, expected: str, at: int
) -> None:
    item = evidence(DOCUMENT, quote, lead, at=at)
    support = check_support(quote, quote_text(item), 0.0)
    citation = cite(1, quote, item, support)
    assert citation.quote == quote_text(item) == expected
    assert DOCUMENT[citation.start : citation.end] == citation.quote


def test_a_quote_reaches_back_to_what_it_stands_under() -> None:
    far = "You must bring:\n" + "".join(f"- form number {n} of the office,\n" for n in range(40)) + "- a visa."
    item = evidence(far, "- a visa."[2:], "You must bring:")
    assert quote_text(item) == far


def test_the_named_key_is_tried_first_and_a_wrong_one_is_mended() -> None:
    passport, expiry = (
        evidence(DOCUMENT, "a passport,", "You must bring:"),
        evidence(DOCUMENT, "Days expire on 31 March."),
    )
    claim = "Days expire on 31 March."
    assert best_support(claim, [passport, expiry], [2], SHARE)[0] == 2
    assert best_support(claim, [passport, expiry], [1, 7], SHARE)[0] == 2
    assert best_support(claim, [expiry, expiry], [2], SHARE)[0] == 2
    key, support = best_support("Days expire on 30 March.", [passport, expiry], [2], SHARE)
    assert key == 2 and not support.supported and support.missing == 'the quote does not say "30" there'


def test_a_heading_may_say_what_a_sentence_is_about() -> None:
    document = "# Contractors\n\nClaims are made within 30 days.\n"
    quote = evidence(document, "Claims are made within 30 days.", heading="Contractors")
    assert best_support("Contractors: claims are made within 30 days.", [quote], [1], SHARE)[1].supported
    assert not best_support("Contractors make claims within 30 days.", [quote], [1], SHARE)[1].supported
