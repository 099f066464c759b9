"""Read a file of any known format into canonical text; the format is told by the name's suffix.

Reject codes: `empty`, `too_large`, `unsafe_xml`, `archive`, `password`, `damaged`, `no_text`, `encoding`, `metadata`
(front matter that cannot be read) and, for a suffix that is not in `SUFFIXES`, `unsupported`; `sandbox` adds
`too_slow` and `crashed`. Nothing heavy is imported before the first file that needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

from assistant.core.errors import DocumentRejected
from assistant.core.package import has
from ingest.formats.parsed import MAX_BYTES, Parsed, Scans, reject

__all__ = ["MAX_BYTES", "PICTURES", "SCANNED", "SUFFIXES", "Parsed", "Scans", "read_document"]

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})
SCANNED = PICTURES | {".pdf"}  # what may be read by OCR
# Without OCR, a folder's pictures are passed over, as its other files are that hold no text.
SUFFIXES = frozenset({".md", ".markdown", ".txt", ".html", ".htm", ".pdf", ".docx", ".pptx", ".xlsx", ".csv"}) | (
    PICTURES if has("ocr") else frozenset()
)
SCANS = Scans()


def read_document(data: bytes, name: str, max_bytes: int = MAX_BYTES, scans: Scans = SCANS) -> Parsed:
    """Return a file's canonical text with what was found beside it.

    `name` gives the format by its suffix, `scans` says what is read by OCR. Raises `DocumentRejected` with one of the
    codes above, and `MemoryError`.
    """
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    if suffix in PICTURES and not scans.usable:
        raise reject("unsupported", f"Pictures are read only by OCR: {scans.remedy}.")
    if suffix not in SUFFIXES:
        known = ", ".join(sorted(SUFFIXES))
        raise reject("unsupported", f"{suffix or 'Nameless'} files are not supported. Supported are: {known}.")
    if len(data) > max_bytes:
        size, limit = len(data) / 2**20, max_bytes / 2**20
        raise reject("too_large", f"The file has {size:,.1f} MB; the limit is {limit:,.1f} MB.")
    if not data:
        raise reject("empty", "The file is empty.")
    read = _reader(suffix, scans)
    try:
        return read(data)
    except (DocumentRejected, MemoryError):
        raise
    except Exception as error:
        # The readers' libraries raise anything at all on a file that was made to hurt them.
        raise reject("damaged", f"The file is damaged: reading it ended in {type(error).__name__}.") from error


def _reader(suffix: str, scans: Scans) -> Callable[[bytes], Parsed]:
    """Import what reads a format."""
    if suffix in PICTURES:
        from ingest.formats.scan.pictures import read_picture

        return partial(read_picture, suffix=suffix, scans=scans)
    if suffix == ".pdf":
        from ingest.formats.pdf.reader import read_pdf

        return partial(read_pdf, scans=scans)
    match suffix:
        case ".md" | ".markdown":
            from ingest.formats.text.markdown import read_markdown as read
        case ".txt":
            from ingest.formats.text.plaintext import read_text as read
        case ".html" | ".htm":
            from ingest.formats.html.reader import read_html as read
        case ".docx":
            from ingest.formats.office.docx import read_docx as read
        case ".pptx":
            from ingest.formats.office.pptx import read_pptx as read
        case ".xlsx":
            from ingest.formats.office.xlsx import read_xlsx as read
        case _:
            from ingest.formats.office.spreadsheet import read_csv as read
    return read
