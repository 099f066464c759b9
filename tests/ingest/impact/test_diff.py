"""How two texts differ: which spans, of what type, and how grave that is."""

from __future__ import annotations

import time

import pytest

from ingest.impact.diff import WordUses, severity, tokens, word_diff
from tests.ingest.impact.pages import spans, text_changes

NOTHING_KNOWN = WordUses()
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
    ("See level 3.", "See level 4."),
    ("4. Ask early.", "5. Ask early."),
    ("Leave is 2 weeks.", "Leave is 14 days."),
    ("See section 4.2 for details.", "See section 4.3 for details."),
    ("The chair, 5 members and 2 guests vote.", "The chair, 5 members, and 2 guests vote."),
    ("Managers approve what staff ask for.", "Managers approve the requests of staff."),
]
MOVED = [
    ("An employee may carry over at most 5 leave days.", "An employee may carry over at most 8 leave days.", "number"),
    ("Notice is 2 weeks.", "Notice is 2 months.", "duration"),
    ("Notice is 2 weeks.", "Notice is one month.", "duration"),
    ("Reports are due each month.", "Reports are due each week.", "frequency"),
    ("The fee is £20.", "The fee is €20.", "amount"),
    ("The fee is £20.", "The fee is £20 a month.", "amount"),
    ("It is 7.5 hours.", "It is 7.6 hours.", "duration"),
    ("Interest is 3%.", "Interest is 3.", "percent"),
    ("It closes at 17:00.", "It closes at 18:00.", "time"),
    ("It is due on 31 March 2025.", "It is due on 31 March 2026.", "date"),
    ("It is due on 2025-03-31.", "It is due on 2025-04-30.", "date"),
    ("It meets on Monday.", "It meets on Tuesday.", "date"),
    ("Staff must sign.", "Staff should sign.", "duty"),
    ("Staff must sign.", "Staff must not sign.", "duty"),
    ("Staff need not sign.", "Staff must sign.", "duty"),
    ("Training is optional.", "Training is mandatory.", "duty"),
    ("Tests are not shown.", "Tests are shown.", "duty"),
    ("Nobody may enter.", "Everybody may enter.", "duty"),
    ("The leave is paid.", "The leave is unpaid.", "duty"),
    ("At least 5 days are paid.", "At most 5 days are paid.", "duty"),
    ("Managers alone sign.", "Only managers sign.", "duty"),
    ("It is due before the visit.", "It is due after the visit.", "duty"),
    ("The office in Leeds is open.", "The office in York is open.", "term"),
    ("The CFO signs.", "The CEO signs.", "term"),
    ("It follows HR-008 strictly.", "It follows HR-009 strictly.", "term"),
    ("Write to hr@firm.example.", "Write to it@firm.example.", "term"),
    ("An employee may go. The employee pays.", "An employer may go. The employer pays.", "audience"),
    ("Prices include tax.", "Prices exclude tax.", "text"),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_what_is_said_in_other_words_is_minor(old: str, new: str) -> None:
    for one, other in ((old, new), (new, old)):
        edits = word_diff(one, other, WordUses.of(one, other))
        assert severity(edits) == "minor" and any(edit.op != "equal" for edit in edits)


@pytest.mark.parametrize(("old", "new", "kind"), MOVED)
def test_a_span_that_changed_has_its_type(old: str, new: str, kind: str) -> None:
    for one, other in ((old, new), (new, old)):
        edits = word_diff(one, other, WordUses.of(one, other))
        assert kind in {edit.type for edit in edits if edit.op != "equal"}
        grave = {"term": "moderate", "audience": "moderate", "text": "minor"}.get(kind, "major")
        assert severity(edits) == grave


@pytest.mark.parametrize(("old", "new"), [*SAME, *(pair[:2] for pair in MOVED)])
def test_the_edits_are_all_of_both_texts(old: str, new: str) -> None:
    edits = word_diff(old, new, NOTHING_KNOWN)
    assert " ".join(edit.old for edit in edits if edit.old) == old
    assert " ".join(edit.new for edit in edits if edit.new) == new
    for edit in edits:
        assert edit.op == ("equal" if edit.old == edit.new else edit.op) and (edit.old or edit.new)
        assert (edit.op == "insert") == (not edit.old) and (edit.op == "delete") == (not edit.new)


def test_two_numbers_that_change_places_changed() -> None:
    edits = word_diff(
        "Sick pay is 5 days and leave is 10 days.", "Sick pay is 10 days and leave is 5 days.", NOTHING_KNOWN
    )
    assert [(edit.type, edit.old, edit.new) for edit in edits if edit.op != "equal"] == [
        ("duration", "5 days", "10 days"),
        ("duration", "10 days.", "5 days."),
    ]


def test_a_negation_that_moved_to_another_verb_is_no_mere_move() -> None:
    edits = word_diff("It is not open and it is free today.", "It is open and it is not free today.", NOTHING_KNOWN)
    assert severity(edits) == "major"


# --- items, rows, definitions ----------------------------------------------------------------------------------------

LIST = "Never allowed are:\n\n- gambling;\n- data of {};\n- mining.\n\nAllowed are:\n\n- music.{}\n"
TABLE = "| Award | After | Note |\n|---|---|---|\n| Watch | 25 years | with a lunch |\n| Bonus | 5 years | {} |\n"


def grave(old: str, new: str, media_type: str = "text/markdown") -> list[tuple[str, str]]:
    """Return the kind and the severity of what changed by more than its wording."""
    return [(text.kind, text.severity) for text in text_changes(old, new, media_type) if text.severity != "minor"]


def test_an_item_that_is_new_or_gone_is_moderate_whatever_it_says() -> None:
    longer = LIST.format("children", "\n- chess.")
    assert grave(LIST.format("children", ""), longer) == [("item", "moderate")]
    assert grave(longer, LIST.format("children", "")) == [("item", "moderate")]
    assert grave(LIST.format("children", ""), LIST.format("childern", "")) == []


def test_an_item_that_changes_lists_is_told_with_its_lead_in() -> None:
    moved = LIST.format("children", "\n- gambling;").replace("- gambling;\n", "", 1)
    (text,) = text_changes(LIST.format("children", ""), moved)
    assert (text.old, text.new, text.severity) == ("Never allowed are: gambling;", "Allowed are: gambling;", "major")


def test_a_row_that_changes_tables_is_told_with_its_header() -> None:
    one = "| Allowed | Up to |\n|---|---|\n| Books | £40 |\n| Wine | £20 |\n"
    other = "\n\nNext.\n\n| Not allowed | Since |\n|---|---|\n| Cash | 2020 |\n"
    moved = one.replace("| Wine | £20 |\n", "") + other + "| Wine | £20 |\n"
    (text,) = text_changes(one + other, moved)
    assert (text.kind, text.severity) == ("row", "major")


def test_a_list_that_moves_with_its_lead_in_or_is_led_in_otherwise_does_not() -> None:
    first, second = LIST.format("children", "").split("\n\nAllowed are:")
    assert grave(f"{first}\n\nAllowed are:{second}", f"Allowed are:{second}\n\n{first}\n") == []
    assert (
        grave(LIST.format("x", ""), LIST.format("x", "").replace("Never allowed are:", "These are never allowed:"))
        == []
    )


def test_a_cell_is_told_with_its_row() -> None:
    (text,) = text_changes(TABLE.format("in gold"), TABLE.format("in cash"))
    assert spans(text) == [("text", "gold |", "cash |")] and text.new == "| Bonus | 5 years | in cash |"
    longer = TABLE.format("in gold").replace("5 years |", "6 years |", 2)
    assert spans(*text_changes(TABLE.format("in gold"), longer)) == [
        ("duration", "25 years |", "26 years |"),
        ("duration", "5 years |", "6 years |"),
    ]


def test_a_record_of_a_sheet_is_a_row() -> None:
    text = "- Record: Access logs; For: Sign-ins, badges; Kept: 12 months\n- Record: Mail; For: Staff; Kept: 3 years\n"
    assert spans(*text_changes(text, text.replace("12", "18"), "text/csv")) == [("duration", "12 months", "18 months")]
    assert grave(text, text.replace("; Kept: 3 years", ""), "text/csv") == [("row", "major")]


def test_a_row_that_is_new_or_gone_is_told() -> None:
    longer = TABLE.format("in gold") + "| Car | 40 years | red |\n"
    assert grave(TABLE.format("in gold"), longer) == grave(longer, TABLE.format("in gold")) == [("row", "major")]


def test_a_new_sentence_is_as_grave_as_what_it_states() -> None:
    text = "# Leave\n\nStaff ask their manager.\n"
    assert grave(text, f"{text}\nThank you for reading this page.\n") == []
    (new,) = text_changes(text, f"{text}\nStaff must answer within 3 days.\n")
    assert (new.severity, [edit.op for edit in new.edits]) == ("major", ["insert"])


def test_sentences_that_moved_parted_or_joined_are_minor() -> None:
    one = "Leave is 5 days. Ask early.\n\nForms are kept for 3 years.\n\nKeys are lent for 9 days. A loss costs £5.\n"
    other = (
        "Forms are kept\nfor 3 years.\n\nKeys are lent for 9 days; a loss costs £5.\n\nAsk early. Leave is 5 days.\n"
    )
    assert grave(one, other) == grave(other, one) == []


def test_a_heading_s_number_is_none() -> None:
    text = "## 4.1 Notice\n\nAsk early.\n"
    assert grave(text, text.replace("4.1 Notice", "5.1 Periods of notice")) == []
    said = text.replace("Notice", "Notice: 5 days")
    assert grave(said, said.replace("5 days", "8 days")) == [("heading", "major")]


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["5 ", "a ", "£5 and 7 km, ", "may not ", "1.", "31 March 2025 ", "Ab ", "x-y-", "@ "])
def test_a_long_sentence_takes_no_square_of_the_time(word: str) -> None:
    began = time.thread_time()
    tokens((word * 6_000)[:6_000], NOTHING_KNOWN)
    word_diff((word * 6_000)[:6_000], f"no {word * 6_000}"[:5_000], NOTHING_KNOWN)
    assert time.thread_time() - began < 1


def test_thousands_of_other_sentences_are_not_compared_in_pairs() -> None:
    old = "\n\n".join(f"Rule {n} says that office {n} pays {n} euros to staff." for n in range(1_500))
    new = "\n\n".join(f"Rule {n} states that branch {n} owes {n + 1} euros to people." for n in range(1_500))
    began = time.thread_time()
    assert len(text_changes(old, new)) >= 1_500
    assert time.thread_time() - began < 20
