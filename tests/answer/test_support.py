"""A claim is its quote said in another spelling: what may differ, and the many ways in which it may not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.support import check_support
from assistant.text.facts import numbers

SHARE = 0.5
CLOSURE = "| Week | Pay |\n| --- | --- |\n| Standard week | £200 |\n| Bank-holiday week | £300 |"
PRESS = "Only the CEO, the CFO and the communications team speak to the press."
LIST = "You must bring:\n- a passport,\n- a visa,\n- two photographs."
TWO_SENTENCES = "Invoices are paid within 30 days. Managers approve all travel."


# (claim, quote)
SAID = [
    ("Carry over <5 days.", "Carry over <5 days."),
    ("Carry over **5 days** of leave.", "Carry over 5 days of leave."),
    ("Employees may carry over 5 days per year.", "Employees may carry over 5 days a year."),
    ("Probation lasts six months.", "Probation lasts 6 months."),
    ("You have 25 days.", "You have twenty-five days."),
    ("The limit is £250,000.", "The limit is £250 thousand."),
    ("The limit is £5 million.", "The limit is £5m."),
    ("The limit is £1250.", "The limit is £1,250.00."),
    ("Week: Bank-holiday week; Pay: £300", CLOSURE),
    ("The limit is 100 pounds.", "The limit is £100."),
    ("The company pays 9 percent.", "The company pays 9%."),
    ("Days expire on March 31, 2026.", "Days expire on 31st March 2026."),
    ("It closes on Mondays.", "It closes on Monday."),
    ("A manager may work abroad.", "Managers may work abroad."),
    ("You can work abroad.", "You may work abroad."),
    ("Everyone shall report it.", "Everyone must report it."),
    ("Reply within 5 working days.", "Please reply within 5 working days."),
    ("Bring a passport or visa.", "Bring a passport or a visa."),
    ("Bring a passport and a visa, or call.", "Bring a passport and a visa, or call."),
    ("You must bring: … two photographs.", LIST),
    ("(1) Dogs wait outside.", "[1] Dogs wait outside."),
    ("Constructive or complex feedback is given.", "However, constructive or complex feedback is given."),
    ("Give one or 2 copies.", "Give one or two copies."),
    ("You do not need a receipt.", "You don't need a receipt."),
    ("You cannot smoke.", "You can't smoke."),
    ("It will not be paid.", "It won't be paid."),
    ("You may appeal.", "You can appeal."),
    ("You'll be paid.", "You will be paid."),
    ("employees may  carry over 5 days", "Employees may carry\nover 5 days."),
    ("Leave is carried over by March.", "Please note that leave is carried over by March."),
    ("The term, the RTO, is 4 hours.", "The term (also: the longest time), the RTO, is 4 hours."),
    ("The Data Protection Officer decides.", "The Data Protection Officer (DPO) decides."),
    ("RTO means recovery time objective.", "RTO: recovery time objective."),
    ("The pay of 1,500 euros is 1,500 euros.", "The pay of 1500 euros is €1,500."),
    ("A trip of 5 to 10 days is planned.", "A trip of 5–10 days is planned."),
    ("Keep **all** receipts.", "Keep all receipts."),
]
REFUSED = {
    "openings": [
        ("Yes, interns may not work remotely.", "Interns may not work remotely."),
        ("Yes, you can carry over 5 days.", "You can carry over 5 days."),
        ("Therefore, you can carry over 5 days.", "You can carry over 5 days."),
    ],
    "a row without its column's name, or what heads it": [
        ("Manager: Yes", "| Role | Exempt from signing |\n| --- | --- |\n| Manager | Yes |"),
        ("Minibar – Price: 15", "| What | Price |\n| --- | --- |\n| Never paid | |\n| Minibar | 15 |"),
    ],
    "a point before a number": [
        ("Interest of 5% a month is due.", "Interest of .5% a month is due."),
        ("The limit is $50 a mile.", "The limit is $.50 a mile."),
        ("Staff pay .5 euros.", "Staff pay 5 euros."),
        ("Drill 5 mm.", "Drill ,5 mm."),
    ],
    "an opening that is none": [
        ("Late staff come, they are paid.", "However late staff come, they are paid."),
        ("Few may sign.", "So few may sign."),
        ("Managers may sign it, it is void.", "However managers may sign it, it is void."),
    ],
    "a dash that is no range": [
        ("The bonus is 10 to 3 euros.", "The bonus is 10 - 3 euros."),
        ("Dial 555 to 1234.", "Dial 555-1234."),
        ("See ISO 9001 to 2015.", "See ISO 9001-2015."),
        ("Between 1.5 to 1.25 days.", "Between 1.5-1.25 days."),
        ("2:1-2:10x 1", "2:1-2:10x 2::1-1 2..1-3"),  # no number reads these
        ("Move grade 5–6 days.", "Move grade 5 to 6 days."),
        ("Pay is raised by 2–10 days.", "Pay is raised by 2 to 10 days."),
    ],
    "names and numbers that look alike": [
        ("No 1 may apply.", "No one may apply."),
        ("In 20 April days may be taken.", "In April 20 days may be taken."),
        ("From 2 May managers must sign.", "From May 2 managers must sign."),
        ("Staff get 5 6 of their pay.", "Staff get 5/6 of their pay."),
    ],
    "articles that count": [
        ("Even a number is needed.", "An even number is needed."),
        ("Managers in the charge of staff sign.", "Managers in charge of staff sign."),
        ("The number of staff sign.", "A number of staff sign."),
        ("Half a day is free.", "Half the day is free."),
    ],
    "a box that is not ticked": [("- Gloves are needed.", "- [ ] Gloves are needed.")],
    "a sentence whose neighbour speaks of it": [
        ("Staff may sign.", "Staff may sign. The legal department struck out the preceding words in January."),
        ("Staff may sign.", "Staff may sign. Readers should be aware of an amendment which removes the right."),
        ("Staff get 40 days.", "Only those in the Paris office are meant in this part. Staff get 40 days."),
    ],
    "who is meant by a pronoun": [("Managers: they may sign.", "They may sign.")],
    "an item of a list whose lead-in binds them all": [
        ("You must bring: two photographs.", LIST),
        ("The fee is the lower of: 90 euros.", "The fee is the lower of:\n\n- a week's pay\n- 90 euros"),
        ("Banned: coffee", "Banned:\n\n- beer\n- wine\n\nWelcome:\n\n- coffee"),
    ],
    "no duty, and a duty not to": [
        ("No visitor must register.", "No visitor has to register."),
        ("Neither side must give a reason.", "Neither side has to give a reason."),
        ("The sum that a team must spend is 40 euros.", "The sum that a team has to spend is 40 euros."),
    ],
    "a minus as it is typeset": [
        ("Samples are kept at 30 °C.", "Samples are kept at –30 °C."),
        ("Samples are kept at 30 °C to 20 °C.", "Samples are kept at –30 °C to –20 °C."),
    ],
    "two numbers side by side": [
        ("The school holds 42-day courses.", "The school holds forty two-day courses."),
        ("It pays 7000 euro grants.", "It pays seven thousand-euro grants."),
    ],
    "an article that counts": [
        ("The most senior staff may travel first class.", "Most senior staff may travel first class."),
        ("The third must agree.", "A third must agree."),
        ("A cook and guard must be there.", "A cook and a guard must be there."),
        ("$70 is paid a week.", "A$70 is paid a week."),
        ("Clause 8 applies to temps.", "Clause 8(a) applies to temps."),
    ],
    "a sentence that its neighbour takes back": [
        ("Temps may drive.", "The following is wrong. Temps may drive."),
        ("Temps may drive.", "Temps may drive. [Repealed]"),
        ("Temps may drive.", "Suppose there is snow. Temps may drive."),
        ("They may drive.", "Drivers over thirty with a clean record are another case. They may drive."),
    ],
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
    "nothing of the quote": [
        ("Hamsters eat grass.", "Leave is carried over every year into spring."),
        ("...", "Leave is carried over."),
        ("Yes.", "Leave is carried over."),
    ],
    "a negation in other words": [
        ("Guests may use the pool.", "No guest may use the pool."),
        ("Guests may use the pool.", "Hardly any guests may use the pool."),
        ("The firm covers parking.", "The firm will not normally cover parking."),
        ("The firm covers parking.", "The firm has ceased to cover parking."),
        ("Parking is covered.", "Parking is no longer covered."),
        ("The desk lends laptops.", "The desk is unable to lend laptops."),
    ],
    "a condition in other words": [
        ("You may fly business class.", "You may fly business class, budget permitting."),
        ("You may fly business class.", "With the director's blessing, you may fly business class."),
        ("You may fly business class.", "You may fly business class once the project is approved."),
        ("A bonus is due.", "A bonus is due in good years."),
        ("A bonus is due.", "Should targets be met, a bonus is due."),
    ],
    "an exception in other words": [
        ("Everyone wears a badge.", "Everyone bar the caterers wears a badge."),
        ("Meals are refunded.", "Meals, wine aside, are refunded."),
        ("Staff get a phone.", "Staff apart from trainees get a phone."),
    ],
    "what is only reported": [
        ("Leave is 40 days.", "The unions want to see that leave is 40 days."),
        ("Leave is 40 days.", "It would be wrong to think leave is 40 days."),
        ("Leave was 40 days.", "Leave was 40 days until 2019."),
        ("Leave is 40 days.", "Leave is 40 days. That rule ended in 2020."),
        ("You may pay in cash.", "Question: you may pay in cash?"),
    ],
    "a number's company": [
        ("The stay is 3 nights.", "The stay is 3 to 6 nights."),
        ("The stay is 6 nights.", "The stay is 3-6 nights."),
        ("A deposit of 2 euros is paid.", "A deposit of 2.000 euros is paid."),
        ("The result is 7 million.", "The result is (7) million."),
        ("It is kept at 4 degrees.", "It is kept at minus 4 degrees."),
        ("It starts at 6 am.", "It starts at 6 pm."),
        ("The rate is 3 percent.", "The rate is 3 percentage points."),
        ("Orders of 900 euros are signed twice.", "Orders over 900 euros are signed twice."),
        ("Oslo costs 70 euros.", "Rome costs 70 euros and Oslo costs 90 euros."),
    ],
    "what parts words": [
        ("No, cooks sign it.", "No cooks sign it."),
        ("Never. Mind the step.", "Never mind the step."),
        ("Guests may not leave. Early diners may.", "Guests may not leave early. Diners may."),
        ("Cooks who smoke must leave.", "Cooks, who smoke, must leave."),
    ],
    "a part of several sentences": [
        ("Cooks approve all of the travels.", "Invoices are paid within 30 days. Cooks approve all travel."),
        ("Guests can swim.", "The following is history. Guests may swim."),
        ("Guests can swim.", "Guests may swim. Children are left out."),
    ],
    "another identifier or unit": [
        ("Section 2.1 holds.", "Section 2.10 holds."),
        ("It holds 7 mb.", "It holds 7 MB."),
        ("Take the 2 form.", "Take the second form."),
    ],
    "what is in brackets": [
        ("Guests may swim.", "Guests may swim (see: never at night)."),
        ("Guests may swim.", "Guests may swim (e.g. with a guard)."),
    ],
    "an added word": [
        ("Senior employees get a car.", "Employees get a car."),
        ("Employees always get a car.", "Employees get a car."),
        ("Yes, and employees get a car.", "Employees get a car."),
        ("Employees get a few days.", "Employees get few days."),
    ],
}


@pytest.mark.parametrize(("claim", "quote"), SAID)
def test_what_a_quote_says_is_supported(claim: str, quote: str) -> None:
    support = check_support(claim, quote, SHARE)
    assert support.supported, support


@pytest.mark.parametrize("theme", REFUSED)
def test_what_a_quote_does_not_say_is_refused(theme: str) -> None:
    for claim, quote in REFUSED[theme]:
        support = check_support(claim, quote, SHARE)
        assert not support.supported, (claim, quote)
        assert support.missing


@pytest.mark.parametrize(
    ("claim", "quote", "missing"),
    [
        ("You get 6 days.", "You get 5 days.", 'the quote does not say "6" there'),
        ("You need a receipt.", "You need a receipt unless it is lost.", 'it leaves out "unless"'),
        ("The desk opens early.", "The desk opens late.", 'the quote does not say "early" there'),
        ("The pay is £300.", CLOSURE, "it does not tell the row as it stands"),
        ("...", "Leave is carried over.", "it says nothing"),
    ],
)
def test_a_refusal_says_why_in_words(claim: str, quote: str, missing: str) -> None:
    assert check_support(claim, quote, SHARE).missing == missing


def test_a_heading_may_stand_before_a_claim_but_lends_it_nothing_else() -> None:
    quote, context = "Claims are made within 30 days.", "Contractors' handbook\nExpense claims"
    assert check_support("Expense claims: claims are made within 30 days.", quote, SHARE, context).supported
    for claim in ("Contractors' claims are made within 30 days.", "Claims of expense are made within 30 days."):
        assert not check_support(claim, quote, SHARE, context).supported


def test_enough_of_a_statement_must_be_kept() -> None:
    claim, quote = "Pets stay outside.", "Pets (also: animals of any kind that live with people) stay outside."
    support = check_support(claim, quote, 0.2)
    assert support.supported and support.score == pytest.approx(3 / 13)
    assert not check_support(claim, quote, 0.75).supported


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


@given(st.lists(WORDS, min_size=2, max_size=12), st.data())
@settings(max_examples=200, deadline=None)
def test_no_word_but_an_article_may_be_dropped(words: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(words) - 1))
    kept = words[:at] + words[at + 1 :]
    articles = {"a", "the", "£"}
    if words[at] not in articles and len(words[at]) > 1 and set(kept) - articles:
        claim, quote = " ".join(kept), " ".join(words)
        same = [w for w in kept if w not in articles] == [w for w in words if w not in articles]
        assert check_support(claim, quote, 0.0).supported == same
