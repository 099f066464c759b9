"""Definitions set off by a tab, `Cell Return<TAB>The return described in rule 3.4`: a tab is lost where text flows."""

from __future__ import annotations

import re
from collections.abc import Callable

_LINE = re.compile(r"^(?P<name>[^\W_][^\t\n|]{0,79}?) *\t[ \t]*(?P<meaning>[^\s|][^\t\n]*)$", re.MULTILINE)
_LEAST = 3  # lines; a single one may be anything


def write_definitions(text: str, write: Callable[[str, str], str]) -> str:
    """Return the text with each line of a name, a tab and its meaning as `write` writes it, if there are several."""
    if "\t" not in text or len(_LINE.findall(text)) < _LEAST:
        return text
    return _LINE.sub(lambda line: write(line["name"], line["meaning"]), text)
