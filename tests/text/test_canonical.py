from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.contract import dumps
from assistant.text.canonical import blocks, cells, printable, sentences
from assistant.text.units import units

LINES = st.sampled_from(
    [
        "# Heading",
        "## Deeper",
        "A sentence. Another one!",
        "- an item",
        "  - nested. Twice.",
        "1. first",
        "| a | b |",
        "|---|---|",
        "| 1 | 2 |",
        "    code",
        "",
        "",
        "e.g. this is No. 5 of it.",
        "   ",
        "Ünïcode — dash…",
        "#nospace",
    ]
)
TEXTS = st.lists(LINES, max_size=25).map("\n".join) | st.text(max_size=200)


@given(TEXTS)
def test_blocks_are_ordered_disjoint_and_hold_every_word(text: str) -> None:
    found = list(blocks(text))
    at = 0
    for block in found:
        assert at <= block.start < block.end <= len(text)
        assert not text[at : block.start].strip()
        at = block.end
    assert not text[at:].strip()


@given(TEXTS)
def test_units_are_ordered_and_stripped_and_their_leads_precede_them(text: str) -> None:
    at = 0
    for unit in units(text):
        assert at <= unit.start < unit.end <= len(text)
        assert text[unit.start : unit.end] == text[unit.start : unit.end].strip()
        assert unit.lead is None or unit.lead[0] < unit.lead[1] <= unit.start
        at = unit.end


@given(st.text(max_size=300))
def test_sentences_lose_nothing_but_white_space(text: str) -> None:
    spans = sentences(text, 0, len(text))
    assert "".join("".join(text[s:e].split()) for s, e in spans) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("See e.g. the annex. It helps.", ["See e.g. the annex.", "It helps."]),
        ("Ask Dr. Smith. She knows.", ["Ask Dr. Smith.", "She knows."]),
        ("Up to 1.5 days. More needs approval.", ["Up to 1.5 days.", "More needs approval."]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("It is in the U.S. and Canada. Not elsewhere.", ["It is in the U.S. and Canada.", "Not elsewhere."]),
        ("Go first class.[1] Others may not.¹ Ask.", ["Go first class.[1]", "Others may not.¹", "Ask."]),
        ("See section 4. 2 applies.", ["See section 4.", "2 applies."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[s:e] for s, e in sentences(text, 0, len(text))] == expected


def test_cells() -> None:
    assert cells(r"| a | b \| c |  |") == ["a", "b | c", ""]


def unseen() -> list[str]:
    """List controls, and what formats or separates and shows nothing; joiners are left out, which words need."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    shown = [range(0x600, 0x606), [0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD], range(0x13430, 0x13460)]
    left_out = {"\n", "\u200c", "\u200d", *(chr(c) for some in shown for c in some)}
    return [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in kinds and c not in left_out]


def test_nothing_unseen_is_printed_or_written_as_it_is() -> None:
    assert {"\u00ad", "\u061c"} < set(unseen())
    assert [hex(ord(c)) for c in unseen() if c in printable(f"a{c}b")] == []
    assert [hex(ord(c)) for c in unseen() if c in dumps(c) or json.loads(dumps(c)) != c] == []


@given(st.text())
def test_printable_leaves_nothing_that_steers_a_terminal(text: str) -> None:
    shown = printable(text)
    assert not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown)
    shown.encode("utf-8")
