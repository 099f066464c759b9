"""What a sentence states, in one spelling: its numbers by value, and dates, currencies and contractions folded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
NUMBER = re.compile(r"(?:(?<![^\s(£€$])[-−–])?(?:(?<![\w.,])[.,])?\d+(?:[.,:]\d+)*")  # ".5" is no 5
SMALL: Mapping[str, int | Decimal] = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""".split()
    )
} | {"half": Decimal("0.5"), "once": 1, "twice": 2, "first": 1, "second": 2, "third": 3, "dozen": 12}
TENS = {w: 20 + 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split())}
TIMES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
COUNTED = re.compile(r"-[^\W\d_]")  # of "thirty one-day courses" the second number is of another thing
MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"

# Behind the day of a month, and not behind a number of something: "in April 20 days may be taken".
DAY_ENDS = (
    r"(?=\s*(?:[;)\n]|[.,:](?!\d)|$|\d{4}\b"
    r"|(?:and|or|to|until|of|at|each|every|in|on|the|is|are|was|were|will|must|may|shall)\b))"
)

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
    (re.compile(r"([£€$] ?[.,]?\d+(?:[.,]\d+)*)(k|m|bn)\b"), lambda m: m[1] + SUFFIX[m[2]]),
    (
        re.compile(r"([£€$]) ?([.,]?\d+(?:[.,]\d+)*(?: (?:hundred|thousand|million|billion)\b)?)"),
        lambda m: f"{m[2]} {CURRENCY[m[1]]}",
    ),
    (re.compile(r"[£€$]"), lambda m: f" {CURRENCY[m[0]]} "),
    (re.compile(r"%|\bper cent\b"), " percent"),
    (re.compile(rf"\b({MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?:, (?=\d{{4}}\b)|{DAY_ENDS})", re.IGNORECASE), r"\2 \1 "),
    (re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th) (?=(?:{MONTH})\b)", re.IGNORECASE), r"\1 "),
)


def numbers(text: str) -> frozenset[str]:
    """Return the numbers that a text states, in one spelling: `1,250.00` and `1250`, `twenty-five` and `25`."""
    return frozenset(number for _, _, number in quantities(text))


def fold_signs(text: str) -> str:
    """Write in one way what can be written in two: white space, contractions, currencies, percents and dates."""
    for pattern, new in FOLDS:
        text = pattern.sub(new, text)
    return text


def quantities(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, number) for digits and words: `1,250.00`, `twenty-five`, `two hundred`, `£5 million`."""
    value: Decimal | None = None
    start = end = 0
    tens = False
    for match in re.finditer(rf"{NUMBER.pattern}|[a-z]+", text, re.IGNORECASE):
        word = match.group().casefold()
        between = value is not None and re.fullmatch(r"[\s-]+", text[end : match.start()])
        joined = between and not COUNTED.match(text, match.end())
        if joined and value is not None and word in TIMES:
            value, tens = value * TIMES[word], False
        elif joined and value is not None and tens and 0 < SMALL.get(word, 0) < 10:
            value, tens = value + SMALL[word], False
        else:
            if value is not None:
                yield start, end, _digits(value)
            value, start, tens = None, match.start(), word in TENS
            if word in SMALL or word in TENS or word in TIMES:
                value = Decimal(SMALL.get(word) or TENS.get(word) or TIMES.get(word) or 0)
            elif not word[0].isalpha():
                plain = re.sub(r",(?=\d{3}(?!\d))", "", word.replace("−", "-").replace("–", "-"))
                if re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.(?:\d\d?|\d{4,}))?", plain, re.ASCII):
                    value = Decimal(plain)
                else:
                    yield start, match.end(), plain  # a time, a section, an extension, "1.500"
        end = match.end()
    if value is not None:
        yield start, end, _digits(value)


def _digits(value: Decimal) -> str:
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
