"""Documents, and how tests put them at an address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.remote.mirror import Mirror
from ingest.remote.s3 import S3, Listed

LEAVE = "# Annual Leave\n\nFull-time employees have 27 days of annual leave a year.\n"
TRAVEL = "# Travel\n\nThe limit for a hotel night is 140 euros.\n"
FILES = {"leave.md": LEAVE, "travel.md": TRAVEL, "site/parking.md": "# Parking\n\nVisitors park in bay 7.\n"}
Take = Callable[..., Mirror]


def put(s3: Any, files: dict[str, str], prefix: str = "policies/") -> None:
    for name, text in files.items():
        s3.put_object(Bucket="corp", Key=prefix + name, Body=text.encode())


def names(found: Mirror | Path) -> list[str]:
    folder = found.folder if isinstance(found, Mirror) else found
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def pipe(memory: Any, files: dict[str, str]) -> None:
    for name, text in files.items():
        memory.pipe(f"/docs/{name}", text.encode())


def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that names what is fetched from now on."""
    found: list[str] = []
    fetch = S3.fetch

    def note(self: S3, file: Listed, *others: Any) -> None:
        found.append(file.name)
        fetch(self, file, *others)

    monkeypatch.setattr(S3, "fetch", note)
    return found


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
