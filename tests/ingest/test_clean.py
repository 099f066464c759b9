"""Test that what a reader cannot see is taken out, and that all else stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.clean import describe, scrub


@pytest.mark.parametrize(
    ("text", "expected", "reasons"),
    [
        ("plain text\n\twith a tab", "plain text\n\twith a tab", []),
        ("nul \x00 and surrogate \ud800", "nul \ufffd and surrogate \ufffd", ["control"]),
        ("bell\x07 del\x7f c1\x85\x9f", "bell del c1", ["control"]),
        ("\x1b[31mred\x1b[0m", "red", ["control"]),
        ("\x9b31mred", "red", ["control"]),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link", ["control"]),
        ("\x1b]52;c;aGVsbG8=\x07after", "after", ["control"]),
        ("lone\x1b", "lone", ["control"]),
        ("tag\U000e0069\U000e0067\U000e006e", "tag", ["invisible"]),
        ("zero\u200bwidth\u2060 \ufeffjoin", "zerowidth join", ["invisible"]),
        ("a\u200db", "ab", ["invisible"]),
        ("smuggled\ufe01\ufe02\U000e0150", "smuggled", ["invisible"]),
        ("\u202eevil\u202c \u2066x\u2069", "evil x", ["bidi"]),
        ("mark\u200e", "mark", ["invisible"]),
        ("\u05e9\u05dc\u05d5\u05dd\u200f!", "\u05e9\u05dc\u05d5\u05dd!", ["invisible"]),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u062e\u0648", ["invisible"]),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469", ["invisible"]),
        ("\u2764\ufe0f 1\ufe0f a\ufe0e", "\u2764 1 a", []),
        ("cafe\u0301", "caf\u00e9", []),
        ("soft\u00adhyphen", "softhyphen", []),
        ("no\u00a0break\u2009thin", "no break thin", []),
        ("\ufeffmark of order", "mark of order", []),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd", []),
        ("\u201cquotes\u201d \u2013 kept\u2019s", "\u201cquotes\u201d \u2013 kept\u2019s", []),
    ],
)
def test_table(text: str, expected: str, reasons: list[str]) -> None:
    cleaned, counts = scrub(text)
    flags = describe(counts)
    assert cleaned == expected
    assert [reason for reason, _ in flags] == reasons


def test_flag_says_how_many_and_which() -> None:
    assert describe(scrub("a\u200bb\u200b\u2060")[1]) == (
        ("invisible", "3 invisible characters removed or replaced (U+200B, U+2060)"),
    )


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        st.one_of(st.characters(), st.sampled_from("\x1b\x9b[]\x07\u200d\u202e\ufe0f\U000e0041 a\u0627")), max_size=40
    )
)
def test_nothing_dangerous_is_left(text: str) -> None:
    cleaned, _ = scrub(text)
    assert scrub(cleaned)[0] == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    cleaned.encode("utf-8")
    for char in cleaned:
        assert char in "\n\t" or unicodedata.category(char) != "Cc"
        assert not (0xE0000 <= ord(char) <= 0xE0FFF or 0x200B <= ord(char) <= 0x200F or 0xFE00 <= ord(char) <= 0xFE0F)
        assert not (0x202A <= ord(char) <= 0x202E or 0x2066 <= ord(char) <= 0x2069)
