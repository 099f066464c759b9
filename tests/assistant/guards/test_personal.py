"""Personal data is found where it stands, and nothing that only looks like it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.guards import Context, Span
from assistant.guards.personal import Personal, personal_spans
from assistant.guards.run import mask


def masked(text: str) -> str:
    return mask(text, personal_spans(text))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Write to jo.bloggs+hr@mail.example.org.", "Write to [e-mail removed]."),
        ("(jo@example.org)", "([e-mail removed])"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [IBAN removed] please"),
        ("IBAN GB29NWBK60161331926819.", "IBAN [IBAN removed]."),
        ("card 4111-1111-1111-1111, ok", "card [card number removed], ok"),
        ("4111 1111 1111 1111 10.0.0.1", "[card number removed] [IP address removed]"),
        ("10.0.0.1 4111 1111 1111 1111", "[IP address removed] [card number removed]"),
        ("bay 12 4111 1111 1111 1111", "bay 12 [card number removed]"),
        ("card 378282246310005", "card [card number removed]"),
        ("call +44 20 7946 0958 now", "call [phone number removed] now"),
        ("Tel: 0151 2345678", "Tel: [phone number removed]"),
        ("(202) 555-0143 is mine", "[phone number removed] is mine"),
        ("Phone: 60-56-85-91", "Phone: [phone number removed]"),
        ("SSN 536-90-4399", "SSN [social security number removed]"),
        ("from 192.168.10.4 and 2001:db8::17", "from [IP address removed] and [IP address removed]"),
        ("DNI 54362315-K", "DNI [identity number removed]"),
        ("BSN 111222333", "BSN [citizen number removed]"),
        ("CPF 390.533.447-05", "CPF [tax number removed]"),
    ],
)
def test_personal_data_is_masked(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "IBAN DE88 3704 0044 0532 0130 00 has a wrong sum",
        "card 4111 1111 1111 1112 has a wrong sum",
        "Version 1.2.3.4567 of 2024-05-03 12:20:39, order 20240503, page 12-14",
        "Sections 3.1.4.1.5 and 10.2",
        "From 1 January 2023 to 31 December 2024 it is 1,200,000.50 euros.",
        "on 03/04/2024 at 10:15:30",
        "Form 123456789 and invoice 987654321",
        "Meet me at 2450 12 Crown Street",
        "a@b, @handle, user@localhost",
        "The range is 1000 - 2000 and 0.5 to 0.75",
        "ISBN 978-3-16-148410-0",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert masked(text) == text


def test_a_cited_contact_is_no_leak_but_an_account_is() -> None:
    text = "Ask help@example.org or +44 20 7946 0958; pay to GB29NWBK60161331926819; not to x@example.org."
    found = Personal().check(Context(text, "output", sources=(text.replace(" not to x@example.org.", ""),)))
    assert found is not None and [text[s.start : s.end] for s in found.spans] == [
        "GB29NWBK60161331926819",
        "x@example.org",
    ]


PARTS = st.sampled_from(
    [
        "a@b.example",
        "GB29NWBK60161331926819",
        "4111 1111 1111 1111",
        "+44 20 7946 0958",
        "10.0.0.1",
        "word",
        "é😀",
        "\n",
    ]
)


@given(st.lists(st.one_of(PARTS, st.text(max_size=12)), max_size=12).map(" ".join))
def test_spans_lie_in_order_inside_the_text_and_masking_is_done_at_once(text: str) -> None:
    spans = personal_spans(text)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert not personal_spans(mask(text, spans)) or masked(masked(text)) == masked(text)


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["x", "y"])), max_size=6),
)
def test_masking_takes_out_what_the_spans_hold_and_keeps_the_rest(text: str, raw: list[tuple[int, int, str]]) -> None:
    spans = [Span(min(a, b), max(a, b), k) for a, b, k in raw if max(a, b) <= len(text) and a != b]
    kept = "".join(c for i, c in enumerate(text) if not any(s.start <= i < s.end for s in spans))
    said = mask(text, spans)
    if "[" not in text:
        assert said.replace("[x removed]", "").replace("[y removed]", "") == kept
