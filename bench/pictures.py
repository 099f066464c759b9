"""Take the README's pictures:  python -m bench.pictures

The sample company is ingested into an index that is gone afterwards. Each command runs on a pseudo-terminal of its own,
and what it wrote becomes docs/demo.svg; then the company is served on a free port of loopback, and the page is shown in
Chromium. Needs `pip install '.[serve,browser]'` and Chromium.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import subprocess
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.common import COMMAND, ROOT, console, parser, run_ingest, scratch, serving, settings

DOCS = ROOT / "docs"
QUESTION = "How many days of leave can I carry over?"
COMMANDS = (f'ask "{QUESTION}"', 'ask "May I bring my dog to the office?"', "terms CISO")
FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # which a reader's program would fetch from the internet
WIDTH, LINES = 100, 40


def main() -> None:
    options = parser(__doc__).parse_args()
    with scratch("pictures") as folder:
        config = settings(options, folder / "index")
        run_ingest([ROOT / "corpora"], config)
        record(config.data)
        with serving(config) as (address, _):
            take(address)
    console.print(f"{DOCS}: demo.svg, page-answer.png, page-place.png written.")


def record(data: Path) -> None:
    """Write the picture of the commands on a terminal into docs/."""
    shown = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    for command in COMMANDS:
        shown.print(Text(f"$ assistant {command}", style="bold"))
        shown.print(Text.from_ansi(on_terminal(command, data)))
    (DOCS / "demo.svg").write_text(FONTS.sub("", shown.export_svg(title="assistant")), encoding="utf-8")


def on_terminal(command: str, data: Path) -> str:
    """Return what a command writes to a terminal, its spinner left out."""
    ours, its = pty.openpty()
    arguments = [*COMMAND, *shlex.split(command), "--data", str(data)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": str(LINES), "PAGER": "cat"}
    process = subprocess.Popen(
        arguments, stdout=its, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment
    )
    os.close(its)
    written = b""
    try:
        while piece := os.read(ours, 65_536):
            written += piece
    except OSError:  # the command has ended
        pass
    process.wait()
    os.close(ours)
    return written.decode().replace("\r\n", "\n").rstrip("\n") + "\n"


def take(address: str) -> None:
    """Write the pictures of an answer and of its quote's place into docs/."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 640}, base_url=address)
        page.goto("/")
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        page.locator("article").wait_for()
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=DOCS / "page-answer.png")
        page.locator(".sources a").first.click()
        page.locator("mark").first.wait_for()
        page.screenshot(path=DOCS / "page-place.png")
        browser.close()


if __name__ == "__main__":
    main()
