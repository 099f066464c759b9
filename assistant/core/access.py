"""Who asks, and on which day."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from assistant.core.errors import UsageError
from assistant.core.records import Access


def make_access(roles: Sequence[str] = (), as_of: str = "") -> Access:
    """Build an Access; `as_of` is today unless given. Raises UsageError for a bad date."""
    try:
        day = datetime.date.fromisoformat(as_of) if as_of else datetime.date.today()
    except ValueError:
        raise UsageError(f"the day must be a date YYYY-MM-DD, not {as_of!r}.") from None
    return Access(frozenset(role.strip().lower() for role in roles if role.strip()), day.isoformat())
