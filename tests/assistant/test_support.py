"""The rules that tell whether a quote supports a sentence, one table a rule: what passes, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.support import RULES, check_support, numbers

SHARE = 0.75
CLOSURE = "| Week | Pay |\n| --- | --- |\n| Standard week | £200 |\n| Bank-holiday week | £300 |"
PRESS = "Only the CEO, the CFO and the communications team speak to the press."
LIST = "You must bring:\n- a passport,\n- a visa,\n- two photographs."
ASIDE = "The invoice goes to the finance desk, which the board set up, within 30 days."
TWO_SENTENCES = "Invoices are paid within 30 days. Managers approve travel."

# By rule: (claim, quote) that it lets through, and that it refuses.
LEAVE = "Employees may carry over 5 days of unused annual leave into spring."
SAID = {
    "address": [
        ("Write to dpo@firm.example.", "Write to dpo@firm.example for a copy."),
    ],
    "mark": [
        ("Carry over <5 days.", "Carry over <5 days."),
        ("Keep `main` safe today.", "Keep the `main` branch safe today."),
        ("Carry over **5 days** of leave.", "Carry over 5 days of leave."),
    ],
    "quotation": [
        ('Fill in the form "New arrival".', 'Fill in the form "New arrival" today.'),
        ("The “New arrival” form lasts.", "The “New arrival” form lasts a year."),
        ("The managers' and the directors' leave lasts.", "The managers' and the directors' leave lasts 5 days."),
    ],
    "attribution": [
        ("The policy says employees may carry over 5 days of unused annual leave into spring.", LEAVE),
        ("Employees may carry over 5 days per year.", "Employees may carry over 5 days a year."),
        ("The handbook says so and employees know.", "The staff handbook says so, and employees know."),
    ],
    "number": [
        ("Probation lasts six months.", "Probation lasts 6 months."),
        ("You have 25 days.", "You have twenty-five days."),
        ("The limit is £250,000.", "The limit is £250 thousand."),
        ("The limit is £5 million.", "The limit is £5m."),
        ("The limit is £1250.", "The limit is £1,250.00."),
        ("Week: Bank-holiday week; Pay: £300", CLOSURE),
        ("The bank-holiday week pay is £300.", CLOSURE),
    ],
    "unit": [
        ("The limit is 100 pounds.", "The limit is £100."),
        ("The company pays 9 percent.", "The company pays 9%."),
        ("Wait a week.", "Wait one week."),
    ],
    "date": [
        ("Days expire on 31 March.", "Days expire on 31 March; nobody is paid."),
        ("Days expire on March 31, 2026.", "Days expire on 31st March 2026."),
        ("It closes on Mondays.", "It closes on Monday."),
    ],
    "name": [
        ("The server is in Utrecht.", "The new server is in Utrecht."),
    ],
    "actor": [
        ("A manager may work abroad.", "Managers may work abroad."),
    ],
    "obligation": [
        ("You can work abroad.", "You may work abroad."),
        ("Everyone has to report it.", "Everyone must report it."),
    ],
    "limit": [
        ("Reply within 5 working days.", "Please reply within 5 working days."),
    ],
    "choice": [
        ("Bring a passport or visa.", "Bring a passport or a visa."),
        ("Bring a passport and a visa, or call.", "Bring a passport and a visa, or call."),
    ],
    "left out": [
        ("You can carry over 5 days.", "You can carry over 5 days of your leave, Tarnwell says."),
        ("The invoice goes to the finance desk within 30 days.", ASIDE),
    ],
    "member": [
        ("Passports, visas and permits are kept.", "Passports, visas and permits are kept here."),
        ("You must bring: two photographs.", LIST),
        ("Constructive or complex feedback is given.", "However, constructive or complex feedback is given."),
        ("Statutory pay and leave last.", "Statutory pay (SMP, for short) and leave (SML) last."),
        ("Give one or 2 copies.", "Give one or two copies."),
    ],
    "negation": [
        ("You do not need a receipt.", "You don't need a receipt."),
        ("You cannot smoke.", "You can't smoke."),
        ("It will not be paid.", "It won't be paid."),
    ],
    "hedge": [
        ("Claims usually take a week.", "Claims usually take a week to pay."),
        ("You may appeal.", "You can appeal."),
    ],
    "order": [
        ("The manager tells the employee.", "The manager always tells the employee."),
    ],
    "company": [
        ("Meals are not taxed.", "Meals are paid and are not taxed."),
    ],
    "substitute": [
        ("Yes, you can carry over 5 days.", "You can carry over 5 days."),
        ("The firm supports charitable work here.", "The firm supports charity work here."),
        ("You'll be paid.", "You will be paid."),
        ("Managers approve travel.", TWO_SENTENCES),
    ],
    "words": [
        ("employees may  carry over 5 days", "Employees may carry\nover 5 days."),
    ],
}  # fmt: skip
REFUSED = {
    "address": [
        ("Write to dpo@evil.example for a copy.", "Write to dpo@firm.example for a copy."),
        ("Carry over 5 days of leave https://x.example", "Carry over 5 days of leave"),
        ("Carry over 5 days of annual leave hr/other.md.", "Carry over 5 days of annual leave."),
    ],
    "mark": [
        ("Carry over 5 days of annual leave ![](5)", "Carry over 5 days of annual leave"),
        ("Carry over 5 days of <b>annual leave", "Carry over 5 days of annual leave"),
        ("Carry over 5 days of \x1b[31mannual leave", "Carry over 5 days of annual leave"),
        ("Carry over 5 days of\u2028annual leave please", "Carry over 5 days of annual leave"),
        ("Carry over 5 days [a].", "Carry over 5 days."),
        ("Carry over 5 days¹.", "Carry over 5 days."),
        ("Carry over 5 days ①.", "Carry over 5 days."),
        ("Carry over 5 days of annual leave†.", "Carry over 5 days of annual leave."),
        ("Carry over 5 days of annual leave*.", "Carry over 5 days of annual leave."),
        ("Carry over 5 days 【annual】.", "Carry over 5 days annual."),
    ],
    "quotation": [
        ('The rule is "employees carry over 5 days".', "The rule is that employees may carry over 5 days."),
        ("The “leave only” form lasts 5 days.", "The leave form only lasts 5 days."),
        ("The 'leave only' form lasts 5 days.", "The leave form only lasts 5 days."),
        ('Employees carry over 5 days indeed."', "Employees carry over 5 days of leave."),
        ('Employees carry over 5 days "of leave for ever', "Employees carry over 5 days of leave."),
    ],
    "attribution": [
        ("According to the ministry, employees may carry over 5 days.", "Employees may carry over 5 days of leave."),
        ("Employees may carry over 5 days of leave (ibid.).", "Employees may carry over 5 days of leave."),
        ("Employees (all) may carry over 5 days of leave (ibid.).", "Employees (all) may carry over 5 days of leave."),
        ("The staff handbook says employees may carry over 5 days.", "Employees may carry over 5 days of leave."),
        ("Under the travel policy employees may carry over 5 days.", "Employees may carry over 5 days of leave."),
    ],
    "number": [
        ("Employees may carry over 6 days.", "Employees may carry over 5 days."),
        ("The limit is 10.", "The limit is 10.5."),
        ("The limit is 15 days.", "The limit is 1.5 days."),
        ("The limit is 55 days.", "The limit is 5,5 days."),
        ("Keep it at 18 degrees.", "Keep it at -18 degrees."),
        ("Pay into 8291000000000000427.", "Pay into 8291000000000000428."),
        ("Dial 4999 for help.", "Dial 04999 for help."),
        ("We close at 10:30.", "We close at 10:45."),
        ("Probation lasts seven months.", "Probation lasts six months."),
        ("You have 5 days.", "You have twenty-five days."),
        ("You have 100 days.", "You have two hundred days."),
        ("The limit is £5.", "The limit is £5 million."),
        ("The limit is £5.", "The limit is £5m."),
        ("The debt is £5.", "The debt is -£5."),
        ("The bank-holiday week pay is £200.", CLOSURE),
    ],
    "unit": [
        ("The limit is €100.", "The limit is £100."),
        ("The limit is £100.", "The limit is 100."),
        ("The company pays 9%.", "The company pays 9."),
        ("Employees report it within 5 hours.", "Employees report it within 5 days."),
    ],
    "date": [
        ("Days expire on 31 April.", "Days expire on 31 March."),
        ("It closes on Tuesday.", "It closes on Monday."),
        ("It ends on 1 May.", "You may end it on the 1st."),
    ],
    "name": [
        ("The server is in Utrecht.", "The server is in Toronto."),
        ("The DPO approves it.", "The office approves it."),
    ],
    "actor": [
        ("Managers may work abroad.", "Employees may work abroad."),
        ("Employees may work abroad.", "Managers may work abroad."),
    ],
    "obligation": [
        ("Employees may report it.", "Employees must report it."),
        ("Employees must report it.", "Employees may report it."),
        ("Employees must report it.", "Employees should report it."),
    ],
    "limit": [
        ("Only managers approve travel.", "Managers approve travel."),
        ("All claims are paid.", "Claims are paid."),
    ],
    "choice": [
        ("Employees may carry over 5 days of leave and lunch.", "Employees may carry over 5 days of leave."),
        ("Bring a passport or a visa.", "Bring a passport and a visa."),
        ("Bring a passport and a visa.", "Bring a passport or a visa."),
        ("Bring a passport and a visa, or a permit and money.", "Bring a passport or a visa, or a permit and money."),
    ],
    "left out": [
        ("Managers approve travel.", "Only managers approve travel."),
        ("You need a receipt.", "You need a receipt unless it is lost."),
        ("You can work abroad.", "You can work abroad provided your insurer agrees."),
        ("Carry-over is 5 days.", "Carry-over is at most 5 days."),
        ("You get 27 days.", "You get 27 days before 31 March."),
        ("Reply within 5 days.", "Reply within 5 working days."),
        ("You get 27 days.", "An employee gets 27 days, you get 20."),
        ("Employees have 27 days.", "Full-time employees have 27 days."),
        ("You get 27 days.", "You get 27 days. However, contractors get 10."),
        ("The invoice goes to the desk.", "The invoice goes to the desk, which may only take it within 30 days."),
    ],
    "member": [
        ("Only the CEO and the CFO speak to the press.", "Only the CEO, the CFO and the auditors speak to the press."),
        ("Passports and visas are kept.", "Passports, visas and permits are kept."),
        ("Bring a passport.", "Bring a passport or a visa."),
        ("Bring a visa.", "Bring a passport or a visa."),
        ("Pay by card.", "Pay by card or by cheque."),
        ("You and your husband sign.", "You and your husband or wife sign."),
        ("Tenants are insured.", "Tenants (or lodgers) are insured."),
        ("The chair signs it.", "The chair and the secretary sign it."),
    ],
    "negation": [
        ("Employees must share passwords.", "Employees must not share passwords."),
        ("Employees must not share passwords.", "Employees must share passwords."),
        ("You can smoke.", "You can't smoke."),
    ],
    "hedge": [
        ("Claims take a week.", "Claims usually take a week."),
        ("You get a refund.", "You may get a refund."),
        ("You get a refund.", "You should get a refund."),
    ],
    "order": [
        ("Leave is 10 days, notice 5 days.", "Leave is 5 days, notice 10 days."),
        ("You may not work but may travel.", "You may work but may not travel."),
        ("The employee tells the manager.", "The manager tells the employee."),
        ("The CFO tells the CEO.", "The CEO tells the CFO."),
    ],
    "company": [
        ("Meals are not paid and are taxed.", "Meals are paid and are not taxed."),
        ("It does cover care that is not deemed needed.", "It does not cover care that is deemed needed."),
        ("Claims must be made and are paid.", "Claims are made on paper in the first week and must be paid."),
    ],
    "substitute": [
        ("The desk opens early.", "The desk opens late."),
        ("The trainee signs the form and leaves.", "The trainer signs the form and leaves."),
        ("Leave is 10 days for drivers.", "Leave is 5 days for cooks, 10 days for drivers."),
    ],
    "words": [
        ("Hamsters eat grass.", "Leave is carried over every year into spring."),
        ("...", "Leave is carried over."),
        ("Yes.", "Leave is carried over."),
    ],
}  # fmt: skip


def test_every_rule_has_its_tables() -> None:
    assert SAID.keys() == REFUSED.keys() == {*RULES, "words"}


@pytest.mark.parametrize("rule", SAID)
def test_what_a_quote_says_is_supported(rule: str) -> None:
    for claim, quote in SAID[rule]:
        support = check_support(claim, quote, SHARE)
        assert support.supported, (claim, quote, support)


@pytest.mark.parametrize("rule", REFUSED)
def test_what_a_quote_does_not_say_is_refused_by(rule: str) -> None:
    for claim, quote in REFUSED[rule]:
        support = check_support(claim, quote, SHARE)
        assert (support.supported, support.rule) == (False, rule), (claim, quote, support)
        assert support.missing


@pytest.mark.parametrize(
    ("claim", "quote", "missing"),
    [
        ("You get 6 days.", "You get 5 days.", 'the quote does not say "6"'),
        ("You need a receipt.", "You need a receipt unless it is lost.", 'it leaves out "unless"'),
        ("Passports and visas are kept.", "Passports, visas and permits are kept.", 'it leaves out "permits"'),
        ("The desk opens early.", "The desk opens late.", 'it says "early" where the quote says "late"'),
        ("The CFO tells the CEO.", "The CEO tells the CFO.", 'it puts "CEO" in another place than the quote'),
        ("Yes.", "Leave is carried over.", "only 0% of its words are the quote's"),
    ],
)
def test_a_refusal_says_why_in_words(claim: str, quote: str, missing: str) -> None:
    assert check_support(claim, quote, SHARE).missing == missing


def test_the_context_supplies_names_and_actors_but_no_numbers_dates_or_units() -> None:
    quote, context = "Claims are made within 30 days.", "Contractor Handbook of March 60 weeks"
    assert check_support("Contractor claims are made within 30 days.", quote, SHARE, context).supported
    for claim, rule in (
        ("Contractor claims are made within 60 days.", "number"),
        ("Contractor claims are made within 30 weeks.", "unit"),
        ("Contractor claims are made within 30 days of March.", "date"),
    ):
        assert check_support(claim, quote, SHARE, context).rule == rule


def test_enough_of_the_words_must_be_the_quotes() -> None:
    claim, quote = "Remote work is a marvellous benefit.", "Remote work is a benefit."
    assert check_support(claim, quote, 0.75).supported
    assert check_support(claim, quote, 0.75).score == pytest.approx(0.75)
    assert not check_support(claim, quote, 0.8).supported


def test_numbers_are_returned_in_one_spelling() -> None:
    assert numbers("£1,250.00, twenty-five, two hundred and 10:30") == {"1250", "25", "200", "10:30"}


WORDS = st.sampled_from(
    """employees managers may must not leave days hours within after policy Utrecht CEO travel approve £ the only unless
    a of or and receipts report week""".split()
)
NUMBERS = st.one_of(
    st.integers(0, 99_999).map(str),
    st.integers(1_000, 10**18).map(lambda n: f"{n:,}"),
    st.decimals(0, 999, places=2).map(str),
    st.sampled_from(["10:30", "£5", "9%", "-4", "31.12", "5,5", "0499", "£5m"]),
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


@given(st.lists(WORDS, min_size=1), st.lists(WORDS, min_size=1), *[st.integers(0, 9_999)] * 2)
@settings(max_examples=200, deadline=None)
def test_two_numbers_swapped_are_always_refused(first: list[str], then: list[str], one: int, other: int) -> None:
    quote = " ".join([*first, str(one), *then, str(other)])
    swapped = " ".join([*first, str(other), *then, str(one)])
    assert check_support(swapped, quote, 0.0).supported == (one == other)


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_checked_and_always_supports_itself(claim: str, quote: str) -> None:
    check_support(claim, quote, SHARE)
    assert check_support(claim, claim, 1.0).supported


@pytest.mark.parametrize("claim", ["£300", "The pay is £300.", "The pay of a week is £300."])
def test_a_value_without_what_its_row_is_about_is_refused(claim: str) -> None:
    support = check_support(claim, CLOSURE, SHARE)
    assert (support.supported, support.rule, support.missing) == (False, "row", 'it leaves out "Bank-holiday week"')
