"""Files and folders -> the files to index; nothing outside the given roots is ever opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.core.errors import DocumentRejected, UsageError
from ingest.beside import Beside, is_document

OUTSIDE = "The link points outside the folder that is ingested."
ORPHAN = "No document of that name lies beside this metadata file: rename it after its document, or remove it."


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file on disk; `source` is its path below `root`, with forward slashes.

    `link` is where a link leads to; `inode` and `links` tell a file of several hard links.
    """

    path: Path
    root: Path
    source: str
    size: int
    mtime_ns: int
    link: Path | None = None
    inode: tuple[int, int] = (0, 0)
    links: int = 1

    @property
    def target(self) -> Path:
        """The file that is read."""
        return self.link or self.path


def find_roots(paths: Sequence[Path], known: Mapping[str, str]) -> list[tuple[Path, Path]]:
    """Return (path, root) for each argument; a file or a subfolder keeps the root under which it is `known`.

    A subfolder that became its own root would lose the audience that a folder above it sets. The folder of a file that
    was given alone is nobody's root but that file's and its neighbours'.
    Raises UsageError for a path that does not exist.
    """
    pairs = []
    given = {path.resolve() for path in paths if path.is_dir()}
    walked = given | {*map(Path, {root for path, root in known.items() if os.path.dirname(path) != root})}  # noqa: PTH120
    roots = walked | {*map(Path, set(known.values()))}
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
        yield from look(path, root)
        return
    unlisted: list[OSError] = []
    for folder, names, files in os.walk(path, onerror=unlisted.append, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for link in (Path(folder) / name for name in names):
            if link.is_symlink() and not link.resolve().is_relative_to(root):
                yield _source(link, root), DocumentRejected("outside", OUTSIDE)
        for name in sorted(filter(is_document, files)):
            yield from look(Path(folder) / name, root)
        for name in Beside(files).orphans:
            yield _source(Path(folder) / name, root), DocumentRejected("metadata", ORPHAN)
    for error in unlisted:
        detail = f"The folder cannot be listed: {error.strerror}."
        yield _source(Path(error.filename), root), DocumentRejected("unreadable", detail)


def _source(path: Path, root: Path) -> str:
    above = len(root.parts)
    source = "/".join(path.parts[above:]) or "." if path.parts[:above] == root.parts else path.name
    if source.isprintable():
        return source
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in source)


def look(path: Path, root: Path) -> Iterator[FoundFile | tuple[str, DocumentRejected]]:
    """Yield the file at a path, or why it cannot be read; nothing for what is no regular file."""
    source = _source(path, root)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        yield source, DocumentRejected("unreadable", "The name of the file, or of its folder, is not valid UTF-8.")
        return
    try:
        info = path.lstat()
        link = path.resolve() if stat.S_ISLNK(info.st_mode) else None
        info = path.stat() if link else info
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop, for Python 3.12 and before
        why = error.strerror if isinstance(error, OSError) else "it is a link to itself"
        yield source, DocumentRejected("unreadable", f"The file cannot be read: {why}.")
        return
    if link and not link.is_relative_to(root):
        yield source, DocumentRejected("outside", OUTSIDE)
    elif stat.S_ISREG(info.st_mode):
        inode = info.st_dev, info.st_ino
        yield FoundFile(path, root, source, info.st_size, info.st_mtime_ns, link, inode, info.st_nlink)


def read_bytes(file: FoundFile, max_mb: float) -> bytes:
    """Read a file; raises DocumentRejected if it is too large, unreadable, no regular file or no longer there."""
    limit = int(max_mb * 1024 * 1024)
    if file.size > limit:
        raise DocumentRejected("too_large", f"The file has {file.size:,} bytes; the limit is {max_mb:g} MB.")
    return read_regular(file.target, limit)


def read_regular(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes that lies, without any link, where the path says.

    Raises DocumentRejected.
    """
    # O_NONBLOCK: a file swapped for a FIFO must not hang the ingest. O_NOFOLLOW: nor one for a link lead elsewhere.
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_BINARY", "O_NOFOLLOW"))
    try:
        handle = os.open(path, flags)
        with os.fdopen(handle, "rb") as stream:
            info, there = os.fstat(handle), os.lstat(path)
            if not stat.S_ISREG(info.st_mode):
                raise DocumentRejected("unreadable", "This is not a regular file.")
            # What was opened may lie elsewhere if a folder was swapped for a link; what is now there, without a link on
            # the way, and is the same file, does not.
            if os.path.realpath(path) != str(path) or (info.st_dev, info.st_ino) != (there.st_dev, there.st_ino):
                raise DocumentRejected("outside", "The file was exchanged while it was read: run the ingest again.")
            data = stream.read(limit + 1)
    except OSError as error:
        raise DocumentRejected("unreadable", f"The file cannot be read: {error.strerror}.") from error
    if len(data) > limit:
        raise DocumentRejected("too_large", f"The file is larger than the limit of {limit / 2**20:,.2g} MB.")
    return data
