"""A report's page needs no other file, runs nothing, and shows what documents say as text."""

from __future__ import annotations

from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from assistant.core.errors import UsageError
from assistant.terminal.html import write_page
from assistant.terminal.views import safe

MARKUP = "{code} </pre><script>alert(1)</script> <img src=x onerror=alert(1)> [bold]b[/bold] {0}"


class Page(HTMLParser):
    """The text and the tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags, self.sources = "", list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_documents_say_is_text_on_a_page(tmp_path: Path) -> None:
    table = Table("file", "what")
    table.add_row(safe(MARKUP), "x")
    picture = tmp_path / "risk_coverage.png"
    picture.write_bytes(b"\x89PNG not really")
    write_page(tmp_path / "page.html", f"Report {MARKUP}", (Text("A finding"), safe(MARKUP), table), [picture])
    raw = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(raw)
    assert page.text.count(MARKUP) == 4 and "A finding" in page.text, "title, heading, text, table"
    assert "script" not in page.tags and page.tags.count("img") == 1
    assert page.sources == [f"data:image/png;base64,{b64encode(picture.read_bytes()).decode()}"]
    assert "default-src 'none'" in raw and "http" not in raw.partition("<body>")[2]


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--html"):
        write_page(tmp_path, "Report", [])
