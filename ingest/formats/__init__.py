"""Read a file of any known format into canonical text; the format is told by the name's suffix.

Reject codes: `empty`, `too_large`, `unsafe_xml`, `archive`, `password`, `damaged`, `no_text`, `encoding`, `metadata`
(front matter that cannot be trusted) and, for a suffix that is not in `SUFFIXES`, `unsupported`; `parser_process` adds
`too_slow` and `crashed`. Nothing heavy is imported before the first file that needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePosixPath

from assistant.core.errors import DocumentRejected
from ingest.formats.front_matter import refuse_stray
from ingest.formats.parsed import MAX_BYTES, Parsed, reject

__all__ = ["MAX_BYTES", "SUFFIXES", "WITH_FRONT_MATTER", "Parsed", "read_document"]

_READERS = {
    ".md": "markdown.read_markdown",
    ".markdown": "markdown.read_markdown",
    ".txt": "text.read_text",
    ".html": "html.read_html",
    ".htm": "html.read_html",
    ".pdf": "pdf.read_pdf",
    ".docx": "docx.read_docx",
    ".pptx": "pptx.read_pptx",
    ".xlsx": "table.read_xlsx",
    ".csv": "table.read_csv",
}
SUFFIXES: frozenset[str] = frozenset(_READERS)
WITH_FRONT_MATTER = frozenset({".md", ".markdown", ".txt", ".html", ".htm", ".csv"})


def read_document(data: bytes, name: str, max_bytes: int = MAX_BYTES) -> Parsed:
    """Return a file's canonical text with what was found beside it.

    `name` gives the format by its suffix. Raises `DocumentRejected` with one of the codes above, and `MemoryError`.
    """
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    if suffix not in _READERS:
        known = ", ".join(sorted(SUFFIXES))
        raise reject("unsupported", f"Files of the type {suffix or '(none)'} are not read; those that are: {known}.")
    if len(data) > max_bytes:
        size, limit = len(data) / 2**20, max_bytes / 2**20
        raise reject("too_large", f"The file has {size:,.1f} MB; the limit is {limit:,.1f} MB.")
    if not data:
        raise reject("empty", "The file is empty.")
    module, function = _READERS[suffix].split(".")
    read: Callable[[bytes], Parsed] = getattr(import_module(f"{__name__}.{module}"), function)
    try:
        parsed = read(data)
        if suffix not in WITH_FRONT_MATTER:
            refuse_stray(parsed.text)
        return parsed
    except (DocumentRejected, MemoryError):
        raise
    except Exception as error:
        # The readers' libraries raise anything at all on a file that was made to hurt them.
        raise reject("damaged", f"The file is damaged: reading it ended in {type(error).__name__}.") from error
