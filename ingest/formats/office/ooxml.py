"""Open the zip that a DOCX, PPTX or XLSX is, after checking that it is one and no trap.

Checked before any library sees the file: member names, counts, sizes and compression, archives inside, and document
type or entity declarations in every part that is XML.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from typing import Any

from ingest.formats.parsed import reject
from ingest.formats.visibility import BLACK, WHITE, Colour, from_hex

DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"

_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar", ".cab", ".iso")
# Archives by their first bytes, whatever they are called; charts and embedded sheets are Office files of their own.
_ARCHIVE_MARKS = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_OFFICE = (".docx", ".docm", ".xlsx", ".xlsm", ".xlsb", ".pptx", ".pptm", ".sldx", ".vsdx", ".odt", ".ods", ".odp")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DECLARATIONS = (b"<!DOCTYPE", b"<!ENTITY")
_SAFE_ENCODINGS = (b"utf-8", b"utf8", b"us-ascii", b"iso-8859-", b"windows-125")


def open_package(data: bytes, part: str) -> BytesIO:
    """Return the file, checked, for a library to open; `part` is the member without which it is not of its format.

    Raises `DocumentRejected` as `password`, `damaged`, `archive`, `too_large` or `unsafe_xml`.
    """
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise reject("password", "The file is protected by a password; save it without one.")
        raise reject("damaged", "The file is in an old binary Office format; save it in the current one.")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _check_members(archive.infolist(), len(data))
            if part not in archive.namelist():
                raise reject(
                    "damaged", f"The file is a zip archive, but not a document of its type: {part} is missing."
                )
            for member in archive.infolist():
                _check_content(archive, member)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        raise reject("damaged", "The file is damaged: its zip archive cannot be read.") from None
    except RuntimeError:  # how zipfile says that a member is encrypted
        raise reject("password", "The file is protected by a password; save it without one.") from None
    return BytesIO(data)


def _check_members(members: list[zipfile.ZipInfo], size: int, most: int = 10_000, ratio: int = 200) -> None:
    """Refuse names that lead elsewhere, archives, and what unpacks to more than `ratio` times its size."""
    if len(members) > most:
        raise reject("too_large", f"The file has {len(members):,} parts; the limit is {most:,}.")
    total = sum(member.file_size for member in members)
    for member in members:
        name = member.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
            raise reject("damaged", "The file is damaged: one of its parts would lie outside it.")
        if name.lower().endswith(_ARCHIVES):
            raise reject("archive", "The file holds another archive, which is not read.")
        # Python's zipfile stops reading at the size that the directory states, so a lie cannot add to the total.
        if member.file_size > max(2**20, ratio * member.compress_size):
            raise reject("too_large", "The file unpacks to far more than its size: it looks like a decompression bomb.")
    if total > min(400 * 2**20, max(2**20, ratio * size)):
        limit = f"400 MB, or {ratio} times the file's size"
        raise reject("too_large", f"The file unpacks to {total / 2**20:,.0f} MB; the limit is {limit}.")


def _check_content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read a part in chunks; refuse an archive, and XML with document types, entities or an encoding to hide them."""
    with archive.open(member) as part:
        head = part.read(512)
        if head.startswith(_ARCHIVE_MARKS) and not member.filename.lower().endswith(_OFFICE):
            raise reject("archive", "The file holds another archive, which is not read.")
        stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")):
            raise reject("unsafe_xml", f"The part {member.filename} is XML in an encoding that Office does not write.")
        if not stripped.startswith(b"<"):
            return
        if member.file_size > 120 * 2**20:  # libraries need ten times that
            raise reject("too_large", f"The part {member.filename} has {member.file_size / 2**20:,.0f} MB of XML.")
        declaration, closed, _ = stripped.lower().replace(b"'", b'"').partition(b"?>")
        encoding = declaration.partition(b"encoding")[2].split(b'"')[1:2] if declaration.startswith(b"<?xml") else []
        if any(not named.startswith(_SAFE_ENCODINGS) for named in encoding) or (encoding and not closed):
            raise reject("unsafe_xml", f"The part {member.filename} is XML in an encoding that Office does not write.")
        tail, chunk = b"", head
        while chunk:
            window = tail + chunk
            if any(declaration in window for declaration in _DECLARATIONS):
                raise reject("unsafe_xml", f"The part {member.filename} declares a document type or entities.")
            tail, chunk = window[-16:], part.read(2**20)


class ThemeColours:
    """The colours that a theme names, by the names of Office's drawings: `bg1`, `tx1`, `lt1`, `accent1` ...

    A colour that is changed, made lighter or clearer, is not known, and so hides nothing.
    """

    def __init__(self, theme: bytes | None, mapping: Mapping[str, str] | None = None) -> None:
        """Read a theme part, of which a file may have none; `mapping` says which colours are text and background."""
        etree = import_module("lxml.etree")  # without type stubs
        self._colours = {"lt1": WHITE, "dk1": BLACK, "white": WHITE, "black": BLACK}
        self._mapping = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"} | dict(mapping or {})
        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
        root = etree.fromstring(theme, parser) if theme else None
        for scheme in root.iter(f"{DRAWING}clrScheme") if root is not None else ():
            for entry in scheme:
                for colour in entry:
                    if found := from_hex(colour.get("lastClr") or colour.get("val") or ""):
                        self._colours[str(entry.tag).removeprefix(DRAWING)] = found

    def get(self, name: str) -> Colour | None:
        """Return a colour, or None for a name that the theme does not have."""
        return self._colours.get(self._mapping.get(name, name))

    def of_fill(self, fill: Any, namespace: str = DRAWING) -> Colour | None:
        """Return the colour of a solid fill of a drawing or of Word's text effects; None where it cannot be told."""
        colour = next(iter(fill if fill is not None else ()), None)
        if colour is None or len(colour):
            return None
        name = colour.get(f"{namespace}val") or colour.get("lastClr") or colour.get("val") or ""
        return self.get(name) or from_hex(name)


def whole(text: str | None, least: int = 0, most: int = 100_000) -> int:
    """Return the number that an attribute says, within bounds; the least one for anything else."""
    said = int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else least
    return max(least, min(said, most))


def theme_of(part: Any) -> bytes | None:
    """Return the theme that a part of a package uses, if it has one."""
    related = (rel for rel in part.rels.values() if rel.reltype.endswith("/theme") and not rel.is_external)
    theme = next(related, None)
    return bytes(theme.target_part.blob) if theme else None
