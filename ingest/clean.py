"""Remove what a reader cannot see, and what a terminal would obey, from text before offsets are counted.

`clean` is for strings; `scrub` and `describe` are its halves, for readers that clean piece by piece and report once;
`mend` is for markup that is yet to be parsed.
Flag reasons: `control` (C0, C1, escape sequences, NUL, lone surrogates), `invisible` (zero-width and tag characters,
joiners, direction marks, variation selectors), `bidi` (overrides, embeddings and isolates). Silent: a leading BOM, soft
hyphens, what makes an emoji of a sign, Unicode spaces -> space, CRLF -> LF, NFC.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

from assistant.text.canonical import CONTROL

Counts = Counter[tuple[str, str]]  # (reason, "U+XXXX" or "ESC") -> how many
Treatment = tuple[str, str]  # the reason that is reported, empty for none, and what a character is replaced by

UNREADABLE: Treatment = ("control", "\ufffd")
_TREATMENTS: tuple[tuple[Treatment, str], ...] = (
    (UNREADABLE, "0 d800-dfff"),
    (("control", ""), "fffe ffff"),
    (("bidi", ""), "202a-202e 2066-2069"),
    (
        ("invisible", ""),
        "34f 61c 115f 1160 17b4 17b5 180b-180f 200b-200f 2060-2065 206a-206f 3164 fe00-fe0d feff ffa0 fff0-fffb"
        " 1bca0-1bca3 1d173-1d17a e0000-e0fff",
    ),
    (("", ""), "ad fe0e fe0f"),
    (("", " "), "a0 1680 2000-200a 202f 205f 3000"),
    (("", "\n"), "d 2028 2029"),
)
MOST_MARKS = 30  # on one character, as Unicode's Stream-Safe Text Format (UAX #15) says: NFC sorts them by insertion


def scrub(text: str) -> tuple[str, Counts]:
    """Return the cleaned text and what was removed or replaced, counted by reason and character."""
    counts: Counts = Counter()
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text, counts
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for sequence in CONTROL.findall(text):
        name = "escape sequences" if len(sequence) > 1 or sequence == "\x1b" else f"U+{ord(sequence):04X}"
        counts["control", name] += 1
    text = CONTROL.sub(lambda match: "\ufffd" if match[0] == "\0" else "", text)
    found = set(text)
    treatments = {char: treatment for char in found if (treatment := _treatment(char))}
    text = _treated(text, treatments, counts)
    if any(map(unicodedata.combining, found)):
        text = _unpiled(text, counts)
    return unicodedata.normalize("NFC", text), counts


def mend(text: str) -> tuple[str, Counts]:
    """Replace only NUL and lone surrogates, which parsers stop at or lose before `scrub` sees what they return."""
    counts: Counts = Counter()
    return _treated(text, {char: UNREADABLE for char in set(text) if _treatment(char) == UNREADABLE}, counts), counts


def describe(counts: Counts) -> tuple[tuple[str, str], ...]:
    """Return one (reason, sentence) flag a reason, naming the commonest characters."""
    flags = []
    for reason in sorted({reason for reason, _ in counts}):
        kinds = Counter({name: n for (r, name), n in counts.items() if r == reason})
        named = ", ".join(name for name, _ in kinds.most_common(3)) + (", ..." if len(kinds) > 3 else "")
        total = kinds.total()
        flags.append((reason, f"{total} {reason} character{'s' * (total != 1)} removed or replaced ({named})"))
    return tuple(flags)


def _treated(text: str, treatments: dict[str, Treatment], counts: Counts) -> str:
    """Replace characters, counting those whose treatment has a reason."""
    for char, (reason, _) in treatments.items():
        if reason:
            counts[reason, f"U+{ord(char):04X}"] += text.count(char)
    return text.translate({ord(char): by for char, (_, by) in treatments.items()})


@lru_cache(4_096)
def _treatment(char: str) -> Treatment | None:
    return next((treatment for treatment, ranges in _TREATMENTS if _is_in(char, ranges)), None)


@lru_cache(4_096)
def _is_in(char: str, ranges: str) -> bool:
    """Tell whether a character is one of `ranges`, like "a0 2000-200a"."""
    pairs = (part.partition("-") for part in ranges.split())
    return any(int(low, 16) <= ord(char) <= int(high or low, 16) for low, _, high in pairs)


def _unpiled(text: str, counts: Counts) -> str:
    kept, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > MOST_MARKS:
            counts["invisible", f"U+{ord(char):04X}"] += 1
        else:
            kept.append(char)
    return "".join(kept)
