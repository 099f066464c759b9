"""Text as its reader would take it: look-alike letters folded, invisible characters gone, encodings undone.

Detectors read `views`; nobody is ever shown them. Everything here is bounded: each view is made from another one by
one pass, views have a largest depth, count and size, and nothing that was seen before is decoded again.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator

MAX_DEPTH = 2  # base64 inside base64, and no further
MAX_VIEWS = 12
MAX_PIECES = 8  # encoded stretches of one view
MAX_DECODED = 8_000  # characters of one decoded view
MIN_LETTERS = 0.6  # share of letters and spaces in what counts as decoded text
MIN_WORDS = 3  # common words that make a decoded text English

# Single letters that look like an ASCII one, from Unicode's confusables.txt by way of confusable-homoglyphs (MIT):
# the Latin, Greek, Cyrillic, Armenian, Cherokee, Coptic and Lisu ones, where NFKC does not already fold them.
_LOOK_ALIKE = {
    "a": "ɑαаΑАᎪꓮ", "b": "ƄЬᏏꞴΒВᏴꓐ", "c": "ᴄϲⲥсꮯϹⲤСᏟꓚ", "d": "ԁᏧᎠꓓ", "e": "еҽΕЕᎬꓰ", "f": "ꬵꞙẝքꞘϜꓝ", "g": "ɡᶃƍցԌᏀᏳꓖ",
    "h": "һհᏂΗⲎНᎻꓧ", "i": "ıɪɩιͺіꙇӏꭵᎥƖǀΙⲒІӀꓲ", "j": "ϳјꞲͿЈᎫꓙ", "k": "ΚⲔКᏦꓗκк", "l": "ⳐᏞꓡ", "m": "ΜϺⲘМᎷꓟм", "n": "ոռΝⲚꓠ",
    "o": "ᴏᴑꬽοσⲟоօΟⲞОՕꓳ", "p": "ρϱⲣрΡⲢРᏢꓑ", "q": "ԛգզ", "r": "ꭇꭈᴦⲅгꮁƦᎡᏒꓣ", "s": "ꜱƽѕꮪЅՏᏕᏚꓢ", "t": "ΤⲦТᎢꓔτт",
    "u": "ꞟᴜꭎꭒʋυսՍꓴ", "v": "ᴠνѵꮩѴᏙꓦ", "w": "ɯᴡѡԝաꮃԜᎳᏔꓪ", "x": "хꞳΧⲬХꓫ", "y": "ɣᶌʏỿꭚγуүΥϒⲨУҮᎩᎽꓬ", "z": "ᴢꮓΖᏃꓜ",
}  # fmt: skip
_FOLD = {ord(char): letter for letter, chars in _LOOK_ALIKE.items() for char in chars}
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")
# Fillers that are letters or marks to Unicode and nothing to the eye; format characters are found by their category.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_PLAIN = re.compile("[\n\t -~]*")

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,10000}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x|%)?[0-9a-fA-F]{2}[ ,:]?){8,5000}")
# No character is both a letter and what sets letters apart: an underscore that was would be tried both ways each time.
_SPACED = re.compile(r"(?<!\w)(?:[^\W_][ .\-_*|/]{1,3}){5,400}[^\W_](?!\w)")
_LEET = re.compile(r"[\w@$|]+")
_LEET_SIGNS = frozenset("0134578@$|")
_LEET_LETTERS = str.maketrans("0134578@$|", "oieastbasl")
_COMMON = frozenset(
    """the and you your all any that this with what are not have ignore previous instructions instruction prompt system
    rules tell show reveal print from for now act without who how can please answer secret password document must user
    users text model of to in is be do should""".split()
)
_WORDS = re.compile(r"[a-z]+")


def views(text: str) -> tuple[str, ...]:
    """Return the ways in which a text may be read: folded first, then what its encodings hold; at most MAX_VIEWS."""
    found = [fold(text)]
    seen = set(found)
    edge = [*found, *_tagged(text)]
    for depth in range(MAX_DEPTH):
        made = [new for view in edge for new in _decoded(view)]
        fresh = list(dict.fromkeys(view for view in ([*edge[1:], *made] if depth == 0 else made) if view not in seen))
        found += fresh[: MAX_VIEWS - len(found)]
        seen.update(fresh)
        edge = fresh
    return tuple(found)


def fold(text: str) -> str:
    """Fold a text to the letters that a reader takes it for: NFKC, nothing invisible, no accents, no look-alikes."""
    if _PLAIN.fullmatch(text):
        return text
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    kept = "".join(char for char in text if not _is_unseen(char))
    return kept.translate(_FOLD)


def as_encoded(text: str, folded: str) -> str:
    """Return the text as it was written where folding changes nothing that matters: retrieval encodes that too."""
    return text if len(folded) == len(text) else folded


def _is_unseen(char: str) -> bool:
    return char >= "\u00ad" and (char in _BLANK or unicodedata.category(char) in ("Cf", "Mn", "Me", "Co"))


def _tagged(text: str) -> Iterator[str]:
    """Yield what tag characters spell: ASCII that no font shows."""
    for match in list(_TAGS.finditer(text))[:MAX_PIECES]:
        yield "".join(chr(ord(char) - 0xE0000) for char in match.group())[:MAX_DECODED]


def _decoded(view: str) -> Iterator[str]:
    """Yield every text that one pass over a view decodes."""
    for decode in (_from_base64, _from_hex, _from_entities, _from_rot13, _from_spaced, _from_leet, _from_reversed):
        yield from (fold(piece)[:MAX_DECODED] for piece in decode(view))


def _from_base64(view: str) -> Iterator[str]:
    for match in _pieces(_BASE64, view):
        coded = match.rstrip("=").replace("-", "+").replace("_", "/")
        for cut in (coded, coded[: len(coded) // 4 * 4]):
            try:
                raw = base64.b64decode(cut + "=" * (-len(cut) % 4), validate=True)
            except (binascii.Error, ValueError):
                continue
            yield from _readable(raw)
            break


def _from_hex(view: str) -> Iterator[str]:
    for match in _pieces(_HEX, view):
        digits = re.sub(r"0x|\\x|[^0-9a-fA-F]", "", match)
        yield from _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _from_entities(view: str) -> Iterator[str]:
    if "&#" in view:
        yield html.unescape(view)


def _from_rot13(view: str) -> Iterator[str]:
    turned = codecs.encode(view, "rot13")
    if _common(turned) >= MIN_WORDS:
        yield turned


def _from_spaced(view: str) -> Iterator[str]:
    """Close up letters set apart; two or more spaces, or another separator, keep the words apart."""

    def close(match: re.Match[str]) -> str:
        parts = re.split(r"(\W+|_+)", match.group())
        return "".join(part if part.isalnum() else " " * (len(part) > 1) for part in parts)

    closed = _SPACED.sub(close, view)
    if closed != view:
        yield re.sub(r"\s+(?=[,.:;!?\s])", "", closed)


def _from_leet(view: str) -> Iterator[str]:
    def read(match: re.Match[str]) -> str:
        word = match.group()
        mixed = not _LEET_SIGNS.isdisjoint(word) and any(char.isalpha() for char in word)
        return word.translate(_LEET_LETTERS) if mixed or (len(word) <= 3 and _LEET_SIGNS.issuperset(word)) else word

    words = _LEET.sub(read, view)
    if words != view and _common(words) > _common(view):
        yield words


def _from_reversed(view: str) -> Iterator[str]:
    turned = view[::-1]
    if _common(turned) >= MIN_WORDS and _common(turned) > _common(view):
        yield turned


def _pieces(pattern: re.Pattern[str], view: str) -> Iterator[str]:
    for number, match in enumerate(pattern.finditer(view)):
        if number == MAX_PIECES:
            return
        yield match.group()


def _readable(raw: bytes) -> Iterator[str]:
    """Yield the bytes as text if they are text: most random bytes are not UTF-8, or mostly signs."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return
    if text and sum(char.isalpha() or char == " " for char in text) >= MIN_LETTERS * len(text):
        yield text


def _common(text: str) -> int:
    return sum(word in _COMMON for word in set(_WORDS.findall(text.lower())))
