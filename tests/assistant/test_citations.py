"""What counts as proof: keys, quotes and the rules that tell whether a quote supports a sentence."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.citations import best_support, check_support, cite, parse_claims, quote_text
from assistant.core.types import Evidence, Hit, Passage

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
        ("- Paid leave [1]\n- Sick leave. [2]\n* Notice [3]", [
            ("Paid leave", (1,)), ("Sick leave.", (2,)), ("Notice", (3,)),
        ]),
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
)  # fmt: skip
def test_an_answer_is_split_into_sentences_and_their_keys(
    written: str, claims: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert [(claim.text, claim.keys) for claim in parse_claims(written)] == claims


CLOSURE = "| Week | Pay |\n| --- | --- |\n| Standard week | £200 |\n| Bank-holiday week | £300 |"
PRESS = "Only the CEO, the CFO and the communications team speak to the press."
LIST = "You must bring:\n- a passport,\n- a visa,\n- two photographs."
SUPPORTED = [
    ("The same words", "Employees may carry over 5 days.", "Employees may carry over 5 days."),
    ("white space and capitals", "employees may  carry over 5 days", "Employees may carry\nover 5 days."),
    ("fewer words", "You can carry over 5 days.", "You can carry over 5 days of your leave, Tarnwell says."),
    ("a number word", "Probation lasts six months.", "Probation lasts 6 months."),
    ("a compound number word", "You have 25 days.", "You have twenty-five days."),
    ("a multiplied number", "The limit is £250,000.", "The limit is £250 thousand."),
    ("thousands with a comma", "The limit is £1250.", "The limit is £1,250.00."),
    ("a currency in words", "The limit is 100 pounds.", "The limit is £100."),
    ("percent in words", "The company pays 9 percent.", "The company pays 9%."),
    ("another modal of the same force", "You can work abroad.", "You may work abroad."),
    ("another negation", "You do not need a receipt.", "You don't need a receipt."),
    ("part of a compound", "Days expire on 31 March.", "Days expire on 31 March; nobody is paid."),
    ("a whole enumeration", "Passports, visas and permits are kept.", "Passports, visas and permits are kept here."),
    ("a table row with its columns", "Week: Bank-holiday week; Pay: £300", CLOSURE),
    ("a table row in other words", "The bank-holiday week pay is £300.", CLOSURE),
    ("a list item with its lead-in", "You must bring: two photographs.", LIST),
]


@pytest.mark.parametrize(("claim", "quote"), [row[1:] for row in SUPPORTED], ids=[row[0] for row in SUPPORTED])
def test_a_sentence_is_supported_by(claim: str, quote: str) -> None:
    support = check_support(claim, quote, SHARE)
    assert support.supported, support


REFUSED = [
    ("another number", "Employees may carry over 6 days.", "Employees may carry over 5 days.", "number"),
    ("a shorter number", "The limit is 10.", "The limit is 10.5.", "number"),
    ("a lost decimal point", "The limit is 15 days.", "The limit is 1.5 days.", "number"),
    ("a lost decimal comma", "The limit is 55 days.", "The limit is 5,5 days.", "number"),
    ("a lost minus", "Keep it at 18 degrees.", "Keep it at -18 degrees.", "number"),
    ("a digit of a long number", "Pay into 8291000000000000427.", "Pay into 8291000000000000428.", "number"),
    ("a lost leading zero", "Dial 4999 for help.", "Dial 04999 for help.", "number"),
    ("another time", "We close at 10:30.", "We close at 10:45.", "number"),
    ("another number word", "Probation lasts seven months.", "Probation lasts six months.", "number"),
    ("part of a number word", "You have 5 days.", "You have twenty-five days.", "number"),
    ("a factor of a number word", "You have 100 days.", "You have two hundred days.", "number"),
    ("a lost million", "The limit is £5.", "The limit is £5 million.", "number"),
    ("two numbers swapped", "Leave is 5 days, notice 10 days.", "Leave is 10 days, notice 5 days.", "order"),
    ("another currency", "The limit is €100.", "The limit is £100.", "unit"),
    ("a currency made up", "The limit is £100.", "The limit is 100.", "unit"),
    ("a percent sign made up", "The company pays 9%.", "The company pays 9.", "unit"),
    ("another unit", "Employees report it within 5 hours.", "Employees report it within 5 days.", "unit"),
    ("another month", "Days expire on 31 April.", "Days expire on 31 March.", "month"),
    ("May where there is none", "It ends on 1 May.", "You may end it on the 1st.", "month"),
    ("a lost negation", "Employees must share passwords.", "Employees must not share passwords.", "negation"),
    ("an added negation", "Employees must not share passwords.", "Employees must share passwords.", "negation"),
    ("a moved negation", "You may not work but may travel.", "You may work but may not travel.", "order"),
    ("a duty made a permission", "Employees may report it.", "Employees must report it.", "obligation"),
    ("a permission made a duty", "Employees must report it.", "Employees may report it.", "obligation"),
    ("advice made a duty", "Employees must report it.", "Employees should report it.", "obligation"),
    ("another actor", "Managers may work abroad.", "Employees may work abroad.", "actor"),
    ("an employee made of a manager", "Employees may work abroad.", "Managers may work abroad.", "actor"),
    ("two actors swapped", "The employee tells the manager.", "The manager tells the employee.", "order"),
    ("two acronyms swapped", "The CFO tells the CEO.", "The CEO tells the CFO.", "order"),
    ("a lost only", "Managers approve travel.", "Only managers approve travel.", "left out: only"),
    ("a lost unless", "You need a receipt.", "You need a receipt unless it is lost.", "left out: unless"),
    ("a lost limit", "Carry-over is 5 days.", "Carry-over is at most 5 days.", "left out: at most"),
    ("a lost deadline", "You get 27 days.", "You get 27 days before 31 March.", "left out: before"),
    ("a lost qualifier of days", "Reply within 5 days.", "Reply within 5 working days.", "left out: working"),
    ("a lost actor", "You get 27 days.", "An employee gets 27 days, you get 20.", "left out: employe"),
    ("a wider group", "Employees have 27 days.", "Full-time employees have 27 days.", "left out: full-time"),
    ("a lost member", "Only the CEO and the CFO speak to the press.", PRESS, "left out: communication"),
    ("a lost common member", "Passports and visas are kept.", "Passports, visas and permits are kept.", "permit"),
    ("all made a choice", "Bring a passport or a visa.", "Bring a passport and a visa.", "choice"),
    ("a choice made all", "Bring a passport and a visa.", "Bring a passport or a visa.", "choice"),
    ("another place", "The server is in Utrecht.", "The server is in Toronto.", "name"),
    ("an acronym made up", "The DPO approves it.", "The office approves it.", "name"),
    ("another address", "Write to dpo@evil.example for a copy.", "Write to dpo@firm.example for a copy.", "address"),
    ("a link made up", "Carry over 5 days of leave https://x.example", "Carry over 5 days of leave", "address"),
    ("an image", "Carry over 5 days of annual leave ![](5)", "Carry over 5 days of annual leave", "mark"),
    ("an HTML tag", "Carry over 5 days of <b>annual leave", "Carry over 5 days of annual leave", "mark"),
    ("an escape", "Carry over 5 days of \x1b[31mannual leave", "Carry over 5 days of annual leave", "mark"),
    ("the row above", "The bank-holiday week pay is £200.", CLOSURE, "number"),
    ("other words", "Hamsters eat grass.", "Leave is carried over.", "words"),
    ("no words", "...", "Leave is carried over.", "words"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "quote", "missing"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)  # fmt: skip
def test_a_sentence_is_refused_for(claim: str, quote: str, missing: str) -> None:
    support = check_support(claim, quote, SHARE)
    assert not support.supported
    assert missing in support.missing


def test_the_context_supplies_names_and_actors_but_no_numbers() -> None:
    quote = "Claims are made within 30 days."
    assert check_support("Contractor claims are made within 30 days.", quote, SHARE, "Contractor Handbook 60").supported
    assert not check_support(
        "Contractor claims are made within 60 days.", quote, SHARE, "Contractor Handbook 60"
    ).supported


def test_enough_of_the_words_must_be_the_quotes() -> None:
    claim, quote = "Remote work is a marvellous benefit.", "Remote work is a benefit."
    assert check_support(claim, quote, 0.75).supported
    assert check_support(claim, quote, 0.75).score == pytest.approx(0.75)
    assert not check_support(claim, quote, 0.8).supported


WORDS = st.sampled_from(
    """employees managers may must not leave days hours within after policy Utrecht CEO travel approve £ the only unless
    a of or and receipts report week""".split()
)
NUMBERS = st.one_of(
    st.integers(0, 99_999).map(str),
    st.integers(1_000, 10**18).map(lambda n: f"{n:,}"),
    st.decimals(0, 999, places=2).map(str),
    st.sampled_from(["10:30", "£5", "9%", "-4", "31.12", "5,5", "0499"]),
)


@st.composite
def sentences_with_a_number(draw: st.DrawFn) -> tuple[str, int, int]:
    before, after = draw(st.lists(WORDS, min_size=1, max_size=8)), draw(st.lists(WORDS, min_size=1, max_size=8))
    number = draw(NUMBERS)
    digits = [i for i, c in enumerate(number) if c.isdigit()]
    text = " ".join([*before, number, *after]) + "."
    return text, len(" ".join(before)) + 1 + draw(st.sampled_from(digits)), draw(st.integers(1, 9))


@given(sentences_with_a_number())
@settings(max_examples=300, deadline=None)
def test_a_verbatim_sentence_always_supports_itself_and_never_with_a_digit_changed(
    sample: tuple[str, int, int],
) -> None:
    text, at, step = sample
    assert check_support(text, text, 1.0).supported
    corrupt = text[:at] + str((int(text[at]) + step) % 10) + text[at + 1 :]
    assert not check_support(corrupt, text, 0.0).supported


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_checked_and_always_supports_itself(claim: str, quote: str) -> None:
    check_support(claim, quote, SHARE)
    parse_claims(claim)
    assert check_support(claim, claim, 1.0).supported


def evidence(document: str, quote: str, lead: str = "", *, at: int = 0, heading: str = "") -> Evidence:
    """Make evidence that lies in a passage of `document` beginning at `at`."""
    passage = Passage(1, "d", document[at:], at, len(document), (heading,) if heading else ())
    hit = Hit(passage, 1.0, 1, ("dense",), "hr/leave.md", "Leave", "5ha")
    start = document.index(quote)
    begin = document.index(lead) if lead else 0
    return Evidence(
        hit, start, start + len(quote), quote, 1.0, "item" if lead else "sentence",
        (begin, begin + len(lead)) if lead else None,
    )  # fmt: skip


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


def test_a_quote_does_not_reach_back_too_far() -> None:
    far = "You must bring:\n" + "".join(f"- form number {n} of the office,\n" for n in range(40)) + "- a visa."
    item = evidence(far, "- a visa."[2:], "You must bring:")
    assert quote_text(item) == "a visa."


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
    assert key == 2 and not support.supported and re.search("number: 30", support.missing)


def test_titles_and_headings_supply_what_a_sentence_is_about() -> None:
    document = "# Contractors\n\nClaims are made within 30 days.\n"
    quote = evidence(document, "Claims are made within 30 days.", heading="Contractors")
    assert best_support("Contractors make claims within 30 days.", [quote], [1], 0.6)[1].supported
