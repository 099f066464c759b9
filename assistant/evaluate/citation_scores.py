"""Citations as ALCE scores them (Gao et al. 2023), with the support check in place of its entailment model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.answer.support import check_support
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


def citation_scores(answer: str, citations: Sequence[Cited], min_support: float) -> dict[str, float]:
    """Return citation recall and precision, and how many keys no citation carries.

    Recall is the share of statements that their quotes support, alone or together. A citation is precise if its
    statement is supported, and it either supports it alone or is needed by the others.
    """
    by_key = {c["key"]: c for c in citations}
    recalled, precise = [], []
    for statement in statements(answer):
        whole = _supports(statement.text, [by_key[k] for k in statement.keys if k in by_key], min_support)
        recalled.append(float(whole))
        for key in statement.keys:
            rest = [by_key[k] for k in statement.keys if k in by_key and k != key]
            alone = key in by_key and _supports(statement.text, [by_key[key]], min_support)
            precise.append(float(whole and (alone or not _supports(statement.text, rest, min_support))))
    invented = {key for statement in statements(answer) for key in statement.keys} - set(by_key)
    return {
        "citation_recall": sum(recalled) / max(1, len(recalled)),
        "citation_precision": sum(precise) / max(1, len(precise)),
        "invented_keys": float(len(invented)),
    }


def _supports(statement: str, cited: Sequence[Cited], min_support: float) -> bool:
    together = [[c] for c in cited] + ([list(cited)] if len(cited) > 1 else [])
    return any(
        check_support(
            statement,
            "\n".join(c["quote"] for c in some),
            min_support,
            "\n".join(part for c in some for part in (c["title"], *c["headings"])),
        ).supported
        for some in together
    )
