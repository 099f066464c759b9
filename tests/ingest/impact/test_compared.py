"""Which facts move between two sentences, and which changes are none."""

from __future__ import annotations

import time

import pytest

from ingest.impact.compared import Compared
from ingest.impact.spelling import Usage
from ingest.impact.tokens import tokenise
from tests.ingest.impact.pages import facts

SAME = [
    ("You have 10 days.", "You have ten days."),
    ("Fees above £1,000 are paid.", "Fees above £1000 are paid."),
    ("A budget of £5m is set.", "A budget of £5 million is set."),
    ("The share is 5%.", "The share is 5 per cent."),
    ("Files end on 31 March.", "Files end on March 31st."),
    ("Staff must sign.", "Staff have to sign."),
    ("Staff shall sign.", "Staff must sign."),
    ("Staff may not sign.", "Staff must not sign."),
    ("Staff cannot sign.", "Staff can't sign."),
    ("Forms do not expire.", "Forms don't expire."),
    ("At most 5 days are paid.", "No more than 5 days are paid."),
    ("At most 5 days are paid.", "Up to 5 days are paid."),
    ("Within 5 days, staff answer.", "Staff answer within 5 days."),
    ("Staff answer letters quickly.", "Staff answer letters fast."),
    ("The form is sent to the office.", "The form is mailed to the office."),
    ("Reports are due each month.", "Reports are due every month."),
    ("Reports are due monthly.", "Reports are due every month."),
    ("Staff recieve a badge.", "Staff receive a badge."),
    ("See section 4.2 for details.", "See section 4.3 for details."),
    ("The chair, 5 members and 2 guests vote.", "The chair, 5 members, and 2 guests vote."),
    ("Managers approve what staff ask for.", "Managers approve the requests of staff."),
]
MOVED = [
    ("An employee may carry over at most 5 leave days.", "An employee may carry over at most 8 leave days.", "5", "8"),
    ("Notice is 2 weeks.", "Notice is 2 months.", "2 weeks", "2 months"),
    ("Notice is 2 weeks.", "Notice is one month.", "2 weeks", "one month"),
    ("The fee is £20.", "The fee is €20.", "£20", "€20"),
    ("The fee is £20.", "The fee is £20 a month.", "", "a month"),
    ("It is 7.5 hours.", "It is 7.6 hours.", "7.5 hours", "7.6 hours"),
    ("Interest is 3%.", "Interest is 3.", "3%", "3"),
    ("It closes at 17:00.", "It closes at 18:00.", "17:00", "18:00"),
    ("It is due on 31 March 2025.", "It is due on 31 March 2026.", "31 March 2025", "31 March 2026"),
    ("It is due on 2025-03-31.", "It is due on 2025-04-30.", "2025-03-31", "2025-04-30"),
    ("It meets on Monday.", "It meets on Tuesday.", "Monday", "Tuesday"),
    ("Staff must sign.", "Staff should sign.", "must", "should"),
    ("Staff must sign.", "Staff must not sign.", "must", "must not"),
    ("Staff need not sign.", "Staff must sign.", "need not", "must"),
    ("Training is optional.", "Training is mandatory.", "optional", "mandatory"),
    ("Tests are not shown.", "Tests are shown.", "are not shown", "are shown"),
    ("Nobody may enter.", "Everybody may enter.", "Nobody", "Everybody"),
    ("The leave is paid.", "The leave is unpaid.", "paid", "unpaid"),
    ("Prices include tax.", "Prices exclude tax.", "include", "exclude"),
    ("At least 5 days are paid.", "At most 5 days are paid.", "At least", "At most"),
    ("Managers alone sign.", "Only managers sign.", "", "Only"),
    ("It is due before the visit.", "It is due after the visit.", "before", "after"),
    ("The line manager signs.", "The senior manager signs.", "line manager", "senior manager"),
    ("The line manager signs.", "The department head signs.", "line manager", "department head"),
    ("The CFO signs.", "The CEO signs.", "CFO", "CEO"),
    ("The employee pays.", "The employer pays.", "employee", "employer"),
    ("The office in Leeds is open.", "The office in York is open.", "Leeds", "York"),
    ("It follows HR-008 strictly.", "It follows HR-009 strictly.", "HR-008", "HR-009"),
    ("Write to hr@firm.example.", "Write to it@firm.example.", "hr@firm.example", "it@firm.example"),
    ("The first warning counts.", "The last warning counts.", "first", "last"),
]


@pytest.mark.parametrize(("was", "now"), SAME)
def test_what_is_said_in_other_words_moves_no_fact(was: str, now: str) -> None:
    for one, other in ((was, now), (now, was)):
        assert list(Compared(one, other).facts()) == []


@pytest.mark.parametrize(("was", "now", "old", "new"), MOVED)
def test_a_fact_that_moved_is_told_once_in_its_own_words(was: str, now: str, old: str, new: str) -> None:
    for one, other, before, after in ((was, now, old, new), (now, was, new, old)):
        (fact,) = Compared(one, other).facts()
        assert before in fact.old and after in fact.new and bool(before) == bool(fact.old)


def test_a_name_at_the_beginning_is_known_from_elsewhere() -> None:
    old, new = "Leeds staff keep days.", "York staff keep days."
    assert not [fact for fact in Compared(old, new).facts() if fact.kind == "name"]
    (fact,) = Compared(old, new, Usage(frozenset({"Leeds", "York"}))).facts()
    assert (fact.kind, fact.old, fact.new) == ("name", "Leeds", "York")


def test_two_numbers_that_change_places_moved() -> None:
    found = list(
        Compared("Sick pay is 5 days and leave is 10 days.", "Sick pay is 10 days and leave is 5 days.").facts()
    )
    assert [(fact.old, fact.new) for fact in found] == [("5 days", "10 days"), ("10 days", "5 days")]


@pytest.mark.parametrize(
    ("was", "now", "subject"),
    [
        ("An employee may carry over 5 days.", "An employee may carry over 8 days.", "employee may carry"),
        ("Your manager approves or declines it.", "Your director approves or declines it.", "approves or declines"),
        ("Then staff may leave the site.", "Then staff must leave the site.", "staff … leave the site"),
        (
            "Settlement agreements with employees are approved by the head up to £20.",
            "Settlement agreements with employees are approved by the head up to £30.",
            "Settlement agreements with employees are approved by the head",
        ),
    ],
)  # fmt: skip
def test_it_says_what_it_is_about(was: str, now: str, subject: str) -> None:
    (fact,) = Compared(was, now).facts()
    assert fact.subject == subject


# --- items, rows, definitions ----------------------------------------------------------------------------------------

LIST = "Never allowed are:\n\n- gambling;\n- data of {};\n- mining.\n\nAllowed are:\n\n- music.{}\n"
TABLE = "| Award | After | Note |\n|---|---|---|\n| Watch | 25 years | with a lunch |\n| Bonus | 5 years | {} |\n"


def told(old: str, new: str, media_type: str = "text/markdown") -> list[tuple[str, str, str, str]]:
    return [(fact.kind, fact.subject, fact.old, fact.new) for fact in facts(old, new, media_type)]


def test_an_item_of_a_list_is_a_fact_whatever_it_says() -> None:
    assert told(LIST.format("children", ""), LIST.format("pensioners", "")) == [
        ("item", "Never allowed are:", "data of children", "data of pensioners")
    ]
    assert told(LIST.format("children", ""), LIST.format("childern", "")) == []


def test_an_item_that_changes_lists_is_told() -> None:
    moved = LIST.format("children", "\n- gambling;").replace("- gambling;\n", "", 1)
    assert told(LIST.format("children", ""), moved) == [("item", "gambling;", "Never allowed are:", "Allowed are:")]


def test_a_row_that_changes_tables_is_told() -> None:
    one = "| Allowed | Up to |\n|---|---|\n| Books | £40 |\n| Wine | £20 |\n"
    other = "\n\nNext.\n\n| Not allowed | Since |\n|---|---|\n| Cash | 2020 |\n"
    moved = one.replace("| Wine | £20 |\n", "") + other + "| Wine | £20 |\n"
    assert told(one + other, moved) == [
        ("item", "Wine; £20", "| Allowed | Up to |", "| Not allowed | Since |"),
    ]


def test_a_name_is_no_misspelling_of_another() -> None:
    text = "Ask Clara about it. The office of Martin is open.\n"
    assert [fact[2:] for fact in told(text, text.replace("Martin", "Martyn"))] == [("Martin", "Martyn")]
    assert [fact[2:] for fact in told(text, text.replace("Clara", "Carla"))] == [("Clara", "Carla")]


def test_a_list_that_moves_with_its_lead_in_or_is_led_in_otherwise_does_not() -> None:
    first, second = LIST.format("children", "").split("\n\nAllowed are:")
    assert told(f"{first}\n\nAllowed are:{second}", f"Allowed are:{second}\n\n{first}\n") == []
    assert (
        told(LIST.format("x", ""), LIST.format("x", "").replace("Never allowed are:", "These are never allowed:")) == []
    )


def test_a_cell_is_a_fact_named_by_its_row_and_column() -> None:
    assert told(TABLE.format("in gold"), TABLE.format("in cash")) == [("cell", "Bonus, Note", "in gold", "in cash")]
    assert told(TABLE.format("in gold"), TABLE.format("in gold").replace("5 years |", "6 years |", 2)) == [
        ("duration", "Watch, After", "25 years", "26 years"),
        ("duration", "Bonus, After", "5 years", "6 years"),
    ]


def test_a_record_of_a_sheet_is_a_row() -> None:
    text = "- Record: Access logs; For: Sign-ins, badges; Kept: 12 months\n- Record: Mail; For: Staff; Kept: 3 years\n"
    assert told(text, text.replace("12", "18"), "text/csv") == [
        ("duration", "Access logs, Kept", "12 months", "18 months")
    ]
    assert told(text, text.replace("; Kept: 3 years", ""), "text/csv") == [("duration", "Mail, Kept", "3 years", "")]


def test_columns_are_compared_by_their_names() -> None:
    moved = (
        "| Award | Note | After |\n|---|---|---|\n| Watch | with a lunch | 25 years |\n| Bonus | in gold | 5 years |\n"
    )
    assert told(TABLE.format("in gold"), moved) == []
    fewer = "| Award | After |\n|---|---|\n| Watch | 25 years |\n| Bonus | 5 years |\n"
    assert told(TABLE.format("in gold"), fewer) == [
        ("cell", "Watch, Note", "with a lunch", ""),
        ("cell", "Bonus, Note", "in gold", ""),
    ]


def test_a_limit_in_a_table_s_header_is_a_fact() -> None:
    header = TABLE.replace("After", "Up to")
    assert [fact[2:] for fact in told(header.format("x"), header.format("x").replace("Up to", "Above"))] == [
        ("Up to", "Above")
    ]


def test_a_row_that_is_new_or_gone_is_told() -> None:
    longer = TABLE.format("in gold") + "| Car | 40 years | red |\n"
    assert told(TABLE.format("in gold"), longer) == [("item", "Title", "", "Car; 40 years; red")]
    assert told(longer, TABLE.format("in gold")) == [("item", "Title", "Car; 40 years; red", "")]


def test_a_new_sentence_is_a_fact_if_it_states_one() -> None:
    text = "# Leave\n\nStaff ask their manager.\n"
    assert told(text, f"{text}\nThank you for reading this page.\n") == []
    assert told(text, f"{text}\nStaff must answer within 3 days.\n") == [
        ("statement", "Title", "", "Staff must answer within 3 days.")
    ]


def test_sentences_that_moved_parted_or_joined_are_no_change() -> None:
    one = "Leave is 5 days. Ask early.\n\nForms are kept for 3 years.\n\nKeys are lent for 9 days. A loss costs £5.\n"
    other = (
        "Forms are kept\nfor 3 years.\n\nKeys are lent for 9 days; a loss costs £5.\n\nAsk early. Leave is 5 days.\n"
    )
    assert told(one, other) == told(other, one) == []


def test_a_heading_s_number_is_none() -> None:
    text = "## 4.1 Notice\n\nAsk early.\n"
    assert told(text, text.replace("4.1 Notice", "5.1 Periods of notice")) == []
    assert [
        fact[2:] for fact in told(text.replace("Notice", "Notice: 5 days"), text.replace("Notice", "Notice: 8 days"))
    ] == [("5 days", "8 days")]


def test_a_fact_has_the_sentences_and_their_place() -> None:
    (fact,) = facts("Leave is 5 days.\n", "Leave is 8 days.\n")
    assert (fact.was, fact.now, fact.place.headings, fact.source) == (
        "Leave is 5 days.",
        "Leave is 8 days.",
        ("Title",),
        "d.md",
    )


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["5 ", "a ", "£5 and 7 km, ", "may not ", "1.", "31 March 2025 ", "Ab ", "x-y-"])
def test_a_long_sentence_takes_no_square_of_the_time(word: str) -> None:
    began = time.thread_time()
    tokenise((word * 6_000)[:6_000])
    list(Compared((word * 6_000)[:6_000], f"no {word * 6_000}"[:5_000]).facts())
    assert time.thread_time() - began < 1


def test_thousands_of_other_sentences_are_not_compared_in_pairs() -> None:
    old = "\n\n".join(f"Rule {n} says that office {n} pays {n} euros to staff." for n in range(1_500))
    new = "\n\n".join(f"Rule {n} states that branch {n} owes {n + 1} euros to people." for n in range(1_500))
    began = time.thread_time()
    assert len(facts(old, new)) >= 1_500
    assert time.thread_time() - began < 20
