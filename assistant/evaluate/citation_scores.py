"""Citations as ALCE scores them (Gao et al. 2023), with equality of statement and quote for its entailment model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.answer.proof.equality import is_its_quote
from assistant.text.canonical import last_heading
from assistant.text.prompts import KEY

KEYS = re.compile(r"(?:\[\d{1,3}\]\s*)+")
Cited = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """A part of an answer, and the keys that close it."""

    text: str
    keys: tuple[int, ...]


def statements(answer: str) -> list[Statement]:
    """Split an answer at its keys; what follows the last ones has none."""
    found, start = [], 0
    for match in KEYS.finditer(answer):
        keys = dict.fromkeys(int(key) for key in KEY.findall(match.group()))
        found.append(Statement(answer[start : match.start()].strip(), tuple(keys)))
        start = match.end()
    return [*(s for s in found if s.text), *([Statement(rest, ())] if (rest := answer[start:].strip()) else [])]


def citation_scores(answer: str, citations: Sequence[Cited]) -> dict[str, float]:
    """Return citation recall and precision, and how many keys no citation carries.

    Recall is the share of statements that are one of their quotes; precision is the share of keys whose quote the
    statement is.
    """
    by_key = {c["key"]: c for c in citations}
    recalled: list[float] = []
    precise: list[float] = []
    for statement in statements(answer):
        proved = [key in by_key and _proves(by_key[key], statement.text) for key in statement.keys]
        recalled.append(float(any(proved)))
        precise += map(float, proved)
    invented = {key for statement in statements(answer) for key in statement.keys} - set(by_key)
    return {
        "citation_recall": sum(recalled) / max(1, len(recalled)),
        "citation_precision": sum(precise) / max(1, len(precise)),
        "invented_keys": float(len(invented)),
    }


def _proves(cited: Cited, statement: str) -> bool:
    return is_its_quote(statement, cited["quote"], last_heading(cited["title"], cited["headings"]))
