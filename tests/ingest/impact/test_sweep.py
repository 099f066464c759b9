"""Every document of the sample company, with one word changed at a time, or all of it said in another way.

What the bar (test_bar.py) has forty of by hand, here by rule: a word that makes a rule is replaced by one that makes
another, wherever it stands; and whole documents are moved, joined, parted and spelt anew without a change of a rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import pytest

from ingest.formats import SUFFIXES, read_document
from tests.conftest import CORPORA
from tests.ingest.impact.pages import spans, text_changes

SWAPS = {
    r"\bmust\b": "should",
    r"\bmay not\b": "may",
    r"\bmay\b(?! not)": "must",
    r"\bare not\b": "are",
    r"\bis not\b": "is",
    r"\bnever\b": "always",
    r"\bat least\b": "at most",
    r"\bat most\b": "at least",
    r"\bonly\b": "also",
    r"\bunless\b": "if",
    r"\bwithout\b": "with",
    r"\bbefore\b": "after",
    r"\ball\b": "some",
    r"\bnobody\b": "everybody",
    r"\bapproved\b": "refused",
    r"\bdays\b": "weeks",
    r"\bmonths\b": "weeks",
    r"\bworking days\b": "calendar days",
    r"\bline manager\b": "department head",
    r"\bGeneral Counsel\b": "Head of People",
    r"\bCFO\b": "CEO",
    r"\bemployees\b": "contractors",
    r"\bcontractor\b": "supplier",
    r"\bSheffield\b": "Utrecht",
    r"\bMonday\b": "Tuesday",
    r"\bApril\b": "June",
    r"\b31 March\b": "30 April",
    r"(?<=£)\d[\d,]*": "777",
    r"\b\d+(?=%)": "77",
    r"(?<![\w.,:£-])\d{1,3}(?= (?:working )?(?:days|weeks|months|hours|years|minutes|characters|people))": "77",
}
OF_A_TITLE = re.compile(r"\d|must|may|not")  # swaps that change what a heading says, too
PLACES = 2  # in each document
WORDS = {"2": "two", "3": "three", "4": "four", "5": "five", "10": "ten", "30": "thirty"}


def texts() -> dict[str, tuple[str, str]]:
    paths = (path for path in sorted(CORPORA.rglob("*")) if path.suffix in SUFFIXES and ".sources" not in path.parts)
    read = {path: read_document(path.read_bytes(), path.name) for path in paths}
    return {str(path.relative_to(CORPORA)): (parsed.text, parsed.media_type) for path, parsed in read.items()}


TEXTS = texts()


# Words that are told, and not as figures, dates and duties.
WORDING = {r"\bapproved\b", r"\bline manager\b", r"\bGeneral Counsel\b", r"\bCFO\b", r"\bemployees\b"}
WORDING |= {r"\bcontractor\b", r"\bSheffield\b", r"\bworking days\b"}


@pytest.mark.slow
@pytest.mark.parametrize("pattern", SWAPS)
def test_a_word_that_makes_a_rule_is_told_once_wherever_it_is_replaced(pattern: str) -> None:
    dice, told = Random(1), 0
    for name, (text, media_type) in TEXTS.items():
        places = list(re.finditer(pattern, text))
        for match in dice.sample(places, min(PLACES, len(places))):
            heading = text[text.rfind("\n", 0, match.start()) + 1 :].startswith("#")
            if not heading or OF_A_TITLE.search(pattern):
                new = f"{text[: match.start()]}{SWAPS[pattern]}{text[match.end() :]}"
                found = text_changes(text, new, media_type)
                here = f"{name}: {text[match.start() - 40 : match.end() + 40]!r}: {spans(*found)}"
                assert len(found) == 1 and (found[0].severity == "major" or pattern in WORDING), here
                told += 1
    assert told


def in_another_order(text: str, by: str) -> str:
    first, *parts = re.split(by, text)
    Random(2).shuffle(parts)
    return "\n\n".join(part.strip() for part in (first, *parts))


def wrapped(text: str) -> str:
    """Break the lines of plain paragraphs after every fourth word."""
    return re.sub(
        r"(?m)^[A-Z][^|\n]*$", lambda line: re.sub(r"((?:\S+ ){3}\S+) (?=[A-Za-z]{2})", r"\1\n", line[0]), text
    )


def with_one_sentence_more(text: str) -> str:
    return text.replace("\n\n## ", "\n\nThis page was written with care.\n\n## ")


SAID_ANEW: dict[str, Callable[[str], str]] = {
    "sections in another order": lambda text: in_another_order(text, r"(?m)^(?=## )"),
    "lines wrapped": wrapped,
    "sentences joined": lambda text: re.sub(r"(?<=[a-z])\. (?=(?:The|It|They|An|You|If) )", "; ", text),
    "sentences parted": lambda text: re.sub(r"(?<=[a-z]); ([a-z])", lambda match: f". {match[1].upper()}", text),
    "numbers in words": lambda text: re.sub(
        r"(?<![\w.,:£$-])(?:2|3|4|5|10|30)(?= [a-z])", lambda match: WORDS[match[0]], text
    ),
    "contractions": lambda text: re.sub(r"\b(do|does|is|are|must) not\b", r"\1n't", text),
    "headings numbered anew": lambda text: re.sub(
        r"(?m)^(#+ )(\d+)\.", lambda match: f"{match[1]}{int(match[2]) + 1}.", text
    ),
    "a sentence more": with_one_sentence_more,
    "quotation marks": lambda text: re.sub(r'"([^"\n]*)"', r"“\1”", text).replace("'", "’"),
    "synonyms": lambda text: re.sub(r"\b(begins|starts)\b", "commences", text).replace(" explains ", " describes "),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", SAID_ANEW)
def test_a_document_that_says_the_same_in_another_way_is_minor(way: str) -> None:
    changed = 0
    for name, (text, media_type) in TEXTS.items():
        new = SAID_ANEW[way](text)
        changed += new != text
        grave = [spans(one) for one in text_changes(text, new, media_type) if one.severity != "minor"]
        assert grave == [], name
    assert changed
