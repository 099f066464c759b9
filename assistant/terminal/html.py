"""A report as a page that people forward: what the terminal shows, with its pictures, in one file of HTML."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from io import StringIO
from pathlib import Path

from rich.console import Console, RenderableType

from assistant.core.files import write_report

WIDTH = 110  # columns, which a printed page holds
# rich fills in {code} and keeps every other brace only if it is doubled.
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
body {{{{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c1f24; font-family: system-ui, sans-serif; }}}}
pre {{{{ font: 0.85rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }}}}
img {{{{ max-width: 100%; }}}}
@media print {{{{ body {{{{ margin: 0; max-width: none; }}}} pre {{{{ font-size: 8pt; }}}} }}}}
</style>
</head>
<body>
<h1>{title}</h1>
<pre>{{code}}</pre>
{pictures}
</body>
</html>
"""


def write_page(path: Path, title: str, report: Iterable[RenderableType], pictures: Sequence[Path] = ()) -> None:
    """Write what a terminal shows as a page that needs no other file; raises UsageError if it cannot be written.

    `pictures` are PNG files. Whatever documents say is text in it, and the page runs and loads nothing.
    """
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, highlight=False)
    for part in report:
        console.print(part)
    shown = "\n".join(_picture(picture) for picture in pictures)
    page = PAGE.format(title=_inert(title), pictures=shown)
    write_report(path, console.export_html(code_format=page, inline_styles=True).encode(), "--html")


def _picture(path: Path) -> str:
    data = b64encode(path.read_bytes()).decode()
    return f'<p><img alt="{_inert(path.stem.replace("_", " "))}" src="data:image/png;base64,{data}"></p>'


def _inert(text: str) -> str:
    return escape(text).replace("{", "{{").replace("}", "}}")
