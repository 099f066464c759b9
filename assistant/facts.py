"""What a sentence states, in one spelling: its numbers, dates, names, negations, obligations and content words.

`Facts` holds what the rules of `assistant.support` compare of a claim and a quote.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from assistant.retrieve import STOP_WORDS


def stem(word: str) -> str:
    """Strip the common English endings, enough to match a word with its plural or participle."""
    word = word.casefold().replace("’", "'").removesuffix("'s")
    for ending, least in (("ies", 3), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3), ("e", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            return word.removesuffix(ending) + ("y" if ending == "ies" else "")
    return word


def stemmed(words: str) -> frozenset[str]:
    """Return the stems of words with white space between them."""
    return frozenset(map(stem, words.split()))


WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
NUMBER = re.compile(r"(?:(?<![^\s(£€$])[-−])?\d+(?:[.,:]\d+)*")
SMALL: Mapping[str, int | Decimal] = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""".split()
    )
} | {"half": Decimal("0.5"), "once": 1, "twice": 2, "first": 1, "second": 2, "third": 3, "dozen": 12}
TENS = {w: 20 + 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split())}
TIMES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
UNITS = stemmed(
    """second minute hour day week month quarter year pound euro dollar percent mile metre meter kilometre kilometer km
    gram kilo kilogram degree"""
)
MONTHS = "january february march april may june july august september october november december".split()
DAYS = stemmed("monday tuesday wednesday thursday friday saturday sunday")
MONTH = "|".join(MONTHS)
# Words that any sentence has, and those of numbers, which are compared as numbers.
STOPS = frozenset(map(stem, (*STOP_WORDS, *SMALL, *TENS, *TIMES)))

# What one thing written in two ways is folded to, before anything is compared.
CURRENCY = {"£": "pounds", "€": "euros", "$": "dollars"}
SUFFIX = {"k": " thousand", "m": " million", "bn": " billion"}
CONTRACTED = {"re": " are", "ll": " will", "ve": " have"}
FOLDS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"[ \n\xa0]+"), " "),  # not control characters: a rule refuses them
    (re.compile(r"\b(c)an(?:['’]t|not)\b", re.IGNORECASE), r"\1an not"),
    (re.compile(r"\b(w)on['’]t\b", re.IGNORECASE), r"\1ill not"),
    (re.compile(r"n['’]t\b", re.IGNORECASE), " not"),
    (re.compile(r"['’](re|ll|ve)\b"), lambda m: CONTRACTED[m[1]]),
    (re.compile(r"([£€$] ?\d+(?:[.,]\d+)*)(k|m|bn)\b"), lambda m: m[1] + SUFFIX[m[2]]),
    (
        re.compile(r"([£€$]) ?(\d+(?:[.,]\d+)*(?: (?:hundred|thousand|million|billion)\b)?)"),
        lambda m: f"{m[2]} {CURRENCY[m[1]]}",
    ),
    (re.compile(r"[£€$]"), lambda m: f" {CURRENCY[m[0]]} "),
    (re.compile(r"%|\bper cent\b"), " percent"),
    (re.compile(rf"\b({MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?![\w:])(?:, (?=\d{{4}}\b))?", re.IGNORECASE), r"\2 \1 "),
    (re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th) (?=(?:{MONTH})\b)", re.IGNORECASE), r"\1 "),
)

NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|without|excluding|prohibited|forbidden)\b", re.IGNORECASE)
MODALS = {
    "must": re.compile(r"\b(?:must|shall|required|requires?|mandatory|has to|have to|needs? to)\b", re.IGNORECASE),
    "should": re.compile(r"\b(?:should|recommended|expected|advised)\b", re.IGNORECASE),
    "may": re.compile(
        r"\b(?:(?-i:may|MAY|(?<!\d )May(?! \d))|can|could|might|allowed|permitted|eligible|entitled)\b", re.IGNORECASE
    ),
}
# "Statutory Maternity Pay (SMP)", but not "employees (or contractors)".
BRACKET = re.compile(r" ?\((?![^()]*\b(?:and|or)\b)[^()]*\)", re.IGNORECASE)
DETERMINER = r"(?:(?:the|an?|your|their|its|his|her|our|any|other|to|of|in|for|by|with) )*"
# The second word is only looked at, so that it can be the first of the next pair: "you and your husband or wife".
PAIR = re.compile(rf"([^\W_][\w'’-]*)\)? \(?(and|or)\)? \(?(?={DETERMINER}([^\W_][\w'’-]*))", re.IGNORECASE)
ADDRESS = re.compile(r"(?<!\S)\S*(?:@|://|www\.|\w\.[a-z]{2,5}\b)\S*", re.IGNORECASE)  # or a file's name
# Whom a rule is for or who acts in it: leaving them out makes another rule of it.
ACTORS = stemmed(
    """employee contractor manager supplier customer visitor director approver sponsor candidate agency vendor partner
    parent apprentice intern trustee board officer lead head team worker freelancer volunteer"""
)
# Others whose places may not be changed.
ROLES = ACTORS | stemmed(
    """employer member provider client patient doctor student teacher tenant landlord applicant claimant owner user
    buyer seller lender borrower child spouse supervisor staff administrator auditor reviewer you we"""
)


def numbers(text: str) -> frozenset[str]:
    """Return the numbers that a text states, in one spelling: `1,250.00` and `1250`, `twenty-five` and `25`."""
    return frozenset(number for _, number in quantities(text))


@dataclass(frozen=True)
class Facts:
    """A folded text (see `fold`) and what the rules compare of it."""

    text: str

    @cached_property
    def words(self) -> dict[str, str]:
        """The words as they are written, by stem."""
        return {stem(m.group()): m.group() for m in WORD.finditer(self.text)}

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(stem(m.group()) for m in WORD.finditer(self.text))

    @cached_property
    def bare(self) -> str:
        """The text without its brackets."""
        return BRACKET.sub("", self.text)

    @cached_property
    def addresses(self) -> set[str]:
        return {a.strip("(\"'.,;:!?)") for a in ADDRESS.findall(self.text)}

    @cached_property
    def dates(self) -> set[str]:
        """Months and weekdays; "may" is a month only where a day or a year stands beside it."""
        months = {m for m in MONTHS if m != "may" and re.search(rf"\b{m}\b", self.text, re.IGNORECASE)}
        may = {"may"} if re.search(r"\b(?:\d{1,2} May|May \d)", self.text) else set()
        return months | may | (self.words.keys() & DAYS)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return numbers(self.text)

    @cached_property
    def content(self) -> list[tuple[int, str]]:
        """Position and stem or number of everything but the words that any sentence has."""
        found = [(at, number) for at, number in quantities(self.text)]
        found += [(m.start(), key) for m in WORD.finditer(self.text) if (key := stem(m.group())) not in STOPS]
        return sorted(found)

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(key for _, key in self.content)

    @cached_property
    def modals(self) -> dict[str, list[re.Match[str]]]:
        found = {name: list(pattern.finditer(self.text)) for name, pattern in MODALS.items()}
        return {name: matches for name, matches in found.items() if matches}

    @cached_property
    def negations(self) -> list[re.Match[str]]:
        return list(NEGATION.finditer(self.text))

    @cached_property
    def names(self) -> frozenset[str]:
        """Acronyms, and words with a capital inside a sentence."""
        words = [m.group() for m in WORD.finditer(self.text)]
        return frozenset(
            w
            for i, w in enumerate(words)
            if (w.isupper() and len(w) > 1) or (i > 0 and w[0].isupper() and w not in ("I", "You", "We"))
        )

    @cached_property
    def pairs(self) -> dict[tuple[str, str], set[str]]:
        """The `and` or `or` between two words."""
        found: dict[tuple[str, str], set[str]] = {}
        for match in PAIR.finditer(self.bare):
            left, right = WORD.findall(match[1]), WORD.findall(match[3])
            if left and right:
                found.setdefault((stem(left[-1]), stem(right[0])), set()).add(match[2].casefold())
        return found

    def ordered(self, names: frozenset[str]) -> list[tuple[str, str]]:
        """Return (kind, token), in order, of everything whose order is part of the meaning."""
        found = [(at, "number", number) for at, number in quantities(self.text)]
        found += [(m.start(), "not", "") for m in self.negations]
        found += [(m.start(), "modal", name) for name, matches in self.modals.items() for m in matches]
        found += [
            (m.start(), "word", word)
            for m in WORD.finditer(self.text)
            if (word := stem(m.group())) in ROLES or word in names or word in DAYS or (word in MONTHS and word != "may")
        ]
        return [(kind, token) for _, kind, token in sorted(found)]

    def written(self, key: str) -> str:
        """Return a stem or number as the text writes it."""
        return self.words.get(key, key)

    def phrases(self, *patterns: re.Pattern[str]) -> Counter[str]:
        """Count what patterns match, in lower case."""
        return Counter(m.group().casefold() for p in patterns for m in p.finditer(self.text))

    def after(self, match: re.Match[str], count: int) -> list[str]:
        """Return the next content words."""
        return [key for at, key in self.content if at >= match.end()][:count]

    def before(self, match: re.Match[str], count: int) -> list[str]:
        """Return the last content words before."""
        return [key for at, key in self.content if at < match.start()][-count:] if count else []


def fold(text: str) -> str:
    """Write in one way what can be written in two: white space, contractions, currencies, percents and dates."""
    for pattern, new in FOLDS:
        text = pattern.sub(new, text)
    return text


def stems(text: str) -> set[str]:
    """Return the stems of a text's words."""
    return {stem(m.group()) for m in WORD.finditer(text)}


def quantities(text: str) -> Iterator[tuple[int, str]]:
    """Yield (position, number) for digits and words: `1,250.00`, `twenty-five`, `two hundred`, `£5 million`."""
    value: Decimal | None = None
    start = end = 0
    tens = False
    for match in re.finditer(rf"{NUMBER.pattern}|[a-z]+", text, re.IGNORECASE):
        word = match.group().casefold()
        joined = value is not None and re.fullmatch(r"[\s-]+", text[end : match.start()])
        if joined and value is not None and word in TIMES:
            value, tens = value * TIMES[word], False
        elif joined and value is not None and tens and 0 < SMALL.get(word, 0) < 10:
            value, tens = value + SMALL[word], False
        else:
            if value is not None:
                yield start, _digits(value)
            value, start, tens = None, match.start(), word in TENS
            if word in SMALL or word in TENS or word in TIMES:
                value = Decimal(SMALL.get(word) or TENS.get(word) or TIMES.get(word) or 0)
            elif not word[0].isalpha():
                plain = re.sub(r",(?=\d{3}(?!\d))", "", word.replace("−", "-"))
                if re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", plain, re.ASCII):
                    value = Decimal(plain)
                else:
                    yield start, plain  # a time, a section, an extension, a decimal comma
        end = match.end()
    if value is not None:
        yield start, _digits(value)


def _digits(value: Decimal) -> str:
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
