"""What is said of a document, in it, beside it and above it: whoever may see it may by all of these."""

from __future__ import annotations

import datetime
import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from assistant.core.errors import DocumentRejected
from assistant.core.files import MAX_TOML_CHARACTERS
from assistant.core.records import Meta
from assistant.index.schema import FOREVER, SourceRow
from ingest.beside import FOLDER_META, Beside, FolderSidecars, folder_file
from ingest.clean import scrub
from ingest.meta_keys import GOVERNING, KEYS, meant
from ingest.sources import FoundFile, read_regular

_NAMES = tuple(field.name for field in fields(Meta))
_NOT_IN_ROLES = frozenset("[]{}()<>\"';|=")

Place = tuple[Path, Path]  # a file's path and its root
Bound = tuple[str, tuple[str, ...]]  # what sets an audience, and its roles


@dataclass(frozen=True, slots=True)
class Given:
    """Metadata given beside a document: the folders' and the sidecar's, which win over the document's own.

    `bounds` are the audiences that were set beside it, above it and, for a link, where it leads to: each holds.
    """

    title: str
    folder: Meta
    sidecar: Meta
    bounds: tuple[Bound, ...] = ()

    def merge(self, own: Meta) -> Meta:
        """Merge folder < document < sidecar; of the audience, what all of them have in common.

        Raises DocumentRejected where two audiences have no role in common: either could be the mistake.
        """
        values = {
            name: getattr(self.sidecar, name) or getattr(own, name) or getattr(self.folder, name) for name in _NAMES
        }
        return Meta(**{**values, "audience": _common((*self.bounds, ("the document", own.audience)))})


def _common(bounds: Iterable[Bound]) -> tuple[str, ...]:
    common: tuple[str, ...] = ()
    before = ""
    for name, roles in bounds:
        both = tuple(role for role in common if role in roles) if common and roles else common or roles
        if common and roles and not both:
            one, other = (", ".join(map(repr, audience)) for audience in (roles, common))
            raise DocumentRejected("metadata", f"The audience of {name}, {one}, shares no role with {before}, {other}.")
        before = name if roles else before
        common = both
    return common


def no_wider(old: Meta, new: Meta) -> bool:
    """Tell whether nobody may see a document by the old metadata who may not by the new, on any day."""
    audience = not new.audience or (bool(old.audience) and set(old.audience) <= set(new.audience))
    begins, ends = (old.effective or "") >= (new.effective or ""), (old.expires or FOREVER) <= (new.expires or FOREVER)
    return audience and begins and ends


class MetaReader:
    """Reads sidecars and folder files, each folder once.

    `files` and the `known` ones tell where else a file with several hard links lies.
    """

    def __init__(self, files: Sequence[FoundFile] = (), known: Mapping[str, SourceRow] | None = None) -> None:
        self._folders: dict[tuple[Path, Path], tuple[Meta, tuple[Bound, ...]] | DocumentRejected] = {}
        self._listings: dict[Path, frozenset[str] | OSError] = {}
        self._listed: dict[Path, Beside] = {}
        self._of_folders: dict[Path, FolderSidecars] = {}
        self._known = known or {}
        self._inodes: dict[tuple[int, int], dict[tuple[int, int], list[Place]]] = {}  # by size and time
        self._joint: dict[tuple[int, int], tuple[Bound, ...]] = {}  # by inode
        self._twins: dict[tuple[int, int], list[Place]] = {}  # by inode
        for file in files:
            if file.links > 1 and not file.link:
                self._twins.setdefault(file.inode, []).append((file.path, file.root))

    def given(self, file: FoundFile) -> Given:
        """Return what was said beside a file; raises DocumentRejected for a file that cannot be trusted.

        A misspelt key must not open a restricted document to everyone, so unknown keys reject too. A link, and a file
        of several hard links, is bound by the audiences of all its places that are known.
        """
        given = self._at(file.path, file.root)
        target = self._at(file.target, file.root).bounds if file.link else ()
        shared = self._shared(file) if file.links > 1 else ()
        return replace(given, bounds=(*given.bounds, *target, *shared))

    def _shared(self, file: FoundFile) -> tuple[Bound, ...]:
        """Return the audiences of all places of a file with several hard links, together."""
        if file.inode not in self._joint:
            bounds = (bound for path, root in self._hard_links(file) for bound in self._at(path, root).bounds)
            self._joint[file.inode] = tuple(dict.fromkeys(bound for bound in bounds if bound[1]))
        return self._joint[file.inode]

    def _at(self, path: Path, root: Path) -> Given:
        name = self._beside(path.parent).sidecar(path.name)
        raw = _toml(path.with_name(name), root) if name else {}
        meta = parse_meta(raw, name)
        folder, bounds = self._folder(path.parent, root)
        title = " ".join(scrub(str(raw.get("title", "")))[0].split())
        return Given(title, folder, meta, (*bounds, (name, meta.audience)))

    def _hard_links(self, file: FoundFile) -> list[Place]:
        """Return where else the file lies, of what was found now and what is indexed: both share its size and time."""
        found = self._twins.get(file.inode, [])
        if len(found) >= file.links:
            return found
        return [*found, *self._indexed(file.size, file.mtime_ns).get(file.inode, [])]

    def _indexed(self, size: int, mtime_ns: int) -> dict[tuple[int, int], list[Place]]:
        """Return where the indexed files of that size and time lie, by inode; each is asked once."""
        if (size, mtime_ns) not in self._inodes:
            found = self._inodes[size, mtime_ns] = {}
            for row in self._alike.get((size, mtime_ns), ()):
                if inode := _inode(row.path):
                    found.setdefault(inode, []).append((Path(row.path), Path(row.root)))
        return self._inodes[size, mtime_ns]

    @cached_property
    def _alike(self) -> dict[tuple[int, int], list[SourceRow]]:
        alike: dict[tuple[int, int], list[SourceRow]] = {}
        for row in self._known.values():
            alike.setdefault((row.size, row.mtime_ns), []).append(row)
        return alike

    def _beside(self, folder: Path) -> Beside:
        if folder not in self._listed:
            names = self._names(folder)
            if isinstance(names, OSError):
                raise _unknown(folder, names)
            self._listed[folder] = Beside(names)
        return self._listed[folder]

    def _names(self, folder: Path) -> frozenset[str] | OSError:
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(entry.name for entry in folder.iterdir())
            except OSError as error:
                self._listings[folder] = error
        return self._listings[folder]

    def _folder(self, folder: Path, root: Path) -> tuple[Meta, tuple[Bound, ...]]:
        """Return the folder's metadata over that of the folders above it, and their audiences, from the top."""
        if (folder, root) not in self._folders:
            try:
                self._folders[folder, root] = self._read_folder(folder, root)
            except DocumentRejected as error:
                self._folders[folder, root] = error
        found = self._folders[folder, root]
        if isinstance(found, DocumentRejected):
            raise DocumentRejected(found.reason, found.detail)
        return found

    def _read_folder(self, folder: Path, root: Path) -> tuple[Meta, tuple[Bound, ...]]:
        above, bounds = self._folder(folder.parent, root) if folder != folder.parent else (Meta(), ())
        inside = folder.is_relative_to(root)
        if inside and (stray := self._beside_folder(folder)):
            detail = (
                f"{stray!r} stands beside the folder {folder.name!r}: what it says belongs into {FOLDER_META} in it."
            )
            raise DocumentRejected("metadata", detail)
        name = self._folder_file(folder, inside)
        if not name:
            return above, bounds
        path = folder / name
        own = parse_meta(_toml(path, root if inside else folder), str(path))
        values = {name: getattr(own, name) or getattr(above, name) for name in _NAMES}
        return Meta(**values), (*bounds, (str(path), own.audience))

    def _beside_folder(self, folder: Path) -> str:
        """Name the sidecar that stands beside a folder and is called after it."""
        parent = folder.parent
        if parent not in self._of_folders:
            names = self._names(parent)
            self._of_folders[parent] = FolderSidecars(() if isinstance(names, OSError) else names)
        return self._of_folders[parent].of(folder.name)

    def _folder_file(self, folder: Path, ours: bool) -> str:
        """Name the folder's metadata file; a folder that may be entered and not listed, as /home may be, is asked."""
        names = self._names(folder)
        if not isinstance(names, OSError):
            return folder_file(names, ours=ours)
        if not isinstance(names, PermissionError):
            raise _unknown(folder, names)
        try:
            os.lstat(folder / FOLDER_META)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise _unknown(folder, error) from error
        return FOLDER_META


def _unknown(folder: Path, error: OSError) -> DocumentRejected:
    detail = f"The folder {folder} cannot be read, so that its metadata is unknown: {error.strerror}."
    return DocumentRejected("metadata", detail)


def _inode(path: str) -> tuple[int, int] | None:
    try:
        info = os.lstat(path)
    except OSError:
        return None
    return info.st_dev, info.st_ino


def parse_meta(raw: Mapping[str, Any], name: str, *, strict: bool = True) -> Meta:
    """Make a Meta of parsed TOML or front matter; raises DocumentRejected naming the key that is wrong.

    Unless it is strict, as for front matter, keys of others may be there: all but those near to one that governs.
    """
    for key in raw:
        near = meant(key)
        if near or (strict and key not in KEYS):
            near = near or next(iter(difflib.get_close_matches(key, KEYS, n=1, cutoff=0.5)), None)
            hint = f"; did you mean {near!r}?" if near else f"; known are {', '.join(KEYS)}."
            raise DocumentRejected("metadata", f"{name} has the unknown key {key[:80]!r}{hint}")
    names = [name for name in _NAMES if name != "audience" and name in raw]
    texts = {key: _text(raw[key], key, name) for key in names if raw[key] is not None or key in GOVERNING}
    return Meta(**texts, audience=_roles(raw["audience"], name) if "audience" in raw else ())


def _roles(value: object, name: str) -> tuple[str, ...]:
    """Return the roles of an audience; a comma parts them, as it does in `--as`."""
    items = [value] if isinstance(value, str) else value
    texts = [item for item in items if isinstance(item, str)] if isinstance(items, (list, tuple)) else []
    parts = [[role.strip().lower() for role in text.split(",") if role.strip()] for text in texts]
    roles = {role for part in parts for role in part}
    plain = all(role.isprintable() and not _NOT_IN_ROLES.intersection(role) for role in roles)
    if not roles or not all(parts) or len(texts) != len(items) or not plain:  # type: ignore[arg-type]
        shown = repr(value)[:80]
        raise DocumentRejected("metadata", f"{name}: audience must be a role or a list of roles, not {shown}.")
    return tuple(sorted(roles))


def _text(value: object, key: str, name: str) -> str:
    if key in ("effective", "expires"):
        return _date(str(value), key, name)
    if key in GOVERNING and (isinstance(value, (bool, dict)) or not value):
        raise DocumentRejected("metadata", f"{name}: {key} must be a text, not {repr(value)[:80]}.")
    return str(value)


def _date(value: str, key: str, name: str) -> str:
    with suppress(ValueError):
        return datetime.date.fromisoformat(value).isoformat()
    try:
        return datetime.datetime.fromisoformat(value).date().isoformat()
    except ValueError:
        raise DocumentRejected("metadata", f"{name}: {key} must be a date YYYY-MM-DD, not {value[:80]!r}.") from None


def _toml(path: Path, root: Path) -> dict[str, Any]:
    """Parse a file that is there; whatever is wrong with it, what it says of the audience must not be lost."""
    target = path.resolve() if path.is_symlink() else path
    if not target.is_relative_to(root):
        raise DocumentRejected("metadata", f"{path.name} cannot be read: it is a link out of the folder.")
    if not target.is_file():
        raise DocumentRejected("metadata", f"{path.name} cannot be read: it is no file, or a link to nothing.")
    try:
        data = read_regular(target, MAX_TOML_CHARACTERS)
        if not data.strip():  # a copy that broke off says nothing, too
            raise ValueError("it is empty")
        return tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))
    except DocumentRejected as error:
        raise DocumentRejected("metadata", f"{path.name}: {error.detail}") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a bare ValueError
        raise DocumentRejected("metadata", f"{path.name} cannot be read: {error}.") from error
