"""Which of a folder's files say something of its documents, and which only look as if they did.

A name that is another spelling of a sidecar's, or a sidecar without its document, hides the documents that it may be
meant for: what it says of their audience would otherwise be lost without a word.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from pathlib import Path

from assistant.core.errors import DocumentRejected
from ingest.formats import SUFFIXES
from ingest.meta_keys import distance, fold_key

FOLDER_META = "_meta.toml"
SIDECAR = ".meta.toml"
APPLE_DOUBLE = "._"  # what macOS keeps of a file beside it on other systems' disks
_COPY = r"[\W_]{0,4}(?:\d{1,3}|copy)?"  # what file managers add: "_meta (1).toml"
_SIDECAR = re.compile(
    rf"(?P<of>.{{1,255}}?)\W{{0,9}}meta(?:data)?{_COPY}[\W_]{{0,4}}toml(?:\.\w+|\W*)"
)  # x.md.META.toml, x_meta.toml, x.md.meta.toml.txt
_OTHER = re.compile(r"(?P<of>.+)\.meta\.(?:ya?ml|json)")
_FOLDER = re.compile(
    rf"(?:copyof)?(?:[\W_]*meta|[\W_]+metadata){_COPY}[\W_]{{0,4}}toml(?:\.\w+|\W*)"
    r"|_+meta(?:data)?(?:[\W_].{0,20})?"  # _meta.yaml, _meta-old.toml, _meta
)
_NEAR = 0.6  # similarity of a document's name to that of a sidecar without one
_MOST = 3  # names that are near
_MOST_SEARCHED = 50  # sidecars of a folder whose documents are looked for by likeness


def is_document(name: str) -> bool:
    """Tell whether a file of that name is read: of a known format, neither hidden nor another program's lock."""
    return not name.startswith((".", "~$")) and _parted(name)[1].lower() in SUFFIXES


def is_walked(path: Path, folder: Path) -> bool:
    """Tell whether a walk of the folder would look at that path."""
    within = path.relative_to(folder).parts
    return is_document(path.name) and not any(part.startswith(".") for part in within)


def folder_file(names: Collection[str], *, ours: bool = True) -> str:
    """Return the name of the folder's own file, empty without one; raises DocumentRejected if it is unclear.

    In a folder that is not `ours`, and beside a file of the right name, only another case or width makes it so.
    """
    alike = sorted(name for name in names if _may_matter(name) and _is_alike(name))
    exact = FOLDER_META in alike
    others = [n for n in alike if n != FOLDER_META and (_plain(n) == FOLDER_META or (ours and not exact))]
    if others:
        raise _unclear(f"{others[0]!r} in its folder, or one above it, looks like {FOLDER_META}: rename or remove it")
    return FOLDER_META if exact else ""


class FolderSidecars:
    """The sidecars among a folder's names that may be meant for the folders in it."""

    def __init__(self, names: Collection[str]) -> None:
        called = {name: _plain(name) for name in sorted(names, reverse=True)}
        owned = {own for name in names if is_document(name) for own in own_names(name)}
        self._of = {
            plain.removesuffix(SIDECAR): name
            for name, plain in called.items()
            if plain.endswith(SIDECAR) and name not in owned
        }

    def of(self, folder: str) -> str:
        """Return the sidecar that is called after a folder, empty without one."""
        return self._of.get(_plain(folder), "")


class Beside:
    """The sidecars among a folder's names."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        documents = [name for name in names if is_document(name)]
        self._plain = _grouped(documents, _plain)
        self._stems = _grouped(documents, lambda name: _parted(_plain(name))[0])
        self._searched = 0
        self._unclear: dict[str, str] = {}  # by document: the file that may be its sidecar
        self.orphans: list[str] = []  # sidecars that no document is called after
        owned = {name for document in documents for name in own_names(document)}
        for name in sorted(names):
            if name not in owned and _may_matter(name) and not name.startswith(APPLE_DOUBLE):
                self._place(name)

    def sidecar(self, document: str) -> str:
        """Return the name of a document's sidecar, empty without one; raises DocumentRejected if it is unclear."""
        found = sorted(name for name in own_names(document) if name in self._names)
        if len(found) > 1:
            raise _unclear(f"it has two sidecars, {found[0]!r} and {found[1]!r}: keep one")
        if document in self._unclear:
            wanted = f"name it {document + SIDECAR!r} or remove it"
            raise _unclear(f"{self._unclear[document]!r} beside it looks like its sidecar: {wanted}")
        return found[0] if found else ""

    def _place(self, name: str) -> None:
        """Find the documents that a name which is nobody's sidecar may be meant for."""
        plain = _plain(name).lstrip(".")
        matched = _SIDECAR.fullmatch(plain)
        if matched:
            owners = self._owners(matched["of"]) or self._near(matched["of"])
        elif slip := _slip(plain):
            owners = self._owners(slip)
        else:
            owners = self._begun(plain) if plain.endswith(".toml") else []
        self._unclear |= {document: name for document in owners if self._rivals(document, plain)}
        if matched and not owners and not _is_alike(name) and not name.startswith("."):
            self.orphans.append(name)

    def _rivals(self, document: str, plain: str) -> bool:
        """Tell whether a name could be that of the document's sidecar: beside one, a backup of it is none."""
        own = own_names(document)
        return plain in map(_plain, own) or own.isdisjoint(self._names)

    def _owners(self, of: str) -> list[str]:
        return self._plain.get(of) or self._stems.get(of, [])

    def _begun(self, plain: str) -> list[str]:
        """Return the documents that a name begins with: `x.md.toml`, `x.md.meta.conflict.toml`."""
        parts = plain.split(".")
        begun = (self._plain.get(".".join(parts[:stop]), []) for stop in range(len(parts) - 1, 1, -1))
        return next(filter(None, begun), [])

    def _near(self, of: str) -> list[str]:
        """Return the documents without a sidecar whose names are near; other digits are another document.

        Where very many sidecars have no document, they may be meant for any.
        """
        self._searched += 1
        if self._searched > _MOST_SEARCHED:
            return [d for ds in self._free.values() for d in ds] if self._searched == _MOST_SEARCHED + 1 else []
        stem = _stem(of)
        near = difflib.get_close_matches(stem, self._free, n=_MOST, cutoff=_NEAR)
        alike = [found for found in near if _digits(found) == _digits(stem)]
        within = [found for found in self._free if re.search(rf"(?<!\d){re.escape(found)}(?!\d)", fold_key(of))]
        return [document for found in dict.fromkeys(alike + within) for document in self._free[found]]

    @cached_property
    def _free(self) -> dict[str, list[str]]:
        """The documents without a sidecar, by the letters of their stems."""
        documents = (d for ds in self._plain.values() for d in ds)
        free = [d for d in documents if own_names(d).isdisjoint(self._names)]
        return _grouped(free, lambda name: _stem(_plain(name)))


def _grouped(names: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def own_names(document: str) -> set[str]:
    """Return what a document's sidecar may be called."""
    return {document + SIDECAR, _parted(document)[0] + SIDECAR}


def _may_matter(name: str) -> bool:
    """Pass over most names: a folder may hold many thousands, and documents are called so only by a further suffix."""
    return not is_document(name) or "meta.toml." in _plain(name)


def _is_alike(name: str) -> bool:
    """Tell whether a name is, or may be meant as, that of a folder's metadata."""
    plain = _plain(name)
    near = len(plain) <= len(FOLDER_META) + 1 and distance(plain, FOLDER_META) <= 1
    return not name.startswith(APPLE_DOUBLE) and (near or _FOLDER.fullmatch(plain) is not None)


def _slip(plain: str) -> str:
    """Return what a sidecar of another format, or with one wrong letter in its suffix, is of."""
    if other := _OTHER.fullmatch(plain):
        return other["of"]
    of_document = plain.removesuffix(".meta")
    if of_document != plain and _parted(of_document)[1] in SUFFIXES:
        return of_document
    *of, before, last = ["", "", *plain.split(".")]
    return ".".join(of).strip(".") if distance(f".{before}.{last}"[:20], SIDECAR) == 1 else ""


def _plain(name: str) -> str:
    if name.isascii():
        return "".join(name.lower().split())
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in folded if not char.isspace() and unicodedata.category(char) != "Cf")


def _stem(plain: str) -> str:
    stem, suffix = _parted(plain)
    return fold_key(stem if suffix in SUFFIXES else plain)


def _parted(name: str) -> tuple[str, str]:
    """Part a name from its suffix, as `PurePath` does, in a tenth of the time."""
    at = name.rfind(".")
    return (name[:at], name[at:]) if 0 < at < len(name) - 1 else (name, "")


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _unclear(why: str) -> DocumentRejected:
    return DocumentRejected("metadata", f"What is said of the document is unclear: {why}.")
