"""Whether a model's sentence agrees with the passages that it names: what it counts, dates and names stands there.

That finds what is invented. A condition that was dropped, "may" for "must" or another row's figure it does not find:
such a sentence uses what stands there (docs/use/model.md tells how often).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from assistant.text.quantities import numerals, quantities
from assistant.text.words import STOP_WORDS, content, stem

# An address, or a word with its inner signs.
TOKEN = re.compile(
    r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++|(?:https?://|www\.)[^\s<>()\"']+|[^\W_]+(?:[-'’.&/+][^\W_]+)*"
)
ADDRESS = re.compile(r"@|^https?://|^www\.", re.IGNORECASE)
PATH = re.compile(r"[a-z]{2}[./][a-z]{2}", re.IGNORECASE)
# "Head of People"; no "Grade A".
NAMED = re.compile(r"(?<![\w'’&-])[A-Z][\w'’&-]++(?: (?:(?:of|and|for|the) )?[A-Z][\w'’&-]++)++")
ROLE = re.compile(
    r"\b([a-z]+) (managers?|directors?|officers?|heads?|leads?|leaders?|supervisors?|boards?|committees?|teams?|owners?"
    r"|controllers?|counsel)\b"
)
COUNTED = r"[£€$]?\d[\d,]{0,15}+(?:\.\d{1,6}+)?+%?+(?: (?!x )[^\W\d]{1,20}+){0,3}+"  # "£180", "2 nights"
SUM = re.compile(rf"({COUNTED}(?: ?[-−–+×x*/÷] ?{COUNTED}){{1,8}}+) = [£€$]?(\d[\d,]*(?:\.\d+)?)")
TERM = re.compile(r"([-−–+×x*/÷]? ?)[£€$]?(\d[\d,]*(?:\.\d+)?)")
# Words that often begin a sentence, of classes that gain none: any other that nothing given has may be a name.
OPENERS = STOP_WORDS | frozenset(
    """yes no not never always usually normally generally sometimes often once first second third then next last finally
    because since although though while whereas unless until otherwise instead however therefore also only even just
    still already again both either neither none nothing nobody everyone everybody everything anyone anybody anything
    someone somebody something each every another other others such most many more several few under over above below
    within without during against between through except besides beyond per one two three four five six seven eight nine
    ten please sorry thanks congratulations perhaps maybe according depending whether whoever whatever whenever wherever
    here where otherwise together""".split()
)
LEAST_SHARE = 0.5  # of a sentence's words that stand in the passages that carry it, or in the question


@dataclass(frozen=True, slots=True)
class Stated:
    """What texts say that can be compared: words by their stems, figures alone and with units, and all of it in a line.

    `stems` are the words that tell something.
    """

    words: frozenset[str]
    stems: frozenset[str]
    figures: frozenset[str]
    measured: frozenset[tuple[str, str]]
    line: str

    @classmethod
    def of(cls, texts: Sequence[str]) -> Stated:
        """Read texts."""
        joined = "\n".join(texts)
        counted = quantities(joined)
        return cls(
            frozenset(part for match in TOKEN.finditer(joined) for part in _stems(match.group())),
            frozenset(content(joined)),
            frozenset((*(one.value for one in numerals(joined)), *(one.value for one in counted))),
            frozenset(one.measured for one in counted),
            _line(joined),
        )

    def has_figure(self, figure: Figure) -> bool:
        """Tell whether a figure stands there, in its unit or without one."""
        if figure.unit:
            return not self.measured.isdisjoint({(figure.value, figure.unit), (figure.number, "")})
        return not self.figures.isdisjoint({figure.value, figure.number})

    def has_name(self, name: str) -> bool:
        """Tell whether a name stands there, or each of its parts, or an address as it is."""
        whole = ADDRESS.search(name) is not None and _line(name) in self.line
        return whole or all(part in self.words for part in _stems(name))


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a sentence as it is `said`; with a unit, its value is that in the smallest unit like it."""

    said: str
    number: str
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What a sentence says that the passages which it names do not: `invented` stands in nothing that was given.

    It is `carried` where they have at least half of its words.
    """

    invented: tuple[str, ...]
    elsewhere: tuple[str, ...]
    carried: bool


def disagreement(sentence: str, named: Stated, shown: Stated) -> Disagreement:
    """Compare a sentence, without its keys, with the passages that it names, and with all that the model was shown."""
    sums = {*_right_sums(sentence)}
    invented: list[str] = []
    elsewhere: list[str] = []
    for figure in _figures(sentence):
        if figure.number not in sums and not named.has_figure(figure):
            (elsewhere if shown.has_figure(figure) else invented).append(figure.said)
    for name in _names(sentence):
        if not named.has_name(name):
            (elsewhere if shown.has_name(name) else invented).append(name)
    first = TOKEN.search(sentence)
    if first and first.group().casefold() not in OPENERS and not shown.has_name(first.group()):
        invented.append(first.group())
    elsewhere += [said for said in _phrases(sentence) if _line(said) not in named.line]
    own = content(sentence)
    carried = len(own & named.stems) >= LEAST_SHARE * len(own)
    return Disagreement(tuple(dict.fromkeys(invented)), tuple(dict.fromkeys(elsewhere)), carried)


def _figures(sentence: str) -> Iterator[Figure]:
    """Yield what is counted, paid or dated, and every number in digits; "one of them" counts nothing."""
    counted = {at: one for one in quantities(sentence) for at in range(one.start, one.end)}
    for numeral in numerals(sentence):
        said = sentence[numeral.start : numeral.end]
        within = counted.get(numeral.start)
        if within and within.unit and within.kind != "frequency":
            yield Figure(sentence[within.start : within.end], numeral.value, *within.measured)
        elif any(map(str.isdigit, said)):
            time = within.value if within and within.kind == "time" else numeral.value
            yield Figure(said, numeral.value, time, "")


def _names(sentence: str) -> Iterator[str]:
    """Yield addresses, codes and capitalised words; one that begins the sentence is none, unless another follows."""
    begins = True
    for match in TOKEN.finditer(sentence):
        token, after = match.group().rstrip("."), sentence[match.end() : match.end() + 2]
        coded = any(map(str.isupper, token[1:])) or (any(map(str.isalpha, token)) and any(map(str.isdigit, token)))
        named = token[:1].isupper() and (not begins or after.lstrip()[:1].isupper())
        if ADDRESS.search(token) or PATH.search(token) or ((coded or named) and token.casefold() not in STOP_WORDS):
            yield token
        begins = after.strip() in tuple(":.?!–—")


def _stems(token: str) -> Iterator[str]:
    if ADDRESS.search(token):
        yield token.casefold().rstrip(".")
    else:
        yield from (stem(part) for part in re.split(r"[-/]", token))


def _phrases(sentence: str) -> Iterator[str]:
    """Yield names of several words, and roles: "Head of People", "line manager"."""
    for match in NAMED.finditer(sentence):
        name = match.group()
        first, _, rest = name.partition(" ")
        yield rest if first.casefold() in STOP_WORDS else name
    yield from (match.group() for match in ROLE.finditer(sentence) if match[1] not in STOP_WORDS | {"other", "both"})


def _right_sums(sentence: str) -> Iterator[str]:
    """Yield the results of sums that a sentence writes out and that are right: "2 x £180 = £360"."""
    for match in SUM.finditer(sentence):
        total: Decimal | None = None
        try:
            for sign, number in TERM.findall(match[1]):
                value = Decimal(number.replace(",", ""))
                total = value if total is None else _applied(sign.strip(), total, value)
            if total == Decimal(match[2].replace(",", "")):
                yield from (numeral.value for numeral in numerals(match[2]))
        except (InvalidOperation, ZeroDivisionError):
            continue


def _applied(sign: str, total: Decimal, value: Decimal) -> Decimal:
    if sign in ("×", "x", "*"):
        return total * value
    if sign in ("/", "÷"):
        return total / value
    return total + value if sign == "+" else total - value


def _line(text: str) -> str:
    return " ".join(text.replace("-", " ").replace("’", "'").split()).casefold()
