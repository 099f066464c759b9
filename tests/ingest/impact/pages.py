"""Two texts of a document, compared without an index; and edits of the sample company's files."""

from __future__ import annotations

import html
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from assistant.core.records import Document, Passage
from ingest.impact.diff import WordUses
from ingest.impact.documents import text_change
from ingest.impact.pairing import Pair, pairs
from ingest.impact.pieces import Pieces
from ingest.impact.records import TextChange

EDITS: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("edits.json").read_text(encoding="utf-8"))


def pieces(text: str, media_type: str) -> Pieces:
    document = Document("d", "d.md", "Title", text, media_type, "0" * 64)
    return Pieces(document, [Passage(1, "d", text, 0, len(text), ("Title",))], [])


def changed(old: str, new: str, media_type: str = "text/markdown") -> list[Pair]:
    return pairs(pieces(old, media_type), pieces(new, media_type))


def text_changes(old: str, new: str, media_type: str = "text/markdown") -> list[TextChange]:
    """Return what changed from one canonical text to another."""
    vocabulary = WordUses.of(old, new)
    return [text_change(pair, vocabulary) for pair in changed(old, new, media_type)]


def spans(*changes: TextChange) -> list[tuple[str, str, str]]:
    """Return (type, old, new) of the spans that changed."""
    return [(edit.type, edit.old, edit.new) for text in changes for edit in text.edits if edit.op != "equal"]


def edit(root: Path, name: str, changes: list[list[str]]) -> None:
    """Replace texts in a file, each of which is there once; Office files are edited in their XML."""
    path = root / name
    if path.suffix not in (".docx", ".pptx", ".xlsx"):
        path.write_text(_replaced(path.read_text(encoding="utf-8"), changes, name), encoding="utf-8")
        return
    with zipfile.ZipFile(path) as archive:
        parts = {info: archive.read(info) for info in archive.infolist()}
    joined = "".join(data.decode() for info, data in parts.items() if _is_text(info.filename))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for old, new in changes:
            assert joined.count(html.escape(old, quote=False)) == 1, f"{name}: {old}"
            for info, data in parts.items():
                if _is_text(info.filename):
                    told = data.decode().replace(html.escape(old, quote=False), html.escape(new, quote=False))
                    parts[info] = told.encode()
        for info, data in parts.items():
            archive.writestr(info, data)


def _is_text(name: str) -> bool:
    return name == "word/document.xml" or name.startswith(("ppt/slides/slide", "xl/worksheets/sheet"))


def _replaced(text: str, changes: list[list[str]], name: str) -> str:
    for old, new in changes:
        assert text.count(old) == 1, f"{name}: {old}"
        text = text.replace(old, new)
    return text


def edited(corpora: Path, to: Path) -> Path:
    """Copy the sample company's files and make every edit in the copy."""
    shutil.copytree(corpora, to)
    for one in (*EDITS["rules"], *EDITS["others"]):
        edit(to, one["file"], one["changes"])
    return to
