"""Say what a cell's number format shows of its value: which of its sections holds, and the words that stand in it.

Numbers keep all of their digits and get no separators, however few or many the format shows: what is read is exact.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

# Text in quotation marks or behind a backslash; room as wide as a sign, or filled with one; a currency, with or
# without a locale; a condition, colour or locale; placeholders, and a fraction's denominator; any other sign.
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|[_*].|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<digits>General|[\d#?@.,]+)|(?P<sign>.)",
    re.DOTALL | re.IGNORECASE,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+\.?\d*)")
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    **{"<": operator.lt, "<=": operator.le, "=": operator.eq},
    **{">": operator.gt, ">=": operator.ge, "<>": operator.ne},
}
# Which numbers up to three sections are for, unless they say so.
_USUAL: tuple[tuple[str, ...], ...] = ((), ("",), (">=0", ""), (">0", "<0", ""))


class _Section(NamedTuple):
    condition: str
    before: str
    digits: str  # the placeholders; empty if there are none
    after: str
    factor: float = 1


def shown_number(value: float, number_format: str) -> str:
    """Return what is shown of a number: empty if it is nothing, the words alone if those stand for it."""
    section = _section_for(value, number_format)
    if section is None:
        return _plain(value)
    before, digits, after = section[1:4]
    if not digits:
        return before
    # A section of its own for negative numbers writes their sign itself, but where it only colours them.
    opposite = _section_for(-value, number_format)
    sign = "-" if value < 0 and (opposite is None or opposite[1::2] == section[1::2]) else ""
    shown = "" if value == 0 and not digits.strip("#?.,") else _plain(abs(value) * section.factor)
    return f"{sign}{before}{shown}{after}"


def shown_text(text: str, number_format: str) -> str:
    """Return what is shown of a text."""
    sections = _sections(number_format)
    if len(sections) > 3 or "@" in sections[-1].digits:
        _, before, digits, after, _ = sections[min(len(sections), 4) - 1]
        return f"{before}{text}{after}" if digits else before
    return text


def _plain(value: float) -> str:
    if isinstance(value, int) or (value == value and abs(value) < 1e15 and value == int(value)):
        return str(int(value))
    return f"{round(value, 10):.12g}" if abs(value) >= 1e-4 else f"{value:.6g}"


def _section_for(value: float, number_format: str) -> _Section | None:
    sections = _sections(number_format)[:3]
    if "@" in sections[-1].digits:
        sections = sections[:-1]
    for section, usual in zip(sections, _USUAL[len(sections)], strict=True):
        # The second of two is for all that the first one, whose condition it may have, is not for.
        sign, limit = _condition(section.condition or usual)
        if not sign or _HOLDS[sign](value, limit):
            return section
    return None


def _condition(text: str) -> tuple[str, float]:
    match = _CONDITION.match(text)
    return (match[1], float(match[2])) if match else ("", 0)


@lru_cache(1_000)  # a workbook has few
def _sections(number_format: str) -> tuple[_Section, ...]:
    parts: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(number_format):
        if token["sign"] == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(map(_section, parts))


def _section(tokens: list[re.Match[str]]) -> _Section:
    at = [at for at, token in enumerate(tokens) if token["digits"]] or [len(tokens)]
    first, last = at[0], at[-1]
    condition = next((token["bracket"] for token in tokens if _CONDITION.match(token["bracket"] or "")), "")
    digits = "".join(token["digits"] for token in tokens if token["digits"])
    if any(token["quoted"] for token in tokens[first:last]):  # one number in several parts: 1" h "30" min"
        return _Section(condition, "", digits, "")
    percent = sum(token["sign"] == "%" for token in tokens)
    # Commas behind the last placeholder, or before the decimal point, leave out three digits each.
    thousands = sum(len(part) - len(part.rstrip(",")) for part in digits.split("."))
    before, after = ("".join(map(_literal, part)) for part in (tokens[:first], tokens[last + 1 :]))
    return _Section(condition, before, digits, after, 100**percent / 1000**thousands)


def _literal(token: re.Match[str]) -> str:
    return token["quoted"] or token["escaped"] or token["currency"] or token["sign"] or ""
