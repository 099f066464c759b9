"""Files and folders -> the files to index, with their metadata; nothing outside the given roots is ever opened."""

from __future__ import annotations

import datetime
import difflib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.toml import read_toml
from assistant.core.types import Meta
from ingest.clean import scrub
from ingest.formats import SUFFIXES

FOLDER_META = "_meta.toml"
SIDECAR = ".meta.toml"
OUTSIDE = "The link points outside the folder that is ingested."
KEYS = ("title", *(f.name for f in fields(Meta)))


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file on disk; `source` is its path below `root`, with forward slashes."""

    path: Path
    root: Path
    source: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Given:
    """Metadata given beside a document: the folder's and the sidecar's, which win over the document's own."""

    title: str
    folder: Meta
    sidecar: Meta

    def merge(self, own: Meta) -> Meta:
        """Merge folder < document < sidecar; a document may narrow the audience that its folder sets, not widen it.

        Raises DocumentRejected where the two audiences have no role in common: either could be the mistake.
        """
        merged = own
        for field in fields(Meta):
            value = getattr(self.sidecar, field.name) or getattr(own, field.name) or getattr(self.folder, field.name)
            merged = replace(merged, **{field.name: value})
        return replace(merged, audience=self.sidecar.audience or self._audience(own))

    def _audience(self, own: Meta) -> tuple[str, ...]:
        if not own.audience or not self.folder.audience:
            return own.audience or self.folder.audience
        both = tuple(role for role in own.audience if role in self.folder.audience)
        if not both:
            ours, folders = (", ".join(map(repr, meta.audience)) for meta in (own, self.folder))
            raise DocumentRejected("metadata", f"The audience {ours} shares no role with the folder's, {folders}.")
        return both


def find_roots(paths: Sequence[Path], known: Mapping[str, str]) -> list[tuple[Path, Path]]:
    """Return (path, root) for each argument; a file or a subfolder keeps the root under which it is `known`.

    A subfolder that became its own root would lose the audience that a folder above it sets. The folder of a file that
    was given alone is nobody's root but that file's and its neighbours'.
    Raises UsageError for a path that does not exist.
    """
    pairs = []
    given = {path.resolve() for path in paths if path.is_dir()}
    walked = given | {Path(root) for path, root in known.items() if Path(path).parent != Path(root)}
    roots = walked | {Path(root) for root in known.values()}
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is nothing at {path}.", "Give existing files or folders.")
        path = path.resolve()
        above = [root for root in (walked if path.is_dir() else roots) if path.is_relative_to(root)]
        outermost = min(above, key=lambda p: len(p.parts), default=path.parent)
        pairs.append((path, Path(known.get(str(path)) or outermost)))
    return pairs


def walk(path: Path, root: Path) -> Iterator[FoundFile | tuple[str, DocumentRejected]]:
    """Yield the files under `path` in a stable order, or (source, refusal) for what cannot be read or leaves the root.

    Hidden files and folders, unknown formats, sidecars, sockets and devices are passed over, and so are links to
    folders inside the root, whose files are found where they are.
    """
    if not path.is_dir():
        yield from _file(path, root)
        return
    unlisted: list[OSError] = []
    for folder, names, files in os.walk(path, onerror=unlisted.append, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for link in (Path(folder) / name for name in names):
            if link.is_symlink() and not link.resolve().is_relative_to(root):
                yield _source(link, root), DocumentRejected("outside", OUTSIDE)
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES and not name.startswith("~$"):
                yield from _file(Path(folder) / name, root)
    for error in unlisted:
        detail = f"The folder cannot be listed: {error.strerror}."
        yield _source(Path(error.filename), root), DocumentRejected("unreadable", detail)


def _source(path: Path, root: Path) -> str:
    source = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in source)


def _file(path: Path, root: Path) -> Iterator[FoundFile | tuple[str, DocumentRejected]]:
    source = _source(path, root)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        yield source, DocumentRejected("unreadable", "The name of the file, or of its folder, is not valid UTF-8.")
        return
    try:
        info = path.stat()
    except OSError as error:
        yield source, DocumentRejected("unreadable", f"The file cannot be read: {error.strerror}.")
        return
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        yield source, DocumentRejected("outside", OUTSIDE)
    elif stat.S_ISREG(info.st_mode):
        yield FoundFile(path, root, source, info.st_size, info.st_mtime_ns)


def read_bytes(file: FoundFile, max_mb: float) -> bytes:
    """Read a regular file; raises DocumentRejected if it is too large, unreadable or no longer a regular file."""
    limit = int(max_mb * 1024 * 1024)
    if file.size > limit:
        raise DocumentRejected("too_large", f"The file has {file.size:,} bytes; the limit is {max_mb:g} MB.")
    try:
        # O_NONBLOCK: a file swapped for a FIFO must not hang the ingest.
        handle = os.open(file.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise DocumentRejected("unreadable", "This is not a regular file.")
            data = stream.read(limit + 1)
    except OSError as error:
        raise DocumentRejected("unreadable", f"The file cannot be read: {error.strerror}.") from error
    if len(data) > limit:
        raise DocumentRejected("too_large", f"The file has grown past the limit of {max_mb:g} MB.")
    return data


class MetaReader:
    """Reads sidecars and folder files, each folder once."""

    def __init__(self) -> None:
        self._folders: dict[tuple[Path, Path], Meta] = {}

    def given(self, file: FoundFile) -> Given:
        """Return what was said beside a file; raises DocumentRejected for a file that cannot be trusted.

        A misspelt key must not open a restricted document to everyone, so unknown keys reject too.
        """
        sidecar = file.path.with_name(file.path.name + SIDECAR)
        if not os.path.lexists(sidecar):
            sidecar = file.path.with_name(file.path.stem + SIDECAR)
        raw = _toml(sidecar, file.root) if os.path.lexists(sidecar) else {}
        title = " ".join(scrub(str(raw.get("title", "")))[0].split())
        return Given(title, self._folder(file.path.parent, file.root), parse_meta(raw, sidecar.name))

    def _folder(self, folder: Path, root: Path) -> Meta:
        """Return the folder's metadata over that of the folders above it, up to the root."""
        if (folder, root) not in self._folders:
            above = self._folder(folder.parent, root) if folder != root and folder.is_relative_to(root) else Meta()
            path = folder / FOLDER_META
            own = parse_meta(_toml(path, root), FOLDER_META) if os.path.lexists(path) else Meta()
            names = [f.name for f in fields(Meta)]
            self._folders[folder, root] = Meta(**{name: getattr(own, name) or getattr(above, name) for name in names})
        return self._folders[folder, root]


def parse_meta(raw: Mapping[str, Any], name: str, *, strict: bool = True) -> Meta:
    """Make a Meta of parsed TOML or front matter; raises DocumentRejected naming the key that is wrong."""
    for key in raw if strict else ():
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(KEYS)}."
            raise DocumentRejected("metadata", f"{name} has the unknown key {key!r}{hint}")
    audience = raw.get("audience") or ()
    audience = (audience,) if isinstance(audience, str) else audience
    if not isinstance(audience, (list, tuple)) or not all(isinstance(role, str) and role.strip() for role in audience):
        raise DocumentRejected("metadata", f"{name}: audience must be a role or a list of roles, not {audience!r}.")
    values = {f.name: raw.get(f.name) for f in fields(Meta) if f.name != "audience"}
    texts = {k: v if isinstance(v, str) else str(v) for k, v in values.items() if v is not None}
    for key in ("effective", "expires"):
        if key in texts:
            texts[key] = _date(texts[key], key, name)
    return Meta(**texts, audience=tuple(sorted({role.strip().lower() for role in audience})))


def _date(value: str, key: str, name: str) -> str:
    try:
        return datetime.date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        raise DocumentRejected("metadata", f"{name}: {key} must be a date YYYY-MM-DD, not {value!r}.") from None


def _toml(path: Path, root: Path) -> dict[str, Any]:
    """Parse a file that is there; whatever is wrong with it, what it says of the audience must not be lost."""
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        raise DocumentRejected("metadata", f"{path.name} cannot be read: it is a link out of the folder.")
    if not path.is_file():
        raise DocumentRejected("metadata", f"{path.name} cannot be read: it is no file, or a link to nothing.")
    try:
        with path.open(encoding="utf-8") as file:
            return read_toml(file)
    except (OSError, ValueError, RecursionError) as error:  # a number of 5,000 digits is a bare ValueError
        raise DocumentRejected("metadata", f"{path.name} cannot be read: {error}.") from error
