"""Files and folders -> the files to index, with their metadata; nothing outside the given roots is ever opened."""

from __future__ import annotations

import datetime
import difflib
import os
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.types import Meta
from ingest.formats import SUFFIXES

FOLDER_META = "_meta.toml"
SIDECAR = ".meta.toml"
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
        """Merge folder < document < sidecar; a document cannot widen the audience that its folder sets."""
        merged = own
        for field in fields(Meta):
            value = getattr(self.sidecar, field.name) or getattr(own, field.name) or getattr(self.folder, field.name)
            merged = replace(merged, **{field.name: value})
        return replace(merged, audience=self.sidecar.audience or self.folder.audience or own.audience)


def find_roots(paths: Sequence[Path], known: Mapping[str, str]) -> list[tuple[Path, Path]]:
    """Return (path, root) for each argument; a single file keeps the root under which it is `known`.

    Raises UsageError for a path that does not exist.
    """
    pairs = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is nothing at {path}.", "Give existing files or folders.")
        path = path.resolve()
        if path.is_dir():
            pairs.append((path, path))
        else:
            above = [Path(root) for root in {*known.values()} if path.is_relative_to(root)]
            pairs.append(
                (path, Path(known.get(str(path)) or min(above, key=lambda p: len(p.parts), default=path.parent)))
            )
    return pairs


def walk(path: Path, root: Path) -> Iterator[FoundFile | tuple[str, DocumentRejected]]:
    """Yield the files under `path` in a stable order, or (source, refusal) for a link that leaves the root.

    Hidden files and folders, unknown formats, sidecars, sockets and devices are passed over.
    """
    if not path.is_dir():
        yield from _file(path, root)
        return
    for folder, names, files in os.walk(path, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES and not name.startswith("~$"):
                yield from _file(Path(folder) / name, root)


def _file(path: Path, root: Path) -> Iterator[FoundFile | tuple[str, DocumentRejected]]:
    source = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    if not source.isprintable():
        source = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in source)
    try:
        info = path.stat()
    except OSError as error:
        yield source, DocumentRejected("unreadable", f"The file cannot be read: {error.strerror}.")
        return
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        yield source, DocumentRejected("outside", "The link points outside the folder that is ingested.")
    elif stat.S_ISREG(info.st_mode):
        yield FoundFile(path, root, source, info.st_size, info.st_mtime_ns)


def read_bytes(file: FoundFile, max_mb: float) -> bytes:
    """Read a regular file; raises DocumentRejected if it is too large, unreadable or no longer a regular file."""
    if file.size > max_mb * 1024 * 1024:
        raise DocumentRejected("too_large", f"The file has {file.size:,} bytes; the limit is {max_mb:g} MB.")
    try:
        # O_NONBLOCK: a file swapped for a FIFO must not hang the ingest.
        handle = os.open(file.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise DocumentRejected("unreadable", "This is not a regular file.")
            return stream.read(int(max_mb * 1024 * 1024) + 1)
    except OSError as error:
        raise DocumentRejected("unreadable", f"The file cannot be read: {error.strerror}.") from error


class MetaReader:
    """Reads sidecars and folder files, each folder once."""

    def __init__(self) -> None:
        self._folders: dict[Path, Meta] = {}

    def given(self, file: FoundFile) -> Given:
        """Return what was said beside a file; raises DocumentRejected for a file that cannot be trusted.

        A misspelt key must not open a restricted document to everyone, so unknown keys reject too.
        """
        sidecar = file.path.with_name(file.path.name + SIDECAR)
        if not sidecar.is_file():
            sidecar = file.path.with_name(file.path.stem + SIDECAR)
        raw = _toml(sidecar) if sidecar.is_file() else {}
        return Given(
            str(raw.get("title", "")), self._folder(file.path.parent, file.root), parse_meta(raw, sidecar.name)
        )

    def _folder(self, folder: Path, root: Path) -> Meta:
        """Return the folder's metadata over that of the folders above it, up to the root."""
        if folder not in self._folders:
            above = self._folder(folder.parent, root) if folder != root and folder.is_relative_to(root) else Meta()
            path = folder / FOLDER_META
            own = parse_meta(_toml(path), FOLDER_META) if path.is_file() else Meta()
            names = [f.name for f in fields(Meta)]
            self._folders[folder] = Meta(**{name: getattr(own, name) or getattr(above, name) for name in names})
        return self._folders[folder]


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


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DocumentRejected("metadata", f"{path.name} cannot be read: {error}.") from error
