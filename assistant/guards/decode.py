"""What the encodings in a text hold: every decoder takes a text and yields what one pass over it undoes."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import string
from collections.abc import Callable, Iterator
from itertools import pairwise

Words = frozenset[str]

MAX_PIECES = 8  # encoded stretches of one text
MIN_LETTERS = 0.6  # share of letters and spaces in what counts as decoded text
MIN_WORDS = 3  # common words that make a decoded text English

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,10000}={0,2}")
_BASE32 = re.compile(r"(?<![A-Za-z0-9+/])[A-Z2-7]{16,10000}={0,6}(?![A-Za-z0-9+/])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x|%)?[0-9a-fA-F]{2}[ ,:]?){8,5000}")
_ESCAPE = re.compile(r"(?:\\u|%u|\\U0000|U\+|\\u\{|&#x)([0-9a-fA-F]{4})\}?;?[ ,]?")
_CODES = (
    (re.compile(r"(?<!\w)(?:[01]{8}[ ,]{0,2}){6,2000}(?!\w)"), re.compile("[01]{8}"), 2),
    (re.compile(r"(?<!\w)\\?(?:(?:0|1)?[0-7]{2}(?:[ ,]{1,2}|\\)){7,2000}[01]?[0-7]{2}(?!\w)"), re.compile("[0-7]+"), 8),
    (re.compile(r"(?<![\w.])(?:(?:[3-9]\d|1[01]\d|12[0-6])[ ,]{1,2}){7,2000}\d{2,3}(?![\w.])"), re.compile(r"\d+"), 10),
)
_MORSE = re.compile(r"(?<![\w.-])(?:[.·•–—−-]{1,5}[ /|]{1,3}){7,2000}[.·•–—−-]{1,5}(?![\w.-])")
_MORSE_SIGNS = dict(zip(
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
    .split(),
    string.ascii_lowercase, strict=True,
))  # fmt: skip
_DOTS_DASHES = str.maketrans("·•–—−", "..---")
# No character is both a letter and what sets letters apart: an underscore that was would be tried both ways each time.
_SPACED = re.compile(r"(?<!\w)(?:[^\W_][ .\-_*|/,]{1,3}){4,400}[^\W_](?!\w)")
_LEET = re.compile(r"[\w@$|!]+")
_LEET_SIGNS = frozenset("0134578@$|!")
_LEET_LETTERS = str.maketrans("0134578@$|!", "oieastbasli")
_SYLLABLES = re.compile(r"(?<=[a-zA-Z])[-·•|*~](?=[a-z])")
_LITERAL = re.compile(r"\"([^\"\n]{1,60})\"|'([^'\n]{1,60})'|“([^”\n]{1,60})”")
_JOINED = re.compile(r"\+|\b(?:join|concat\w*|combin\w*|append|together)\b|\b\w{1,12} ?:?= ?[\"'“]", re.IGNORECASE)
_COMMON = frozenset(
    """the and you your all any that this with what are not have ignore previous instructions instruction prompt system
    rules tell show reveal print from for now act without who how can please answer secret password document must user
    users text model of to in is be do should""".split()
)
# What an order to an assistant is made of. Readers, and models, read a word whose inner letters are mixed.
_TOLD = frozenset(
    """ignore ignoring disregard forget override bypass previous prior earlier above instructions instruction prompts
    prompt system guidelines commands directives reveal repeat password secret hidden developer pretend
    assistant""".split()
)
_WORDS = re.compile(r"[a-z]+")
_WORD = re.compile(r"[A-Za-z]{5,16}")
_SIGN_IN_WORD = re.compile(r"(?<![\w@$|!])(?:[^\W\d_]*[0134578@$|!]+[^\W\d_]|[4$@|][^\W\d_])")


def _key(word: str) -> tuple[str, str, str]:
    return word[0], word[-1], "".join(sorted(word[1:-1]))


_MIXED = {_key(word): word for word in _TOLD}
_COMMON_TURNED = frozenset(codecs.encode(word, "rot13") for word in _COMMON)
_COMMON_REVERSED = frozenset(word[::-1] for word in _COMMON)


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text, which tell most decoders that there is nothing for them."""
    return frozenset(_WORDS.findall(text.lower()))


def from_base64(text: str, words: Words) -> Iterator[str]:
    for match in _pieces(_BASE64, text):
        coded = match.rstrip("=").replace("-", "+").replace("_", "/")
        for cut in (coded, coded[: len(coded) // 4 * 4]):
            try:
                raw = base64.b64decode(cut + "=" * (-len(cut) % 4), validate=True)
            except (binascii.Error, ValueError):
                continue
            yield from _readable(raw)
            break


def from_base32(text: str, words: Words) -> Iterator[str]:
    for match in _pieces(_BASE32, text):
        coded = match.rstrip("=")
        try:
            yield from _readable(base64.b32decode(coded + "=" * (-len(coded) % 8)))
        except (binascii.Error, ValueError):
            continue


def from_hex(text: str, words: Words) -> Iterator[str]:
    for match in _pieces(_HEX, text):
        digits = re.sub(r"0x|\\x|[^0-9a-fA-F]", "", match)
        yield from _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def from_escapes(text: str, words: Words) -> Iterator[str]:
    """Undo HTML entities, and the escapes of source code."""
    if "&" in text and (unescaped := html.unescape(text)) != text:
        yield unescaped
    if len(_ESCAPE.findall(text[:400])) > 2 or "\\u" in text:
        yield _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def from_codes(text: str, words: Words) -> Iterator[str]:
    """Read binary, octal and decimal numbers as characters."""
    for run, number, base in _CODES:
        for match in _pieces(run, text):
            codes = [int(found, base) for found in number.findall(match)]
            yield from _readable(bytes(code for code in codes if code < 256))


def from_morse(text: str, words: Words) -> Iterator[str]:
    for match in _pieces(_MORSE, text):
        parts = re.split(r"\s*[/|]\s*|\s{2,}", match.translate(_DOTS_DASHES))
        yield " ".join("".join(_MORSE_SIGNS.get(sign, "") for sign in part.split()) for part in parts)


def from_rot13(text: str, words: Words) -> Iterator[str]:
    if len(words & _COMMON_TURNED) >= MIN_WORDS:
        yield codecs.encode(text, "rot13")


def from_shifts(text: str, words: Words) -> Iterator[str]:
    """Shift the alphabet by every step, and reverse it, where the text itself is nothing that can be read."""
    if not 20 <= len(text) <= 2_000 or len(words & _COMMON) >= MIN_WORDS:
        return
    letters = string.ascii_lowercase
    for step in range(1, 27):
        to = letters[step:] + letters[:step] if step < 26 else letters[::-1]
        turned = text.translate(str.maketrans(letters + letters.upper(), to + to.upper()))
        if len(_COMMON & words_of(turned)) >= MIN_WORDS:
            yield turned


def from_spaced(text: str, words: Words) -> Iterator[str]:
    """Close up letters set apart; two or more spaces, or another separator, keep the words apart."""

    def close(match: re.Match[str]) -> str:
        parts = re.split(r"(\W+|_+)", match.group())
        return "".join(part if part.isalnum() else " " * (len(part) > 1) for part in parts)

    closed = _SPACED.sub(close, text)
    if closed != text:
        yield re.sub(r"\s+(?=[,.:;!?\s])", "", closed)


def from_leet(text: str, words: Words) -> Iterator[str]:
    def read(match: re.Match[str]) -> str:
        word = match.group()
        mixed = not _LEET_SIGNS.isdisjoint(word[:-1]) and any(char.isalpha() for char in word)
        return word.translate(_LEET_LETTERS) if mixed or (len(word) <= 3 and _LEET_SIGNS.issuperset(word)) else word

    if _SIGN_IN_WORD.search(text) and len(_COMMON & words_of(told := _LEET.sub(read, text))) > len(_COMMON & words):
        yield told


def from_mixed(text: str, words: Words) -> Iterator[str]:
    """Put right the words of an order whose inner letters are mixed."""
    if any(len(word) > 4 and word not in _TOLD and _key(word) in _MIXED for word in words):
        yield _WORD.sub(_mend, text)


def _mend(match: re.Match[str]) -> str:
    word = match.group()
    return word if (lower := word.lower()) in _TOLD else _MIXED.get(_key(lower), word)


def from_syllables(text: str, words: Words) -> Iterator[str]:
    """Close up words that a hyphen, or a sign like it, parts, where that makes words of an order."""
    whole = _SYLLABLES.sub("", text)
    if whole != text and len(words_of(whole) & _TOLD) > len(words & _TOLD):
        yield whole


def from_literals(text: str, words: Words) -> Iterator[str]:
    """Join the strings of a text that asks for them to be joined."""
    parts = ["".join(found) for found in _LITERAL.findall(text)[:40]]
    if len(parts) > 1 and _JOINED.search(text):
        yield "".join(parts)
        if not any(a.endswith(" ") or b.startswith(" ") for a, b in pairwise(parts)):
            yield " ".join(parts)


def from_reversed(text: str, words: Words) -> Iterator[str]:
    if MIN_WORDS <= len(words & _COMMON_REVERSED) > len(words & _COMMON):
        yield text[::-1]


DECODERS: tuple[Callable[[str, Words], Iterator[str]], ...] = (
    from_base64, from_base32, from_hex, from_escapes, from_codes, from_morse, from_rot13, from_shifts, from_spaced,
    from_leet, from_mixed, from_syllables, from_literals, from_reversed,
)  # fmt: skip


def _pieces(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for number, match in enumerate(pattern.finditer(text)):
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
