"""What a text states in numbers, dates and duties: examples, spans that hold, and time in proportion."""

from __future__ import annotations

import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.text.quantities import DUTIES, duties, numbers, numerals, quantities, read_duties

EXAMPLES = {
    "5 days and ten days": [("duration", "5", "day"), ("duration", "10", "day")],
    "2 further working days": [("duration", "2", "working day")],
    "10 calendar days, a 5-day week": [("duration", "10", "day"), ("duration", "5", "day")],
    "£1,250.00 or GBP 1250": [("amount", "1250", "pound"), ("amount", "1250", "pound")],
    "£5m, € 5 million, $0.5bn": [
        ("amount", "5000000", "pound"),
        ("amount", "5000000", "euro"),
        ("amount", "500000000", "dollar"),
    ],
    "20 euros and 5m away": [("amount", "20", "euro"), ("number", "5", "")],
    "5%, 5 per cent, five percent": [("percent", "5", "percent")] * 3,
    "on 31 March 2025 or March 31st, 2025": [("date", "2025-03-31", "")] * 2,
    "by 2025-03-31, by 31 March, by 1st of May": [
        ("date", "2025-03-31", ""),
        ("date", "--03-31", ""),
        ("date", "--05-01", ""),
    ],
    "in April 20 days may be taken": [("date", "--04", ""), ("duration", "20", "day")],
    "You may go in May 2025. May you go? They march on Mondays.": [("date", "2025-05", ""), ("date", "monday", "")],
    "at 17:00, at 5 p.m. or 9am": [("time", "17:00", ""), ("time", "17:00", ""), ("time", "09:00", "")],
    "monthly, each month, every month": [("frequency", "1", "month")] * 3,
    "twenty-five, two hundred, 1.500": [("number", "25", ""), ("number", "200", ""), ("number", "1.500", "")],
    "thirty one-day courses": [("number", "30", ""), ("duration", "1", "day")],
    # What only names or orders is no quantity.
    "4. Carry-over\n2.1 Notice\n(3) Leave\n## 5.3 Gifts\n1) Ask": [],
    "the first form, the 2nd warning, a second time, once you leave": [],
    "Section 3.2, clauses 4 and 5, level 3, version 2.0, page 7, step 2": [],
    "HR-001, SEV1, B4, ISO 27001, No. 7": [],
}
RATES = {
    "£15 a month": "month",
    "5 days per employee": "employee",
    "3 days in any year": "year",
    "£5 an item": "",
    "7 a row": "",
}
SAID = {
    "Staff must sign. Staff have to sign. Staff shall sign.": ["must"] * 3,
    "You may not, can't, cannot, must never; it is not permitted to": ["must not"] * 5,
    "You may, can, are allowed to": ["may"] * 3,
    "need not, doesn't have to, is not required to": ["need not"] * 3,
    "should, ought to, should not, shouldn’t": ["should", "should", "should not", "should not"],
    "at most, no more than, up to": ["at most"] * 3,
    "at least, no fewer than, a minimum of": ["at least"] * 3,
    "it isn't, they do not, not": ["not"] * 3,
    "it is not more than 5": ["at most"],
    "over £5 and all over town": ["above", "every"],
    "No one, nobody; never; only; unless": ["nobody", "nobody", "never", "only", "unless"],
    "Mustard cannotes the mayor.": [],
}
PARTS = """5 1,250 £ % days a month twenty five-day first 31 March may not at least . 17:00 - k £5m é 2025-01-01"""
WORDS = st.lists(st.sampled_from([*PARTS.split(" "), "\n"])).map(" ".join)
LONG = ("5 ", "£5m ", "a ", "may not ", "1.", "31 March ", "5 working ", "is not ", "1,", "-", "no ")


@pytest.mark.parametrize("text", EXAMPLES)
def test_what_counts_is_read_in_one_spelling(text: str) -> None:
    assert [(one.kind, one.value, one.unit) for one in quantities(text)] == EXAMPLES[text]


@pytest.mark.parametrize("text", RATES)
def test_a_rate_is_a_part_of_what_it_is_of(text: str) -> None:
    (found,) = quantities(text)
    assert found.per == RATES[text] and text[found.start : found.end] == (text if found.per else text[: found.end])


@pytest.mark.parametrize("text", SAID)
def test_what_is_said_in_two_ways_is_one_duty(text: str) -> None:
    assert [duty.modality for duty in duties(text)] == SAID[text]


@pytest.mark.parametrize(
    "row", tomllib.loads(DUTIES.read_text(encoding="utf-8"))["duties"], ids=lambda row: row["name"]
)
def test_a_duty_is_read_in_its_example(row: dict[str, str]) -> None:
    assert [duty.modality for duty in duties(row["example"])] == [row["name"]]


def test_units_of_one_sort_are_comparable() -> None:
    two_weeks, days, years, months, working = quantities("2 weeks, 14 days, 1 year, 12 months, 2 working weeks")
    assert two_weeks.measured == days.measured == ("14", "day") and years.measured == months.measured == ("12", "month")
    assert working.measured == ("14", "working day")


def test_numerals_are_all_numbers_whatever_they_are_for() -> None:
    assert numbers("4. See section 3.2 of HR-001, the first time, £5m") == {"4", "3.2", "001", "1", "5000000"}
    assert numbers("£1,250.00, twenty-five, two hundred and 10:30") == {"1250", "25", "200", "10:30"}


@settings(deadline=None)
@given(st.one_of(WORDS, st.text()))
def test_spans_are_in_order_and_never_overlap(text: str) -> None:
    for found in (quantities(text), duties(text), tuple(numerals(text))):
        ends = [0, *(one.end for one in found)]
        assert all(end <= one.start < one.end <= len(text) for end, one in zip(ends, found, strict=False))
    assert all(duty.modality in read_duties()[1] for duty in duties(text))


@pytest.mark.parametrize("word", LONG)
def test_time_grows_with_the_text_and_no_faster(word: str) -> None:
    def seconds(size: int) -> float:
        text = (word * size)[:size]
        began = time.thread_time()
        quantities(text), duties(text)
        return time.thread_time() - began

    assert min(seconds(40_000) for _ in range(2)) < 12 * max(min(seconds(10_000) for _ in range(2)), 0.005)
