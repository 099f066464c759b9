"""Plain text -> Markdown that shows just that text, and back: nothing that a document says links, loads or formats.

A page may make a link of an address that is written out: it leads where it says, and escapes do not keep it from that.
Chat pages differ in what they read as markup, and some read a pair of `\\[` and `\\]` as a formula: so of a link only
its closing bracket is escaped, without which there is none. What stands inside of words stays as it is.
"""

from __future__ import annotations

import re

from assistant.text.canonical import printable

# The keys [1] and table rows stay what they are.
MARKUP = re.compile(
    r"""
    [\\`*~<$]
    | (?<![^\W_])_ | _(?![^\W_])   # inside of a word it is an identifier's
    | &(?=\#?\w{1,32};)            # begins an entity
    | \](?=[(:])                   # ends a link's text, an image's, a definition's or a footnote's name
    | (?<=\[)\^                    # begins a footnote's name
    | ^\#(?=\#{0,5}[ ]) | ^> | ^(?:=+|-+)(?=[ ]*$)
    """,
    re.MULTILINE | re.VERBOSE,
)
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def inert(text: str) -> str:
    """Return Markdown that is read as this text; what is not printable is replaced."""
    return MARKUP.sub(r"\\\g<0>", printable(text))


def as_read(markdown: str) -> str:
    """Return the text that `inert` made Markdown of."""
    return ESCAPED.sub(r"\1", markdown)
