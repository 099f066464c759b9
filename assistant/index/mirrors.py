"""Where the documents live whose copies an index keeps, since they were ingested from an address (`ingest/remote`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

FOLDER = ".mirrors"  # in an index folder: a copy of what lies at each address, and NAME.json beside it


def address_of(path: str) -> str:
    """Return the address of the document of which a file is the copy; empty for a file that is none."""
    parts = Path(path).parts
    if FOLDER not in parts[:-2]:
        return ""
    at = len(parts) - 1 - parts[::-1].index(FOLDER)
    versions = Path(*parts[: at + 1], f"{parts[at + 1]}.json")
    try:
        addresses = _addresses(versions, versions.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return addresses.get("/".join(parts[at + 2 :]), "")


def refused_at(root: Path) -> list[str]:
    """Return what lies at the address of which a folder is the copy, and is not in it; nothing for another folder."""
    if root.parent.name != FOLDER:
        return []
    try:
        said = json.loads(root.with_name(f"{root.name}.json").read_text(encoding="utf-8"))
        return [str(name) for name in said["refused"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


@lru_cache(maxsize=8)
def _addresses(versions: Path, _: int) -> Mapping[str, str]:
    files = json.loads(versions.read_text(encoding="utf-8"))["files"]
    return {name: str(address) for name, (_, _, address) in files.items()}
