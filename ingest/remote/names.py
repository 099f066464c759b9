"""Which of the files at an address are kept, under their own names, and which are not, and why."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Sequence

from assistant.core.errors import UsageError
from assistant.core.records import Rejection
from ingest.remote.s3 import Listed
from ingest.sources import is_document, is_picture, says_rights, shown

LONGEST_PART, LONGEST = 240, 2_000  # bytes that any system keeps
MOST_PARTS = 50  # each is a folder here
ESCAPES = "Its name may lead out of its folder."
CASE = "Its name differs from another's only by case."


def sort_names(listed: Sequence[Listed], had: Collection[str]) -> tuple[dict[str, Listed], list[Rejection]]:
    """Return what is to be kept, by name, and what is refused; what no ingest reads is passed over.

    What is there already, by `had`, goes before what came beside it under nearly its name. Raises UsageError where what
    says who may see files is refused.
    """
    files: dict[str, Listed] = {}
    refused: list[Rejection] = []
    spelled: dict[str, tuple[str, bool]] = {}  # a name to a system that ignores case -> it as written, is it a folder?
    for file in sorted(listed, key=lambda file: (file.name not in had, file.name.replace("/", "\0"))):
        if not _is_kept(file):
            continue
        detail = file.refused or _fault(file.name)
        keyed = {} if detail else _spellings(file.name)
        taken = {key: spelled.get(key, named) for key, named in keyed.items()}
        if not detail and [name for name, _ in taken.values()] != [name for name, _ in keyed.values()]:
            detail = CASE
        if not detail and taken != keyed:
            detail = "Its name makes a folder of a file."
        if not detail:
            spelled |= keyed
            files[file.name] = file
            continue
        source = shown(file.name)
        if says_rights(file.name):
            cause = f"{source} says who may see what is at {file.address or 'the address'}, and is not read. {detail}"
            raise UsageError(cause, "Nothing was changed.")
        refused.append(Rejection(source, "outside", detail))
    return files, refused


def _is_kept(file: Listed) -> bool:
    """Tell whether a walk of a folder would look at the file."""
    *folders, last = file.name.split("/")
    if any(part.startswith(".") and part not in (".", "..") for part in folders):
        return False
    return is_document(last) or is_picture(last) or says_rights(last) or bool(file.refused and last[:1] != ".")


def _spellings(name: str) -> dict[str, tuple[str, bool]]:
    """Return a name and those of its folders, as a system reads them that ignores case: as written, is it a folder?"""
    parts = name.split("/")
    names = [("/".join(parts[:depth]), depth < len(parts)) for depth in range(1, len(parts) + 1)]
    return {unicodedata.normalize("NFC", each).casefold(): (each, is_folder) for each, is_folder in names}


def _fault(name: str) -> str:
    """Say why no file may have that name here; empty for a name like others."""
    if name.count("/") >= MOST_PARTS:
        return f"It lies in more than {MOST_PARTS - 1} folders."
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
