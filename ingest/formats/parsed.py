"""What a format reader returns, and the codes with which one refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from assistant.core.errors import DocumentRejected
from assistant.core.package import has

MAX_BYTES = 100 * 2**20  # a larger file is rejected unread
MAX_CHARACTERS = 120_000_000  # canonical text; a 100 MB text file passes
MAX_PAGES = 3_000  # pages of a PDF, slides, sheets; the rest is left out and flagged

Code = Literal[
    "empty",
    "too_large",
    "unsafe_xml",
    "archive",
    "password",
    "damaged",
    "no_text",
    "encoding",
    "unsupported",
    "metadata",
    "too_slow",
    "crashed",
]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's canonical text (`assistant.core.records.Document`) and what was found beside it.

    `title` is empty when the document names none. `pages[i]` is the offset at which page i + 1 begins. `emphases` are
    sorted, do not overlap, and neither begin nor end with white space. `flags` are (reason, sentence) pairs.
    `margins` are running headers, footers and watermarks, which are no part of the text. `links` are (address, offset
    of the block that holds the link or comes before it), `anchors` what a link may lead to beside headings. `ocr` are
    (page, confidence) of the pages that were read by OCR.
    """

    text: str
    title: str
    media_type: str
    pages: tuple[int, ...] = ()
    emphases: tuple[tuple[int, int], ...] = ()
    front_matter: Mapping[str, object] = field(default_factory=dict)
    flags: tuple[tuple[str, str], ...] = ()
    margins: tuple[str, ...] = ()
    links: tuple[tuple[str, int], ...] = ()
    anchors: tuple[str, ...] = ()
    ocr: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Scans:
    """How many scanned pages of a file may be read by OCR, and who is told before each, since it takes seconds."""

    pages: int = 300
    begin: Callable[[], None] = lambda: None

    @property
    def usable(self) -> bool:
        """Whether any are read."""
        return self.pages > 0 and has("ocr")

    @property
    def remedy(self) -> str:
        """What has them read, where they are not."""
        return "raise ingest.ocr_pages" if has("ocr") else "pip install 'policy-assistant[ocr]'"


def reject(code: Code, sentence: str) -> DocumentRejected:
    """Return the error to raise; typed so that only a known code can be given."""
    return DocumentRejected(code, sentence)


_NO_TITLE = re.compile(
    r"^(?:(?:document|doc|presentation|slide|title|book|workbook|sheet|template|normal)\s*\d*$"
    r"|microsoft \w+ - |untitled|powerpoint[- ]pr|word document|new document|\(?anonymous\)?$|print$|about:blank|https?://)"
    r"|\.(?:docx?|dotx?|pdf|pptx?|xlsx?|indd|rtf|odt|tex|dvi|html?|qxd|pub|pages)$",
    re.IGNORECASE,
)


def sensible_title(title: object) -> str:
    """Return a title property if a person could have written it, else an empty string."""
    text = " ".join(title.split()) if isinstance(title, str) else ""
    wordless = sum(char.isalpha() for char in text) < 3
    return "" if wordless or len(text) > 300 or _NO_TITLE.search(text) else text
