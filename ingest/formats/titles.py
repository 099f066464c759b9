"""Tell a title from what software puts in its place."""

from __future__ import annotations

import re

_JUNK = re.compile(
    r"microsoft \w+ - |untitled|(?:document|doc|presentation|slide|title|book|workbook|sheet|template|normal)\s*\d*$"
    r"|powerpoint[- ]pr|word document|new document|\(?anonymous\)?$|print$|about:blank|https?://",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"\.(?:docx?|dotx?|pdf|pptx?|xlsx?|indd|rtf|odt|tex|dvi|html?|qxd|pub|pages)$", re.IGNORECASE)


def sensible_title(title: object) -> str:
    """Return a title property if a person could have written it, else an empty string."""
    text = " ".join(title.split()) if isinstance(title, str) else ""
    wordless = sum(char.isalpha() for char in text) < 3
    return "" if wordless or len(text) > 300 or _JUNK.match(text) or _FILE_NAME.search(text) else text
