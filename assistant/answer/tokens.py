"""A sentence as the tokens by which it is compared: one spelling for what can be written in two, nothing left out.

Every sign that is not plain punctuation is a token of its own: a plus, a degree, a question mark, a control character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from assistant.text.facts import WORD, fold_signs, quantities

ARTICLES = frozenset(("a", "an", "the"))
PLAIN = frozenset(" \t\n\r\xa0'’‘‑-–—…/().,;:!")  # inside a word or a number, or at the end, it changes no meaning
SEPARATOR = re.compile(r"(?<![.,;:!…])[.,;:!…]++(?=\s)|(?<=\s)[–—-]++(?=\s)")  # "No, managers sign"
ORDINALS = frozenset("half once twice first second third dozen".split())  # numbers elsewhere, words here
OPTIONAL = frozenset('"“”«»„[]*_`#•|')  # may be left out, but not put in: counted, not compared
RANGE, DASH = "‒", "⁃"  # between two numbers: a range, which may be told with "to", and any other dash


def _dash(match: re.Match[str]) -> str:
    """Tell a range, whose end is higher and has a unit or is a time, from a number's parts and a minus."""
    counted = match[3].strip() or (":" in match[1] and ":" in match[2])
    return f"{match[1]} {RANGE if counted and _size(match[1]) < _size(match[2]) else DASH} "


def _size(number: str) -> tuple[int, int]:
    """Return a number's whole part and what follows its point, enough to compare the ends of a range."""
    whole, _, rest = number.replace(",", "").replace(":", ".").lstrip("£€$").partition(".")
    return int(whole or 0), int(re.sub(r"\D", "", rest)[:6].ljust(6, "0"))


EQUAL: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(\*\*|__|`)(?=\w)((?:(?!\1)[^\n]){1,200}?)(?<=\w)\1"), r"\2"),  # emphasis
    (re.compile(r"\bshall\b", re.IGNORECASE), "must"),  # not "has to": nobody has to is not nobody must
    (re.compile(r"\b(?:can|(?:is|are) (?:allowed|permitted) to)\b", re.IGNORECASE), "may"),
    (re.compile(r"\ba (few|little)\b", re.IGNORECASE), r"a\1"),  # another number than "few"
    (re.compile(r"\bper (?=[a-z])", re.IGNORECASE), "a "),
    (re.compile(r"\b(no|any|every|some)[ -]one\b", re.IGNORECASE), r"\1one"),  # "No 1" is another
    (re.compile(r"\[ \]"), " ☐ "),
    (re.compile(r"\[x\]", re.IGNORECASE), " ☑ "),
    (re.compile(r"(?<=\d) ?/ ?(?=\d)"), " ⁄ "),
    (re.compile(r"(?<![\d.,:])([.,]?\d[\d.,:]*+) ?[-–—] ?(?=([£€$]?\d[\d.,:]{0,20})(\s{0,3}\w?))"), _dash),
    (re.compile(r"\((\d[\d.,]*)\)"), r" (\1 in brackets) "),  # a loss, in accounts
    (re.compile(r"&"), " and "),
)
# Behind an article that says nothing; before "most", "few" or "third" it counts, and "a" may be an option's name.
COUNTS = re.compile(
    r"""\s+(?!(?:most|few|little|one|ones|only|even|other|others|same|half|third|quarter|first|second|number|majority|
    minority|rest|total|charge|possession|case|event|is|are|was|were|and|or)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
COUNTED_BY = frozenset(("and", "half", "all", "both", "but", "even"))  # before an article that says something
PLURALS = (("ies", "y", 3), ("sses", "ss", 2), ("xes", "x", 2), ("ches", "ch", 2), ("shes", "sh", 2), ("s", "", 3))
SCANNED = re.compile(rf"(?P<word>{WORD.pattern})|(?P<separator>{SEPARATOR.pattern})|.", re.DOTALL)
SEPARATORS = frozenset(".,:")  # how they are told: a semicolon, a dash and a comma are one
IDENTIFIER = re.compile(r"\d+\.(?!00$)\d+")  # "1.10" may be a version or a section: no number like 1.1
SHORT_UNIT = 3  # letters, whose case matters behind a number: MB and Mb, mW and MW


def tokenise(text: str) -> tuple[str, ...]:
    """Return the words without articles, plural or capitals, the numbers by value, and the signs that matter."""
    text = spell(text)
    found: list[str] = []
    at = 0
    for start, end, number in quantities(text):
        written = text[start:end]
        if written.casefold() not in ORDINALS:
            found += _scan(text[at:start], found)
            found.append(written if IDENTIFIER.fullmatch(written) else number)
            at = end
    found += _scan(text[at:], found)
    while found and found[-1] in SEPARATORS:
        found.pop()
    return tuple(found)


def spell(text: str) -> str:
    """Write in one way what can be written in two, and take emphasis off."""
    text = unicodedata.normalize("NFC", fold_signs(text))
    for pattern, new in EQUAL:
        text = pattern.sub(new, text)
    return text


def optional_signs(text: str) -> Counter[str]:
    """Count the signs that a claim may leave out of its quote, but not put in."""
    return Counter(filter(OPTIONAL.__contains__, spell(text)))


def _scan(text: str, before: Sequence[str]) -> list[str]:
    """Return the tokens of what stands between two numbers; `before` are the tokens so far."""
    found: list[str] = []
    for match in SCANNED.finditer(text):
        token = match.group()
        if match["separator"]:
            found.append(token[0] if token[0] in SEPARATORS else ",")
        elif not (_is_article(match, [*before[-1:], *found[-1:]]) or token in PLAIN or token in OPTIONAL):
            unit = before and not found and len(token) <= SHORT_UNIT and before[-1][-1:].isdigit()
            found.append(token if unit else singular(token.casefold().replace("’", "'")))
    return found


def _is_article(match: re.Match[str], before: Sequence[str]) -> bool:
    """Tell an article that changes nothing from the A of "Grade A", the "(a)" of a list, and that of "a third"."""
    token = match.group()
    idle = token.casefold() in ARTICLES and (token != "A" or not before) and not COUNTED_BY.intersection(before[-1:])
    return idle and COUNTS.match(match.string, match.end()) is not None


def singular(word: str) -> str:
    """Strip a plural's or a possessive's ending."""
    word = word.removesuffix("'s")
    if word.endswith(("ss", "us", "is")):
        return word
    for ending, instead, least in PLURALS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word.removesuffix(ending) + instead
    return word
