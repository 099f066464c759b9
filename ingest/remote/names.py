"""Which of the files at an address are kept, under their own names, and which are not, and why."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence

from assistant.core.records import Rejection
from ingest.remote.place import Listed
from ingest.sources import is_document, is_picture, says_rights

LONGEST_PART, LONGEST = 240, 2_000  # bytes that any system keeps
ESCAPES = "Its name may lead out of its folder."
CASE = "Its name differs from another's only by case."


def sort_names(listed: Sequence[Listed]) -> tuple[dict[str, Listed], list[Rejection]]:
    """Return what is to be kept, by name, and what is refused; what no ingest reads is passed over."""
    files: dict[str, Listed] = {}
    refused: list[Rejection] = []
    spelled: dict[str, str] = {}  # names, of folders too, to a system that ignores case -> as they are written
    for file in sorted(listed, key=lambda file: file.name.split("/")):
        if not _is_kept(file):
            continue
        folders = file.name.split("/")[:-1]
        above = ["/".join(folders[: depth + 1]) for depth in range(len(folders))]
        detail = file.refused or _fault(file.name)
        if not detail and any(name in files for name in above):
            detail = "Its name makes a folder of a file."
        if not detail and file.name in files:
            detail = "Its name is there twice."
        if not detail:
            keys = [(unicodedata.normalize("NFC", name).casefold(), name) for name in (*above, file.name)]
            detail = "" if all(spelled.setdefault(key, name) == name for key, name in keys) else CASE
        if detail:
            source = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in file.name)
            refused.append(Rejection(source, "outside", detail))
        else:
            files[file.name] = file
    return files, refused


def _is_kept(file: Listed) -> bool:
    """Tell whether a walk of a folder would look at the file."""
    *folders, last = file.name.split("/")
    if any(part.startswith(".") and part not in (".", "..") for part in folders):
        return False
    return is_document(last) or is_picture(last) or says_rights(last) or bool(file.refused and last[:1] != ".")


def _fault(name: str) -> str:
    """Say why no file may have that name here; empty for a name like others."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\\" in part for part in parts):
        return ESCAPES
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        return "Its name has control characters, or is not valid UTF-8."
    if any(len(part.encode()) > LONGEST_PART for part in parts) or len(name.encode()) > LONGEST:
        return "Its name is too long."
    if os.name == "nt" and any(set(part) & set('<>:"|?*') or part != part.rstrip(". ") for part in parts):
        return "Its name is none that Windows can keep."
    return ""
