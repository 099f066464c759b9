"""Remove what a reader cannot see, and what a terminal would obey, from text before offsets are counted.

`clean` is for strings; `scrub` and `describe` are its halves, for readers that clean piece by piece and report once;
`mend` is for markup that is yet to be parsed.
Flag reasons: `control` (C0, C1, escape sequences, NUL, lone surrogates), `invisible` (zero-width and tag characters,
stray joiners and variation selectors), `bidi` (overrides, embeddings and isolates). Silent: a leading BOM, soft
hyphens, Unicode spaces -> space, CRLF -> LF, NFC, and direction marks in text that does run right to left.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

Counts = Counter[tuple[str, str]]  # (reason, "U+XXXX" or "ESC") -> how many

# CSI; OSC, DCS, SOS, PM and APC strings; two-byte escapes. A string without its end, or in which another begins (which
# ends it for a terminal too), loses only its introducer.
_ESCAPE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]{0,4096}+(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]{0,8}[0-~]"
    "|\x1b"
)
_REPLACED = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARKS = re.compile("[\u200e\u200f\u061c]")
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_JOINER = re.compile("[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LINES = re.compile("\r\n?|\u2028|\u2029")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Marks on one character beyond the 30 of Unicode's Stream-Safe Text Format (UAX #15): NFC sorts them by insertion.
_PILED = re.compile(r"[^\w\s\x00-\x7f]{31,}+")
MOST_MARKS = 30
# Anything above, or anything that NFC could change, starts beyond ASCII or below the space.
_PLAIN = re.compile("[\n\t -~]*")

# Scripts whose spelling needs ZWJ or ZWNJ: Arabic, Syriac, Thaana, N'Ko and the Indic and Mongolian blocks.
_JOINING = ((0x0600, 0x08FF), (0x0900, 0x0DFF), (0x0F00, 0x109F), (0x1780, 0x18AF), (0xA840, 0xA8FF), (0xFB50, 0xFEFC))


def clean(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the text as a reader sees it, and a (reason, sentence) flag for each kind of thing taken out."""
    cleaned, counts = scrub(text)
    return cleaned, describe(counts)


def scrub(text: str) -> tuple[str, Counts]:
    """Return the cleaned text and what was removed or replaced, counted by reason and character."""
    counts: Counts = Counter()
    if _PLAIN.fullmatch(text):
        return text, counts
    text = _LINES.sub("\n", text.removeprefix("\ufeff"))
    text = _remove(_ESCAPE, "control", text, counts, name="escape sequences")
    text = _remove(_REPLACED, "control", text, counts, "\ufffd")
    text = _remove(_CONTROL, "control", text, counts)
    text = _remove(_BIDI, "bidi", text, counts)
    # Direction marks are ordinary in Hebrew and Arabic text and have no business elsewhere.
    text = _MARKS.sub("", text) if _RTL.search(text) else _remove(_MARKS, "invisible", text, counts)
    text = _remove(_INVISIBLE, "invisible", text, counts)
    text = _drop_stray_joiners(text, counts)
    text = _SPACES.sub(" ", text.replace("\u00ad", ""))
    text = _PILED.sub(lambda match: _unpiled(match[0], counts), text)
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text, counts


def mend(text: str) -> tuple[str, Counts]:
    """Replace only NUL and lone surrogates, which parsers stop at or lose before `scrub` sees what they return."""
    counts: Counts = Counter()
    return _remove(_REPLACED, "control", text, counts, "\ufffd"), counts


def describe(counts: Counts) -> tuple[tuple[str, str], ...]:
    """Return one (reason, sentence) flag a reason, naming the commonest characters."""
    flags = []
    for reason in sorted({reason for reason, _ in counts}):
        kinds = Counter({name: n for (r, name), n in counts.items() if r == reason})
        named = ", ".join(name for name, _ in kinds.most_common(3)) + (", ..." if len(kinds) > 3 else "")
        total = kinds.total()
        flags.append((reason, f"{total} {reason} character{'s' * (total != 1)} removed or replaced ({named})"))
    return tuple(flags)


def _remove(pattern: re.Pattern[str], reason: str, text: str, counts: Counts, by: str = "", name: str = "") -> str:
    def replace(match: re.Match[str]) -> str:
        counts[reason, name or f"U+{ord(match[0]):04X}"] += 1
        return by

    return pattern.sub(replace, text)


def _unpiled(text: str, counts: Counts) -> str:
    kept, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > MOST_MARKS:
            counts["invisible", f"U+{ord(char):04X}"] += 1
        else:
            kept.append(char)
    return "".join(kept)


def _drop_stray_joiners(text: str, counts: Counts) -> str:
    """Keep a joiner or variation selector only where the character before (and after) gives it a meaning."""

    def replace(match: re.Match[str]) -> str:
        at = match.start()
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        if _has_meaning(match[0], before, after):
            return match[0]
        counts["invisible", f"U+{ord(match[0]):04X}"] += 1
        return ""

    return _JOINER.sub(replace, text)


def _has_meaning(joiner: str, before: str, after: str) -> bool:
    if joiner in "\u200c\u200d":
        # A piece of text may begin or end at a joiner, so one neighbour of the right kind is enough at an edge.
        sides = [side for side in (before, after) if side]
        emoji = joiner == "\u200d" and all(_is_symbol(side) or side == "\ufe0f" for side in sides)
        return bool(sides) and (emoji or all(_needs_joiners(side) for side in sides))
    if joiner in "\ufe0e\ufe0f":
        return _is_symbol(before) or before in set("0123456789#*")
    if not before or _JOINER.match(before):
        return False
    return before >= "\u2e80" or unicodedata.category(before) in {"Sm", "So"}


def _needs_joiners(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in _JOINING) and unicodedata.category(char)[0] in "LM"


def _is_symbol(char: str) -> bool:
    return char > "\u00a0" and (char >= "\U0001f000" or unicodedata.category(char) in {"So", "Sm", "Sk", "Po"})
