"""Our own examples for the guards, `examples/*.txt`: what the public sets lack, in families and as templates.

A line is an example; `{a|b}` stands for either, braces may nest, `{=NAME}` for what a line `= NAME: a|b` lists, `\\n`
for a new line, and a backslash before a brace or a bar for the sign itself. `# name` begins a family. Of a line's
combinations MOST are drawn, the same ones each time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent / "examples"
MOST = 16  # examples of one line
TRIES = 4 * MOST

Name = Literal["attacks", "lookalikes", "chat", "harmless", "orders", "documents", "employees"]

_TOKEN = re.compile(r"\\.|[{}|]|[^\\{}|]+", re.DOTALL)


def read_examples(name: Name) -> Iterator[tuple[str, str, str]]:
    """Yield (family, line, example) of one file."""
    lists: dict[str, str] = {}
    family = ""
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            family = line[2:]
        elif line.startswith("= "):
            key, _, listed = line[2:].partition(": ")
            lists[key] = listed
        elif line:
            yield from ((family, line, text) for text in expand(line, lists))


def expand(line: str, lists: dict[str, str]) -> list[str]:
    """Return MOST combinations of a line, drawn by chance that the line itself seeds; fewer if it has fewer."""
    for key, listed in lists.items():
        line = line.replace(f"{{={key}}}", f"{{{listed}}}")
    draw = random.Random(line)
    found: dict[str, None] = {}
    for _ in range(TRIES):
        found[" ".join(_drawn(_tokens(line), draw).split(" ")).strip()] = None
        if len(found) == MOST:
            break
    return list(found)


def _tokens(line: str) -> list[str]:
    """Return the tokens of a line, the next one last."""
    return [match.group() for match in _TOKEN.finditer(line)][::-1]


def _drawn(tokens: list[str], draw: random.Random) -> str:
    """Take tokens up to the end or a closing brace, and draw one of the alternatives between bars."""
    choices = [""]
    while tokens and (token := tokens.pop()) != "}":
        if token == "|":
            choices.append("")
        elif token == "{":
            choices[-1] += _drawn(tokens, draw)
        else:
            choices[-1] += {"\\n": "\n"}.get(token, token[-1]) if token.startswith("\\") else token
    return draw.choice(choices)
