"""Record what the assistant shows on a terminal, for the README:  python -m bench.record

The sample company is ingested into an index that is gone afterwards; each command runs on a pseudo-terminal of its own,
and what it wrote becomes docs/demo.svg.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.common import COMMAND, ROOT, console, parser, run_ingest, scratch, settings

PICTURE = ROOT / "docs" / "demo.svg"
COMMANDS = (
    'ask "How many days of leave can I carry over?"',
    'ask "May I bring my dog to the office?"',
    "terms CISO",
)
FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # which a reader's program would fetch from the internet
WIDTH, LINES = 100, 40


def main() -> None:
    options = parser(__doc__).parse_args()
    with scratch("record") as folder:
        config = settings(options, folder / "index")
        run_ingest([ROOT / "corpora"], config)
        shown = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
        for command in COMMANDS:
            shown.print(Text(f"$ assistant {command}", style="bold"))
            shown.print(Text.from_ansi(on_terminal(command, config.data)))
    PICTURE.write_text(FONTS.sub("", shown.export_svg(title="assistant")), encoding="utf-8")
    console.print(f"{PICTURE} written.")


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


if __name__ == "__main__":
    main()
