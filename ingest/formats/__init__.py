"""Read a file of any known format into canonical text; the format is told by the name's suffix.

Reject codes: `empty`, `too_large`, `unsafe_xml`, `archive`, `password`, `damaged`, `no_text`, `encoding`, `metadata`
(front matter that cannot be read) and, for a suffix that is not in `SUFFIXES`, `unsupported`; `sandbox` adds
`too_slow` and `crashed`. Nothing heavy is imported before the first file that needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import PurePosixPath

from assistant.core.errors import DocumentRejected
from assistant.core.package import has
from ingest.formats.parsed import MAX_BYTES, Parsed, Scans, reject

__all__ = ["MAX_BYTES", "PICTURES", "SCANNED", "SUFFIXES", "Parsed", "Scans", "read_document"]

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})
SCANNED = PICTURES | {".pdf"}  # what may be read by OCR
_READERS = {  # modules of this package, and their functions
    ".md": "text.markdown.read_markdown",
    ".markdown": "text.markdown.read_markdown",
    ".txt": "text.plaintext.read_text",
    ".html": "html.reader.read_html",
    ".htm": "html.reader.read_html",
    ".pdf": "pdf.reader.read_pdf",
    ".docx": "office.docx.read_docx",
    ".pptx": "office.pptx.read_pptx",
    ".xlsx": "office.spreadsheet.read_xlsx",
    ".csv": "office.spreadsheet.read_csv",
}
# Without OCR, a folder's pictures are passed over, as its other files are that hold no text.
SUFFIXES = frozenset(_READERS) | (PICTURES if has("ocr") else frozenset())
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
    module, _, name = _READERS.get(suffix, "scan.pictures.read_picture").rpartition(".")
    read: Callable[..., Parsed] = getattr(import_module(f"{__name__}.{module}"), name)
    if suffix in PICTURES:
        return partial(read, suffix=suffix, scans=scans)
    return partial(read, scans=scans) if suffix in SCANNED else read
