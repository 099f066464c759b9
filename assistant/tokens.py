"""A sentence as the tokens by which it is compared: one spelling for what can be written in two, nothing left out.

Every sign that is not plain punctuation is a token of its own: a plus, a degree, a question mark, a control character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from assistant.facts import WORD, fold, quantities

ARTICLES = frozenset(("a", "an", "the"))
PLAIN = frozenset(" \t\n\r\xa0.,;:!'’‘‑-–—…/()")  # changes no meaning: what it parts and joins stays in order
OPTIONAL = frozenset('"“”«»„[]*_`#•|')  # may be left out, but not put in: counted, not compared
EQUAL: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(\*\*|__|`)(?=\w)((?:(?!\1)[^\n]){1,200}?)(?<=\w)\1"), r"\2"),  # emphasis
    (re.compile(r"\b(?:shall|(?:is|are) required to|ha(?:s|ve) to|needs? to)\b", re.IGNORECASE), "must"),
    (re.compile(r"\b(?:can|(?:is|are) (?:allowed|permitted) to)\b", re.IGNORECASE), "may"),
    (re.compile(r"\ba (few|little)\b", re.IGNORECASE), r"a\1"),  # another number than "few"
    (re.compile(r"\bper (?=[a-z])", re.IGNORECASE), "a "),
    (re.compile(r"(?<=\d) ?[-–—] ?(?=[£€$]?\d)"), " to "),
    (re.compile(r"\((\d[\d.,]*)\)"), r" (\1 in brackets) "),  # a loss, in accounts
    (re.compile(r"&"), " and "),
)
PLURALS = (("ies", "y", 3), ("sses", "ss", 2), ("xes", "x", 2), ("ches", "ch", 2), ("shes", "sh", 2), ("s", "", 3))
SCANNED = re.compile(rf"{WORD.pattern}|.", re.DOTALL)


def tokenise(text: str) -> tuple[str, ...]:
    """Return the words without articles, plural or capitals, the numbers by value, and the signs that matter."""
    text = spell(text)
    found: list[str] = []
    at = 0
    for start, end, number in quantities(text):
        found += _scan(text[at:start], first=not found)
        found.append(number)
        at = end
    return (*found, *_scan(text[at:], first=not found))


def spell(text: str) -> str:
    """Write in one way what can be written in two, and take emphasis off."""
    text = unicodedata.normalize("NFC", fold(text))
    for pattern, new in EQUAL:
        text = pattern.sub(new, text)
    return text


def optional_signs(text: str) -> Counter[str]:
    """Count the signs that a claim may leave out of its quote, but not put in."""
    return Counter(filter(OPTIONAL.__contains__, spell(text)))


def _scan(text: str, first: bool) -> list[str]:
    found: list[str] = []
    for match in SCANNED.finditer(text):
        token = match.group()
        article = token.casefold() in ARTICLES and (token != "A" or (first and not found))
        if article or token in PLAIN or token in OPTIONAL:
            continue
        found.append(singular(token.casefold().replace("’", "'")))
    return found


def singular(word: str) -> str:
    """Strip a plural's or a possessive's ending."""
    word = word.removesuffix("'s")
    if word.endswith(("ss", "us", "is")):
        return word
    for ending, instead, least in PLURALS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word.removesuffix(ending) + instead
    return word
