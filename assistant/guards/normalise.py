"""Text as its reader would take it: look-alike letters folded, invisible characters gone, encodings undone.

Detectors read `views`; nobody is ever shown them. Everything here is bounded: each view is made from another one by
one pass, views have a largest depth, count and size, and nothing that was seen before is decoded again.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator

from assistant.guards.decode import DECODERS, MAX_PIECES, words_of

MAX_DEPTH = 2  # base64 inside base64, and no further
MAX_VIEWS = 12
MAX_DECODED = 8_000  # characters of one decoded view

# Single letters that look like an ASCII one, from Unicode's confusables.txt by way of confusable-homoglyphs (MIT):
# the Latin, Greek, Cyrillic, Armenian, Cherokee, Coptic and Lisu ones, where NFKC does not already fold them.
_LOOK_ALIKE = {
    "a": "ɑαаΑАᎪꓮ", "b": "ƄЬᏏꞴΒВᏴꓐ", "c": "ᴄϲⲥсꮯϹⲤСᏟꓚ", "d": "ԁᏧᎠꓓ", "e": "еҽΕЕᎬꓰ", "f": "ꬵꞙẝքꞘϜꓝ", "g": "ɡᶃƍցԌᏀᏳꓖ",
    "h": "һհᏂΗⲎНᎻꓧ", "i": "ıɪɩιͺіꙇӏꭵᎥƖǀΙⲒІӀꓲ", "j": "ϳјꞲͿЈᎫꓙ", "k": "ΚⲔКᏦꓗκк", "l": "ⳐᏞꓡ", "m": "ΜϺⲘМᎷꓟм", "n": "ոռΝⲚꓠ",
    "o": "ᴏᴑꬽοσⲟоօΟⲞОՕꓳ", "p": "ρϱⲣрΡⲢРᏢꓑ", "q": "ԛգզ", "r": "ꭇꭈᴦⲅгꮁƦᎡᏒꓣ", "s": "ꜱƽѕꮪЅՏᏕᏚꓢ", "t": "ΤⲦТᎢꓔτт",
    "u": "ꞟᴜꭎꭒʋυսՍꓴ", "v": "ᴠνѵꮩѴᏙꓦ", "w": "ɯᴡѡԝաꮃԜᎳᏔꓪ", "x": "хꞳΧⲬХꓫ", "y": "ɣᶌʏỿꭚγуүΥϒⲨУҮᎩᎽꓬ", "z": "ᴢꮓΖᏃꓜ",
}  # fmt: skip
# Letters that are named after the one they show: small capitals, letters in squares and circles, flags.
_NAMED = re.compile(
    "(?:LATIN LETTER SMALL CAPITAL|LATIN SMALL LETTER (?:TURNED|REVERSED)|REGIONAL INDICATOR SYMBOL LETTER|"
    "(?:NEGATIVE |CROSSED NEGATIVE )?(?:SQUARED|CIRCLED) LATIN CAPITAL LETTER) ([A-Z])"
)
_NAMED_BLOCKS = (range(0x250, 0x2B0), range(0x1D00, 0x1D30), range(0xA730, 0xA732), range(0x1F130, 0x1F200))
_BRAILLE = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", string.ascii_lowercase, strict=True))


def _named() -> Iterator[tuple[int, str]]:
    for block in _NAMED_BLOCKS:
        for code in block:
            if match := _NAMED.fullmatch(unicodedata.name(chr(code), "")):
                yield code, match[1].lower()


_FOLD = {
    **dict(_named()),
    **{ord(char): letter for letter, chars in _LOOK_ALIKE.items() for char in chars},
    **{ord(char): letter for char, letter in _BRAILLE.items()},
}
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")
# Fillers that are letters or marks to Unicode and nothing to the eye; format characters are found by their category.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_PLAIN = re.compile("[\n\t -~]*")
_STOP = re.compile(r"(?<=\w)[.?!]+\s+(?=[A-Z])")  # where a sentence surely ends
_SIGNS = re.compile(r"(?:[^\w\0']|_|'(?!\w)|(?<!\w)')+")


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


def flat(view: str) -> str:
    """Return the words of a view alone, one space between: no bullets, hyphens, quotes, cells; sentences stay apart."""
    return _SIGNS.sub(" ", _STOP.sub("\0", view)).replace("\0", ". ").strip()


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
    words = words_of(view)
    for decode in DECODERS:
        yield from (fold(piece)[:MAX_DECODED] for piece in decode(view, words))
