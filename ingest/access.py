"""Who sees what, and why: the documents of the index or of files, each with its audience and the rules that set it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import Access, Audience, Meta
from assistant.index.catalog import Catalog
from assistant.index.schema import FOREVER, SourceRow
from ingest.manifest import AccessRule
from ingest.rights import Rights, survey
from ingest.sources import FoundFile

Matched = tuple[AccessRule, str]  # a rule, and its glob that matches


@dataclass(frozen=True, slots=True)
class DocumentAccess:
    """Who may see a document; `rules` are those that match it, none where the default holds.

    `differs` says that the index holds another audience than the manifest gives now: it is to be ingested again.
    """

    source: str
    audience: Audience
    rules: tuple[Matched, ...] = ()
    effective: str | None = None
    expires: str | None = None
    differs: bool = False

    def seen_by(self, access: Access) -> bool:
        """Tell whether somebody sees it."""
        allowed = self.audience is None or not access.roles.isdisjoint(self.audience)
        return allowed and (self.effective or "") <= access.as_of <= (self.expires or FOREVER)

    @property
    def shown_audience(self) -> str:
        """The audience as a manifest says it."""
        if not self.audience:
            return "everyone" if self.audience is None else "nobody"
        return ", ".join(self.audience)

    @property
    def why(self) -> str:
        """Which rules set the audience."""
        named = ", ".join(f"rule {rule.number} ({glob})" for rule, glob in self.rules) or "no rule"
        return f"{named}; changed since: ingest again" if self.differs else named

    def to_json(self) -> dict[str, object]:
        """Return it as `access --json` prints it."""
        rules = [{"rule": rule.number, "path": glob} for rule, glob in self.rules]
        audience = [*self.audience] if self.audience else self.shown_audience
        dates = {"effective": self.effective, "expires": self.expires}
        return {"source": self.source, "audience": audience, "rules": rules, **dates, "differs": self.differs}


def access_to_files(paths: Sequence[Path]) -> list[DocumentAccess]:
    """Return who would see the documents among files if they were ingested; raises UsageError as an ingest would.

    Dates are those of the manifest: no file is read.
    """
    found = survey(paths, {}, {})
    entries = [(file.source, found.rights.of(file).meta, found.rights.matching(file)) for file in found.files]
    return sorted((_entry(*entry) for entry in entries), key=lambda entry: entry.source)


def access_to_index(config: Config) -> tuple[list[DocumentAccess], str]:
    """Return who sees the indexed documents, and what is wrong with the manifests on disk, if anything.

    The audience is that of the index; the rules are those that stand in `access.toml` today. Raises IndexMissing.
    """
    with closing(Catalog.open(config.data)) as catalog:
        known = catalog.sources()
    roots = [Path(root) for root in {row.root for row in known.values()} if Path(root).is_dir()]
    problem = ""
    files: Mapping[str, FoundFile] = {}
    rights = Rights({}, ())
    try:
        found = survey(roots, known, {})
        files, rights = {str(file.path): file for file in (*found.files, *found.others)}, found.rights
    except UsageError as error:
        problem = error.cause
    entries = [_indexed(row, files.get(path), rights) for path, row in known.items()]
    return sorted(entries, key=lambda entry: entry.source), problem


def _indexed(row: SourceRow, file: FoundFile | None, rights: Rights) -> DocumentAccess:
    if file is None:
        return _entry(row.source, row.meta, ())
    return _entry(row.source, row.meta, rights.matching(file), rights.of(file).meta.audience != row.meta.audience)


def _entry(source: str, meta: Meta, rules: Sequence[Matched], differs: bool = False) -> DocumentAccess:
    return DocumentAccess(source, meta.audience, tuple(rules), meta.effective, meta.expires, differs)
