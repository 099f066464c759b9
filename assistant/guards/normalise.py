"""Text as its reader would take it: look-alike letters folded, invisible characters gone, encodings undone.

Detectors read `views`, or a fold whose signs know their places in the text as it was written, where what they find is
masked; nobody is ever shown them. Each view is made from the text by one pass of one decoder, so all of it takes time
in proportion to the text. Encodings in encodings, Morse, ciphers but rot13 are not undone: nothing that answers from
quotes reads them either. Linear models read windows of a long question, and the sentences of a document.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote

DECODED_CHARACTERS = 8_000  # of one view
WINDOW_WORDS = 100  # that the encoder surely takes whole
LONG_WORDS = 40  # a longer text's end is encoded by itself, too

_WORDS = re.compile(r"\S+")
_BREAK = re.compile(r"[.!?:]\s+|\n+")
_LETTERS = re.compile("(?<![^\\W\\d_])[^\\W\\d_]{2,}[^\\w]+[^\\W\\d_]{2}|[\u0e00-\u0eff\u3040-\uffef]{4}", re.DOTALL)
_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:\n(?![ \t]*\n)[^.!?。！？\n]+)*[.!?。！？]*")

# Single letters that look like an ASCII one, from Unicode's confusables.txt by way of confusable-homoglyphs (MIT):
# the Latin, Greek, Cyrillic, Armenian, Cherokee, Coptic and Lisu ones, where NFKC does not already fold them.
_LOOK_ALIKE = {
    "a": "ɑαаΑАᎪꓮ", "b": "ƄЬᏏꞴΒВᏴꓐ", "c": "ᴄϲⲥсꮯϹⲤСᏟꓚ", "d": "ԁᏧᎠꓓ", "e": "еҽΕЕᎬꓰ", "f": "ꬵꞙẝքꞘϜꓝ", "g": "ɡᶃƍցԌᏀᏳꓖ",
    "h": "һհᏂΗⲎНᎻꓧ", "i": "ıɪɩιͺіꙇӏꭵᎥƖǀΙⲒІӀꓲ", "j": "ϳјꞲͿЈᎫꓙ", "k": "ΚⲔКᏦꓗκк", "l": "ⳐᏞꓡ", "m": "ΜϺⲘМᎷꓟм", "n": "ոռΝⲚꓠ",
    "o": "ᴏᴑꬽοσⲟоօΟⲞОՕꓳ", "p": "ρϱⲣрΡⲢРᏢꓑ", "q": "ԛգզ", "r": "ꭇꭈᴦⲅгꮁƦᎡᏒꓣ", "s": "ꜱƽѕꮪЅՏᏕᏚꓢ", "t": "ΤⲦТᎢꓔτт",
    "u": "ꞟᴜꭎꭒʋυսՍꓴ", "v": "ᴠνѵꮩѴᏙꓦ", "w": "ɯᴡѡԝաꮃԜᎳᏔꓪ", "x": "хꞳΧⲬХꓫ", "y": "ɣᶌʏỿꭚγуүΥϒⲨУҮᎩᎽꓬ", "z": "ᴢꮓΖᏃꓜ",
}  # fmt: skip
# Letters that are named after the one they show: small capitals, letters in squares and circles, flags.
_NAMED = frozenset({
    "LATIN LETTER SMALL CAPITAL", "LATIN SMALL LETTER TURNED", "LATIN SMALL LETTER REVERSED",
    "REGIONAL INDICATOR SYMBOL LETTER",
    *(f"{sign} LATIN CAPITAL LETTER" for sign in ("SQUARED", "NEGATIVE SQUARED", "CROSSED NEGATIVE SQUARED")),
    *(f"{sign} LATIN CAPITAL LETTER" for sign in ("CIRCLED", "NEGATIVE CIRCLED", "CROSSED NEGATIVE CIRCLED")),
})  # fmt: skip
_NAMED_BLOCKS = (range(0x250, 0x2B0), range(0x1D00, 0x1D30), range(0xA730, 0xA732), range(0x1F130, 0x1F200))
_BRAILLE = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", string.ascii_lowercase, strict=True))


def _named() -> Iterator[tuple[int, str]]:
    for block in _NAMED_BLOCKS:
        for code in block:
            shape, _, letter = unicodedata.name(chr(code), "").rpartition(" ")
            if shape in _NAMED and len(letter) == 1:
                yield code, letter.lower()


_FOLD = {
    **dict(_named()),
    **{ord(char): letter for letter, chars in _LOOK_ALIKE.items() for char in chars},
    **{ord(char): letter for char, letter in _BRAILLE.items()},
}
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")
# Fillers that are letters or marks to Unicode and nothing to the eye; format characters are found by their category.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_DASHES = frozenset("\u2212\u2043\u02d7")  # dashes to the eye, not to Unicode
_STOP = re.compile(r"(?<=\w)[.?!]+\s+(?=[A-Z])")  # where a sentence surely ends
_SIGNS = re.compile(r"(?:[^\w\0']|_|'(?!\w)|(?<!\w)')+")


_BYTES = re.compile(r"(?<![A-Za-z0-9+/_-])(?:(?:[0-9a-fA-F]{2}[ :]?){8,5000}|[A-Za-z0-9+/_-]{16,10000}={0,2})")
# No character is both a letter and what sets letters apart: an underscore that was would be tried both ways each time.
_SPACED = re.compile(r"(?<!\w)(?:[^\W_][ .\-_*|/,]{1,3}){4,400}[^\W_](?!\w)")
_SIGN_IN_WORD = re.compile(r"(?<![\w@$|!])(?:[^\W\d_]+[013457@$|!]+|[013457@$|!]+[^\W\d_])[\w@$|!]*")
_LEET = str.maketrans("013457@$|!", "oieastasli")
_ROTATED = frozenset("gur lbh nyy naq nal nafjre vtaber".split())  # the, you, all, and, any, answer, ignore
_SPELLED_DIGITS = dict(zip("zero oh one two three four five six seven eight nine".split(), "00123456789", strict=True))
_DIGIT = "|".join(_SPELLED_DIGITS)
# Without ASCII, "six" with a dotted capital I is "six" to the pattern alone.
_SPELLED = re.compile(rf"\b(?:{_DIGIT})(?:[ ,-]{{1,2}}(?:{_DIGIT}|\d{{1,4}})){{3,}}\b", re.IGNORECASE | re.ASCII)

# Markdown's, around what has none inside, and a line's end with one empty line and the mark of an item: of a number
# only before a word with a digit, since "born on the\n12. March" is no list.
_EMPHASIS, _CODE = (
    re.compile(
        rf"(?<![\w{signs}])(?P<open>[{signs}]{{1,4}})(?=[^\s{signs}])[^\n{signs}]{{1,80}}(?<=\S)"
        rf"(?P<close>[{signs}]{{1,4}})(?![\w{signs}@])"
    )
    for signs in ("*_", "`")
)
_ITEM = r"(?:[-*+\u2022\u2023\u25aa\u25cf\u25e6\u2219\u00b7][ \t]{1,8}|\(?\d{1,3}[.)][ \t]{1,8}(?=[^\s\d]{0,8}\d))?"
_LAYOUT = re.compile(
    rf"(?<![ \t])[ \t]{{0,40}}(?:(?:\r\n?|\n)[ \t]{{0,40}}){{1,2}}{_ITEM}"
    r"|(?<![ \t])[ \t]{0,40}\|[ \t]{0,40}|(?<![ \t]) {0,40}\t[ \t]{0,40}"
)


@dataclass(frozen=True, slots=True)
class OffsetText:
    """Signs, each with where it starts and ends in the text that was read."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch of the signs stands in the text as it was written."""
        return self.starts[start], self.ends[end - 1]


def views(text: str) -> tuple[str, ...]:
    """Return the ways in which a text may be read: folded first, then what its encodings hold."""
    folded = fold(text)
    decoded = (fold(view)[:DECODED_CHARACTERS] for view in (*_tagged(text), *_decoded(folded)))
    return tuple(dict.fromkeys((folded, *decoded)))


def fold(text: str) -> str:
    """Fold a text to what a reader takes it for: NFKC, nothing invisible, no accents, no look-alikes, one dash."""
    return text if text.isascii() else text.translate({ord(char): _folded(char) for char in set(text)})


def fold_with_offsets(text: str) -> OffsetText:
    """Fold a text, keeping the place of each sign."""
    if text.isascii():
        return OffsetText(text, range(len(text)), range(1, len(text) + 1))
    places = [at for at, char in enumerate(text) for _ in _folded(char)]
    return OffsetText(fold(text), places, [at + 1 for at in places])


def spelled_out(read: OffsetText) -> OffsetText:
    """Fold digits that are spelled out in English, where four or more numbers stand in a row: "one or two" is none."""
    return _edited(read, _spelled_digits(read.text))


def _spelled_digits(text: str) -> Iterator[tuple[int, int, str]]:
    for run in _SPELLED.finditer(text):
        start = run.start()
        for word in run.group().replace(",", " ").replace("-", " ").split(" "):
            if digit := _SPELLED_DIGITS.get(word.lower()):
                yield start, start + len(word), digit
            start += len(word) + 1


def emphasis_folded(read: OffsetText) -> OffsetText:
    """Fold Markdown's emphasis away."""
    return _edited(read, _around(_EMPHASIS, read.text))


def layout_folded(read: OffsetText) -> OffsetText:
    """Fold how a text is laid out: no emphasis, one sign for a line's end with an item's mark, and for a cell's."""
    read = emphasis_folded(read)
    read = _edited(read, _around(_CODE, read.text))
    return _edited(read, ((*match.span(), _layout_sign(match[0])) for match in _LAYOUT.finditer(read.text)))


def _around(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int, str]]:
    return ((*match.span(side), "") for match in pattern.finditer(text) for side in ("open", "close"))


def _layout_sign(said: str) -> str:
    return next(sign for sign in "\n|\t" if sign in said.replace("\r", "\n"))


def _edited(read: OffsetText, edits: Iterable[tuple[int, int, str]]) -> OffsetText:
    """Put one sign, or none, for each of some stretches, which stands where the stretch does."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end, sign in edits:
        text += [read.text[at:start], sign]
        starts += [*read.starts[at:start], *[read.starts[start]] * len(sign)]
        ends += [*read.ends[at:start], *[read.ends[end - 1]] * len(sign)]
        at = end
    if not at:
        return read
    return OffsetText("".join([*text, read.text[at:]]), [*starts, *read.starts[at:]], [*ends, *read.ends[at:]])


@lru_cache(maxsize=8192)
def _folded(char: str) -> str:
    if char.isascii():
        return char
    if char in _FILLERS:
        return ""
    return "".join(map(_letter, unicodedata.normalize("NFD", unicodedata.normalize("NFKC", char))))


def _letter(char: str) -> str:
    """Return what a composed character's part is read as: one other, or nothing."""
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me", "Co") and char >= "\u00ad":
        return ""
    if category in ("Zs", "Zl", "Zp") or char == "\x85":
        return " " if category == "Zs" else "\n"
    if category == "Pd" or char in _DASHES:
        return "-"
    return str(unicodedata.decimal(char)) if category == "Nd" else _FOLD.get(ord(char), char)


def plain_words(view: str) -> str:
    """Return the words of a view alone, one space between: no bullets, hyphens, quotes, cells; sentences stay apart."""
    return _SIGNS.sub(" ", _STOP.sub("\0", view)).replace("\0", ". ").strip()


def as_encoded(text: str, folded: str) -> str:
    """Return the text as it was written where folding changes nothing that matters: retrieval encodes that too."""
    return text if len(folded) == len(text) else folded


def _tagged(text: str) -> Iterator[str]:
    """Yield what tag characters spell: ASCII that no font shows."""
    for match in islice(_TAGS.finditer(text), 8):
        yield "".join(chr(ord(char) - 0xE0000) for char in match.group())


def _decoded(view: str) -> Iterator[str]:
    """Yield what each encoding of a folded text holds."""
    for match in islice(_BYTES.finditer(view), 8):
        yield from _readable(match.group())
    if ("&" in view or "%" in view) and (unescaped := unquote(html.unescape(view))) != view:
        yield unescaped
    if not _ROTATED.isdisjoint(view.lower().split()):
        yield codecs.encode(view, "rot13")
    if len(list(islice(_SIGN_IN_WORD.finditer(view), 3))) == 3:
        yield view.translate(_LEET)
    if (closed := _SPACED.sub(_close, view)) != view:
        yield re.sub(r"\s+(?=[,.:;!?\s])", "", closed)


def _readable(coded: str) -> Iterator[str]:
    """Yield the hexadecimal or base64 bytes as text if they are text: random bytes are not UTF-8, or mostly signs."""
    for decode in (_hexadecimal, _base64):
        try:
            text = decode(coded).decode("utf-8")
        except (binascii.Error, ValueError):
            continue
        if sum(char.isalpha() or char == " " for char in text) >= 0.6 * len(text):
            yield text


def _hexadecimal(coded: str) -> bytes:
    return bytes.fromhex(coded.replace(":", " "))


def _base64(coded: str) -> bytes:
    signs = coded.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(signs + "=" * (-len(signs) % 4), validate=True)


def _close(match: re.Match[str]) -> str:
    """Close up letters set apart; two or more spaces, or another separator, keep the words apart."""
    parts = re.split(r"(\W+|_+)", match.group())
    return "".join(part if part.isalnum() else " " * (len(part) > 1) for part in parts)


def windows(text: str, most: int = 8) -> tuple[str, ...]:
    """Cut a text into windows of WINDOW_WORDS, of a very long one `most` spread evenly; and its end by itself.

    A request after much else is little of a window. One word, or none, tells the model nothing.
    """
    if not _LETTERS.search(text):
        return ()
    words = [match.span() for match in _WORDS.finditer(text)]
    if len(words) <= LONG_WORDS:
        return (text,)
    starts = list(range(0, len(words), WINDOW_WORDS))
    if len(starts) > most:
        starts = [starts[round(i * (len(starts) - 1) / (most - 1))] for i in range(most)]
    cut = [text[words[at][0] : words[min(at + WINDOW_WORDS, len(words)) - 1][1]] for at in starts]
    return (*cut, _end(text[-300:]))


def _end(text: str) -> str:
    """Return the last sentence, with the one before if it is of fewer than four words; of an endless one all."""
    starts = [match.end() for match in _BREAK.finditer(text) if len(text[match.end() :].split()) >= 4]
    return text[starts[-1] :] if starts else text


def sentences(text: str, most: int = 400) -> tuple[str, ...]:
    """Return the sentences of a passage, lines that no full stop or empty line parts joined."""
    found = (" ".join(match.group().split()) for match in _SENTENCE.finditer(text))
    return tuple(islice((sentence for sentence in found if sum(map(str.isalpha, sentence)) >= 8), most))
