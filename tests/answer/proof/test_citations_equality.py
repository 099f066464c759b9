"""A statement is its quote: what may differ, and the many ways in which it may not."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.answer.proof.citations import canonical_statement, is_its_quote

CLOSURE = "| Week | Pay |\n| --- | --- |\n| Standard week | £200 |\n| Bank-holiday week | £300 |"
PAID = "What is paid?\n\n| What | Paid |\n| --- | --- |\n| Hotel | £90 |\n"
UNPAID = "\n| What | Never paid |\n| --- | --- |\n| Fine | £9 |"
LIST = "You must bring:\n- a passport,\n- a visa,\n- two photographs."


# (statement, quote)
SAID = [
    ("Carry over <5 days.", "Carry over <5 days."),
    ("Carry  over\n5 days.", "Carry over\u00a05 days."),
    ("Carry over **5 days** of leave.", "Carry over 5 days of leave."),
    ("Run `sync` first.", "Run sync first."),
    ("- Dogs wait outside.", "Dogs wait outside."),
    ("(1) Dogs wait outside.", "[1] Dogs wait outside."),  # in an answer that would be a key
    ('The "leave only" form isn\'t yours.', "The “leave only” form isn’t yours."),
    ("The ”leave only” form isn’t yours.", 'The "leave only" form isn\'t yours.'),
    ("You must bring: a passport, a visa, two photographs.", LIST),
    ("You must bring: … two photographs.", LIST),
    ("You must bring: … two photographs. …", LIST),
    ("Bank-holiday week – Pay: £300", CLOSURE),
    ("What is paid? Fine – Never paid: £9", PAID + UNPAID),
    ("RTO: recovery time objective", "RTO | recovery time objective"),
    ("May interns drive? No.", "May interns drive? No."),
    ("May interns drive? … After noon, yes.", "May interns drive? Hardly. After noon, yes."),
]
REFUSED = {
    "per, as if it were an article or nothing": [
        ("The shelf limit is 6 boxes.", "The shelf limit is 6 per box."),
        ("Two guests.", "Two/guest."),
    ],
    "ordinals and halves, as if they were counted": [
        ("Cooks get 30.5 days.", "Cooks get thirty half days."),
        ("70 parties sign.", "Seventy third parties sign."),
    ],
    "a range, as if it were a list": [("Open Tuesday, Thursday.", "Open Tuesday - Thursday.")],
    "what can happen, as if it were allowed": [("Thieves are allowed to enter.", "Thieves can enter.")],
    "a bracket": [("Drivers may park.", "Drivers may (not) park."), ("Leave is due.", "Leave (DE) is due.")],
    "signs": [
        ("Screens of 30 are lent.", 'Screens of 30" are lent.'),
        ("Everyone is kept.", "Every one is kept."),
        ("Lines of 9 MBps.", "Lines of 9 Mbps."),
        ("Grade B is paid.", "Grade B* is paid."),
    ],
    "a decimal comma": [("Es wiegt 2500 kg.", "Es wiegt 2,500 kg.")],
    "a colon, as if it were a verb": [("No badge is no entry.", "No badge: no entry.")],
    "one sentence of two": [("Cooks may sign.", "Cooks may sign. Whoever believes that is mistaken.")],
    "another spelling": [
        ("Probation lasts six months.", "Probation lasts 6 months."),
        ("A manager may work abroad.", "Managers may work abroad."),
        ("employees may carry over", "Employees may carry over"),
        ("Leave is paid", "Leave is paid."),
        ("Leave is paid.", "Please note that leave is paid."),
        ("The Data Protection Officer decides.", "The Data Protection Officer (DPO) decides."),
        ("Week: Bank-holiday week; Pay: £300", CLOSURE),
    ],
    "openings": [
        ("Yes, interns may not work remotely.", "Interns may not work remotely."),
        ("Yes, you can carry over 5 days.", "You can carry over 5 days."),
        ("Therefore, you can carry over 5 days.", "You can carry over 5 days."),
    ],
    "a row without its column's name, or what heads it": [
        ("Manager: Yes", "| Role | Exempt from signing |\n| --- | --- |\n| Manager | Yes |"),
        ("Minibar – Price: 15", "| What | Price |\n| --- | --- |\n| Never paid | |\n| Minibar | 15 |"),
    ],
    "a row under another table's header, or without what stands between": [
        ("What is paid? Fine – Paid: £9", PAID + UNPAID),
        ("What is paid? Fine – Never paid: £9", f"{PAID}\nForbidden:\n{UNPAID}"),
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


@pytest.mark.parametrize(("statement", "quote"), SAID)
def test_a_statement_may_differ_from_its_quote_in_layout(statement: str, quote: str) -> None:
    assert is_its_quote(statement, quote)


@pytest.mark.parametrize("theme", REFUSED)
def test_a_statement_may_differ_from_its_quote_in_nothing_else(theme: str) -> None:
    for statement, quote in REFUSED[theme]:
        assert not is_its_quote(statement, quote), (statement, quote)


def test_a_heading_may_stand_before_a_statement_and_lends_it_nothing_else() -> None:
    quote, heading = "Claims are made within 30 days.", "Expense claims"
    assert is_its_quote("Expense claims: Claims are made within 30 days.", quote, heading)
    assert is_its_quote(quote, quote, heading)
    for statement in (
        "Contractors: Claims are made within 30 days.",
        "Expense claims are made within 30 days.",
        "Expense claims: claims are made within 30 days.",
    ):
        assert not is_its_quote(statement, quote, heading)
    assert is_its_quote("May I claim? Yes.", "Yes.", "May I claim?")


WORDS = st.sampled_from(
    """employees managers may must not leave days hours within after policy Utrecht CEO travel approve £ the only unless
    a of or and receipts report week""".split()
)
SAMPLES = st.lists(st.one_of(WORDS, st.integers(0, 99_999).map(str)), min_size=2, max_size=12)


@given(SAMPLES, st.data())
@settings(max_examples=300, deadline=None)
def test_no_character_may_be_dropped_or_changed_and_no_word_added_or_moved(
    words: list[str], data: st.DataObject
) -> None:
    quote = " ".join(words) + "."
    at = data.draw(st.sampled_from([i for i, c in enumerate(quote) if c != " "]))
    assert is_its_quote(quote, quote)
    assert not is_its_quote(quote[:at], quote)
    assert not is_its_quote(quote[:at] + quote[at + 1 :], quote)
    assert not is_its_quote(f"{quote[:at]}x{quote[at + 1 :]}", quote) or quote[at] == "x"
    place = data.draw(st.integers(0, len(words)))
    assert not is_its_quote(" ".join([*words[:place], data.draw(WORDS), *words[place:]]) + ".", quote)
    moved = data.draw(st.permutations(words))
    assert is_its_quote(" ".join(moved) + ".", quote) == (moved == words)


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_compared_and_is_itself(statement: str, quote: str) -> None:
    assert is_its_quote(statement, statement)
    if is_its_quote(statement, quote) and "…" not in statement and "\n" not in quote and "|" not in quote:
        assert canonical_statement(statement) == canonical_statement(quote)


@given(st.text(alphabet="ab1 \n.?!:|-'\"*)…", max_size=40), st.text(alphabet="ab1 \n.?!:|-'\"*)…", max_size=40))
@settings(max_examples=300, deadline=None)
@example("", "\nz?'\n1.\n.I")
def test_any_two_texts_can_be_compared(statement: str, quote: str) -> None:
    is_its_quote(statement, quote)
    assert is_its_quote(quote, quote)
