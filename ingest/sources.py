"""Files and folders -> the files to index; nothing outside the given roots is ever opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from assistant.core.errors import DocumentRejected, UsageError
from ingest.formats import PICTURES, SUFFIXES

MANIFEST = "access.toml"
SIDECAR, FOLDER_SIDECAR = ".meta.toml", "_meta.toml"  # what said before who may see a document
OUTSIDE = "The link points outside the folder that is ingested."
LINK = "It is a link, and none is followed: ingest what it leads to."


def is_document(name: str) -> bool:
    """Tell whether a file of that name is read: of a known format, neither hidden nor another program's lock."""
    return not name.startswith((".", "~$")) and PurePath(name).suffix.lower() in SUFFIXES


def is_picture(name: str) -> bool:
    """Tell whether a file of that name is, or with OCR would be, read as a picture."""
    return not name.startswith(".") and PurePath(name).suffix.lower() in PICTURES


def says_rights(name: str) -> bool:
    """Tell whether a file of that name says who may see documents, or did so before."""
    folded = name.casefold().rpartition("/")[2]
    return folded in (MANIFEST, FOLDER_SIDECAR) or folded.endswith(SIDECAR)


def is_walked(path: Path, folder: Path) -> bool:
    """Tell whether a walk of the folder would look at that path."""
    within = path.relative_to(folder).parts
    return is_document(path.name) and not any(part.startswith(".") for part in within)


def below(path: Path, root: Path) -> str:
    """Return a path as it is below a root, with forward slashes; by its letters, ten times faster than pathlib."""
    return str(path)[len(_opening(root)) :].replace(os.sep, "/")


def _opening(root: Path) -> str:
    """Return the letters that each path below a root begins with."""
    top = str(root)
    return top if top.endswith(os.sep) else top + os.sep


def shown(name: str) -> str:
    """Return a name, with a mark in the place of each character that does not show."""
    return name if name.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file on disk, and no link to one; `source` is its path below `root`, with forward slashes."""

    path: Path
    root: Path
    source: str
    size: int
    mtime_ns: int

    @property
    def name(self) -> str:
        """Its path below the root as it is, with forward slashes; a source has no characters that do not show."""
        return below(self.path, self.root)


@dataclass(slots=True)
class Tree:
    """What lies below a path: files to read, what cannot be read, and what says who may see them in the wrong place."""

    root: Path
    files: list[FoundFile] = field(default_factory=list)
    refused: list[tuple[str, DocumentRejected]] = field(default_factory=list)  # source, why
    unread: list[str] = field(default_factory=list)  # sources of pictures, where there is no OCR
    manifests: list[Path] = field(default_factory=list)

    def names(self) -> list[str]:
        """Return what a rule may name: all that is, or with other extras would be, a document."""
        return [*(file.name for file in self.files), *(source for source, _ in self.refused), *self.unread]


def governing_folders(path: Path) -> list[Path]:
    """Return the folders, at or above a path, whose manifest governs it; the lowest comes first."""
    above = (path, *path.parents)
    return [folder for folder in above if path.is_relative_to(folder) and os.path.lexists(folder / MANIFEST)]


def governing_root(path: Path) -> Path | None:
    """Return the folder, at or above a path, whose manifest governs it; None without one.

    Raises UsageError where two manifests do: the lower one would widen or narrow the upper one unseen.
    """
    folders = governing_folders(path)
    if len(folders) > 1:
        raise nested(folders[0] / MANIFEST, folders[1])
    return folders[0] if folders else None


def nested(path: Path, root: Path) -> UsageError:
    """Return the error for a manifest below another, or below the folder that is ingested."""
    within = path.parent.relative_to(root).as_posix()
    hint = f'Move its rules to {root / MANIFEST}, with "{within}/" before their paths, and delete it.'
    return UsageError(f"{path} lies below {root}: who may see what there is said in {root / MANIFEST} alone.", hint)


def find_roots(paths: Sequence[Path], known: Mapping[str, str]) -> list[tuple[Path, Path]]:
    """Return (path, root) for each argument: the folder of the manifest above it, else the root that it is `known` by.

    The folder of a file that was given alone is nobody's root but that file's and its neighbours'.
    Raises UsageError for a path that does not exist, and for one with a manifest below another.
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
        pairs.append((path, governing_root(path) or Path(known.get(str(path)) or outermost)))
    return pairs


def list_tree(path: Path, root: Path) -> Tree:
    """List the files under `path` in a stable order, and what cannot be read, is a link or leaves the root.

    Hidden files and folders, unknown formats, sockets and devices are passed over, and so are links to folders inside
    the root, whose files are found where they are.
    """
    tree = Tree(root)
    if not path.is_dir():
        if not _look(path, tree):
            tree.refused.append((path.name, DocumentRejected("unreadable", "This is not a regular file.")))
        return tree
    unlisted: list[OSError] = []
    for folder, names, files in os.walk(path, onerror=unlisted.append, followlinks=False):
        here = Path(folder)
        names[:] = sorted(name for name in names if not name.startswith("."))
        for link in (path for name in names if (path := here / name).is_symlink()):
            if not link.resolve().is_relative_to(root):
                tree.refused.append((_source(link, root), DocumentRejected("outside", OUTSIDE)))
        for name in sorted(filter(is_document, files)):
            _look(here / name, tree)
        tree.manifests += _misplaced(here, files, root)
        tree.unread += [below(here / name, root) for name in sorted(files) if _is_unread(name)]
    for error in unlisted:
        detail = f"The folder cannot be listed: {error.strerror}."
        tree.refused.append((_source(Path(error.filename), root), DocumentRejected("unreadable", detail)))
    return tree


def find_misplaced(path: Path, root: Path) -> list[Path]:
    """Return what says who may see documents under `path` and is not the root's manifest, as `list_tree` finds it."""
    found: list[Path] = []
    for folder, names, files in os.walk(path, followlinks=False):
        names[:] = [name for name in names if not name.startswith(".")]
        found += _misplaced(Path(folder), files, root)
    return found


def _misplaced(folder: Path, names: Iterable[str], root: Path) -> list[Path]:
    says = sorted(filter(says_rights, names))
    return [folder / name for name in says if (folder, name) != (root, MANIFEST)]


def _is_unread(name: str) -> bool:
    return PurePath(name).suffix.lower() in PICTURES - SUFFIXES and not name.startswith(".") and not says_rights(name)


def find_above(walked: Iterable[tuple[Path, Path]]) -> dict[Path, Path]:
    """Return, with its root, what says who may see documents and is not in what is walked, but in a folder above it.

    In the folder of a file that is given that is whatever says so, further up what would hold for all that lies below.
    """
    folders: dict[tuple[Path, bool], Path] = {}
    for path, root in walked:
        for folder in path.parents:
            if path.is_relative_to(folder):
                folders.setdefault((folder, folder == path.parent and not path.is_dir()), root)
    return {
        folder / name: root
        for (folder, beside), root in folders.items()
        for name in _names(folder)
        if says_rights(name)
        and (beside or name.casefold() in (MANIFEST, FOLDER_SIDECAR))
        and (folder, name) != (root, MANIFEST)
    }


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:  # another user's, above our own
        return []


def _source(path: Path, root: Path) -> str:
    inside = f"{path}{os.sep}".startswith(_opening(root))
    return shown(below(path, root) or "." if inside else path.name)


def look(path: Path, root: Path) -> FoundFile | DocumentRejected | None:
    """Return the file at a path, or why it cannot be read; None for what is no regular file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return DocumentRejected("unreadable", "The name of the file, or of its folder, is not valid UTF-8.")
    try:
        info = path.lstat()
    except OSError as error:
        return DocumentRejected("unreadable", f"The file cannot be read: {error.strerror}.")
    if stat.S_ISLNK(info.st_mode):  # it may lead to what no walk looks at, and past the rules for where that lies
        return DocumentRejected("outside", LINK)
    if not stat.S_ISREG(info.st_mode):
        return None
    return FoundFile(path, root, _source(path, root), info.st_size, info.st_mtime_ns)


def _look(path: Path, tree: Tree) -> bool:
    """Add what is at a path, and say whether that is a file."""
    found = look(path, tree.root)
    if isinstance(found, FoundFile):
        tree.files.append(found)
    elif found:
        tree.refused.append((_source(path, tree.root), found))
    return found is not None


def read_bytes(file: FoundFile, max_mb: float) -> bytes:
    """Read a file; raises DocumentRejected if it is too large, unreadable, no regular file or no longer there."""
    limit = int(max_mb * 1024 * 1024)
    if file.size > limit:
        raise DocumentRejected("too_large", f"The file has {file.size:,} bytes; the limit is {max_mb:g} MB.")
    return read_regular(file.path, limit)


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
