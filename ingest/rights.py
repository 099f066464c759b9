"""What is to be ingested, and the rights that the manifests above it give to each file: all checked before any is read.

A folder that holds `access.toml` is the root of all that lies below it, whatever part of it is ingested: its files are
always listed as a whole, so that a rule holds for all of them at once, and one that matches none is found.
`access_to_files` and `access_to_index` say who sees what, and why.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.core.config import Config
from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.records import Access, Audience, Meta
from assistant.index.catalog import Catalog
from assistant.index.schema import FOREVER, SourceRow
from ingest.access_manifest import AccessRule, Manifest, nfc, read_manifest
from ingest.metadata import ExternalMetadata
from ingest.sources import (
    MANIFEST,
    FoundFile,
    find_above,
    find_misplaced,
    find_roots,
    governing_root,
    list_tree,
    nested,
)

Matched = tuple[AccessRule, str]  # a rule, and its glob that matches
Refused = tuple[str, DocumentRejected]  # source, why
Roots = Sequence[tuple[Path, Path]]  # what was given, and the folder that its sources are named from


@dataclass(frozen=True, slots=True)
class Survey:
    """The files to read, the `others` of governed roots, whose rights are looked at, and what cannot be read.

    `governed` are the roots with a manifest.
    """

    roots: Roots
    files: Sequence[FoundFile]
    others: Sequence[FoundFile]
    refused: Sequence[Refused]
    governed: frozenset[Path]
    rights: Rights


class RightsChanged(UsageError):
    """Who may see documents was said anew while they were read: the next ingest has it."""

    def __init__(self, manifest: str) -> None:
        super().__init__(f"{manifest} changed while documents were read.", "Nothing was changed. Ingest again.")


def survey(paths: Sequence[Path], known: Mapping[str, SourceRow], governed_by: Mapping[Path, Path]) -> Survey:
    """List what is given and read the manifests; `governed_by` names for a root another's, whose rules are its.

    Raises UsageError for a missing path, a manifest that is wrong, lies too low or is gone, and for sidecars.
    """
    roots = find_roots(paths, {path: row.root for path, row in known.items()})
    governed, manifests = _read_manifests(roots, governed_by)
    _check_none_is_gone(roots, manifests, known)
    walked = _walked(roots, governed)
    tops = [top for top, _ in roots]
    trees = [list_tree(path, root) for path, root in walked]
    refuse_misplaced(find_above(walked) | {path: tree.root for tree in trees for path in tree.manifests})
    for tree in trees:
        if tree.root in governed:
            manifests[tree.root].check_matches(tree.names())
    found = {file.path: file for tree in trees for file in tree.files}
    given = {
        file.path
        for tree, (walk, _) in zip(trees, walked, strict=True)
        for file in tree.files
        if walk in tops or any(file.path.is_relative_to(top) for top in tops)
    }
    refused = [
        (source, error)
        for tree in trees
        for source, error in tree.refused
        if any((tree.root / source).is_relative_to(top) for top in tops)
    ]
    return Survey(
        roots,
        [file for path, file in found.items() if path in given],
        [file for path, file in found.items() if path not in given],
        refused,
        governed,
        Rights(manifests),
    )


def check_rights(found: Survey, governed_by: Mapping[Path, Path]) -> None:
    """Raise RightsChanged where who may see the documents is said otherwise than when they were listed.

    A text that was read since may be what a new rule is about: whoever restricts one writes its rule first.
    What became wrong with a manifest meanwhile is a UsageError, as in `survey`.
    """
    roots = [(path, governing_root(path) or root) for path, root in found.roots]
    governed, manifests = _read_manifests(roots, governed_by)
    before = found.rights.manifests
    for root in {**before, **manifests}:
        if before.get(root) != manifests.get(root):
            raise RightsChanged(str(root / MANIFEST))
    walked = _walked(roots, governed)
    below = {path: root for top, root in walked for path in find_misplaced(top, root)}
    refuse_misplaced(find_above(walked) | below)


def _read_manifests(roots: Roots, governed_by: Mapping[Path, Path]) -> tuple[frozenset[Path], dict[Path, Manifest]]:
    """Return the roots with a manifest of their own, and by root what holds there."""
    governed = frozenset(root for _, root in roots if os.path.lexists(root / MANIFEST))
    manifests = {root: read_manifest(root) for root in governed}
    for root, of in governed_by.items():
        if root not in governed and (of / MANIFEST).exists():
            manifests[root] = replace(read_manifest(of), root=root)
    return governed, manifests


def _walked(roots: Roots, governed: Set[Path]) -> list[tuple[Path, Path]]:
    """Return what is listed, with its root: of what is governed, the whole root."""
    return list(dict.fromkeys((root, root) if root in governed else (path, root) for path, root in roots))


def _check_none_is_gone(roots: Roots, manifests: Mapping[Path, Manifest], known: Mapping[str, SourceRow]) -> None:
    """Raise UsageError where restricted documents would open because their manifest is no longer there."""
    for path, row in known.items():
        if row.meta.audience is not None and any(
            root not in manifests and (Path(path).is_relative_to(given) or given.is_relative_to(row.root))
            for given, root in roots
        ):
            count = sum(other.root == row.root and other.meta.audience is not None for other in known.values())
            cause = f"{Path(row.root) / MANIFEST} is gone, which said who may see {count} of the indexed documents."
            raise UsageError(cause, 'Put it back. If everybody may see them, let it say default = "everyone".')


@dataclass(frozen=True, slots=True)
class Rights:
    """What the manifests, by root, say of each file; a copy and a hard link are files of their own."""

    manifests: Mapping[Path, Manifest]

    def manifest(self, root: Path) -> Manifest:
        """Return the manifest of a root, or what holds without one."""
        return self.manifests.get(root) or Manifest(root)

    def matching(self, file: FoundFile) -> list[Matched]:
        """Return the rules that match the file, each with its glob."""
        return self.manifest(file.root).matching(file.name)

    def of(self, file: FoundFile) -> ExternalMetadata:
        """Return what the manifests say of a file, its audience included."""
        manifest = self.manifest(file.root)
        entry = manifest.documents.get(nfc(file.name), ExternalMetadata())
        return replace(entry, meta=replace(entry.meta, audience=manifest.audience(file.name)))


def refuse_misplaced(found: Mapping[Path, Path]) -> None:
    """Raise UsageError for what says who may see documents, by its path, and is not the manifest of its root."""
    for path, root in found.items():
        if path.name == MANIFEST:
            raise nested(path, root)
        if path.name.casefold() == MANIFEST:
            raise UsageError(f"{path} is not read: its name is {MANIFEST}, in small letters.", "Rename it.")
        hint = f"Say in {root / MANIFEST} who may see what, and delete it."
        raise UsageError(f"{path} is there to say who may see documents, and nothing reads it any more.", hint)


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
    rights = Rights({})
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
