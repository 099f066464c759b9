"""What a document says of its own standing: it goes into the title, which stands with every quote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from assistant.text.canonical import MAX_HEADING
from assistant.text.words import title_of
from ingest.formats import Parsed

LOOKED_AT, FIRST_LINES = 2_000, 5  # characters and lines of a document, in which its standing is looked for
MAX_STATUS = 100  # characters
_STATUS = r"(?:document )?status\s*[:=]\s*(?!(?:final|approved|current|active|in force|published|effective|valid)\b)\S"
_GONE = (
    r"(?:(?:first|second|working) )?draft\b|superseded\b|withdrawn\b|repealed\b|obsolete\b|archived?\b|outdated\b"
    r"|expired\b|not (?:yet )?in force\b|no longer (?:in force|valid)\b"
)
_SAID = (
    r"(?:this|the) (?:policy|document|version) (?:is|has been|was) "
    r"(?:a draft|superseded|withdrawn|repealed|obsolete|replaced|archived|no longer|not yet)"
)
FIRST_LINE = re.compile(rf"{_STATUS}|{_GONE}|{_SAID}", re.IGNORECASE)
# A running line names other things, too: "Archive Services Ltd" says nothing of the document.
_ALONE = r"(?=$|\s*(?:[^\w\s]|v?\d)|\s+(?:by|since|on|version|for)\b)"
_BUT = r".*\b(?:not|no longer|only|void|proposal|unless|except)\b"
MARGIN = re.compile(rf"{_STATUS}|(?:{_GONE}){_ALONE}|{_SAID}|{_BUT}", re.IGNORECASE)
_PARTS = re.compile(r"\s*[|·•\t–—]\s*|\s+-\s+|\s{3,}")  # of a running line


def titled(title: str, source: str, parsed: Parsed) -> str:
    """Return a title that says what the document says of its standing: "Travel [DRAFT - not in force]"."""
    status = next((line for line in _told(parsed) if 0 < len(line) <= MAX_STATUS), "")
    if not status or status.casefold() in title.casefold():
        return title[:MAX_HEADING]
    return f"{(title or title_of(source))[: MAX_HEADING - MAX_STATUS - 3]} [{status}]"


def _told(parsed: Parsed) -> Iterator[str]:
    given = f"status: {parsed.front_matter.get('status', 'valid')}"
    lines = (line.strip("#*_ |>") for line in parsed.text[:LOOKED_AT].splitlines() if line.strip())
    yield from filter(FIRST_LINE.match, (given, *islice(lines, FIRST_LINES)))
    for line in parsed.margins:
        yield " - ".join(part for part in map(str.strip, _PARTS.split(line)) if MARGIN.match(part))
