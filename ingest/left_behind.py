"""A document that was renamed without the sidecar that restricts it is not open to more people by that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from assistant.core.errors import DocumentRejected
from assistant.index.schema import SourceRow
from ingest.beside import own_names
from ingest.metadata import no_wider


class SidecarsLeft:
    """Knows the restricted files that were indexed, by their bytes."""

    def __init__(self, known: Iterable[SourceRow]) -> None:
        self._restricted: dict[str, list[SourceRow]] = defaultdict(list)
        for row in known:
            if row.meta.audience:
                self._restricted[row.sha256].append(row)

    def check(self, new: SourceRow) -> None:
        """Raise DocumentRejected for a new file with a gone one's bytes, wider rights, and not its sidecar."""
        for row in self._restricted.get(new.sha256, ()):
            old = Path(row.path)
            if no_wider(row.meta, new.meta) and not no_wider(new.meta, row.meta) and not old.exists():
                for name in sorted(own_names(old.name)):
                    if old.with_name(name).exists():
                        why = f"it was {row.source!r}, whose sidecar {name!r} stayed there: rename or remove that too"
                        raise DocumentRejected("metadata", f"What is said of the document is unclear: {why}.")
