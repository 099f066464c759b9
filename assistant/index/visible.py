"""Who may see what, as SQL: every read that leaves the catalog goes through this."""

from __future__ import annotations

import json

from assistant.core.records import Access

# A source may be seen by its audience, between its dates; what has ended, by whoever looks at versions or upkeep.
BEGUN = """(s.effective <= :as_of AND
    (s.open OR EXISTS (SELECT 1 FROM audience a WHERE a.path = s.path
                       AND a.role IN (SELECT value FROM json_each(:roles)))))"""
VISIBLE = f"(s.expires >= :as_of AND {BEGUN})"
SEEN = f"SELECT s.document_id FROM sources s WHERE {VISIBLE}"


def visible_to(access: Access) -> dict[str, str]:
    """Return the parameters of `VISIBLE` and `BEGUN`."""
    return {"as_of": access.as_of, "roles": json.dumps(sorted(access.roles))}
