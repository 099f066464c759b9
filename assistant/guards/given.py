"""What of an answer stands in the texts that it was worded from."""

from __future__ import annotations

from collections.abc import Iterable

MAX_SOUGHT = 256  # different ones in an answer, each sought in all sources: more are taken for not given


def given(values: Iterable[str], sources: str) -> frozenset[str]:
    """Return which of the values the sources hold, of the first MAX_SOUGHT different ones."""
    return frozenset(value for value in list(dict.fromkeys(values))[:MAX_SOUGHT] if value in sources)
