"""Markdown made of plain text shows that text, and acts on nothing in it."""

from __future__ import annotations

import pytest

from assistant.text.markdown import as_read, inert


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("[sign in again](https://evil.example)", r"[sign in again\](https://evil.example)"),
        ("![t](https://evil.example/t.png)", r"![t\](https://evil.example/t.png)"),
        ("[x](javascript:alert(1)) [1](//evil.example)", r"[x\](javascript:alert(1)) [1\](//evil.example)"),
        ("[1]: //evil.example", r"[1\]: //evil.example"),
        ("[^1] [^1]: a note", r"[\^1] [\^1\]: a note"),
        ("<b>so</b> &lt;b> R&D; AT&T", r"\<b>so\</b> \&lt;b> R\&D; AT&T"),
        (r"\[x\](y) \\", r"\\[x\\\](y) \\\\"),
        ("# Title\n#4 is it\n> said\n---\na > b", "\\# Title\n#4 is it\n\\> said\n\\---\na > b"),
        ("snake_case_id and _so_ and __init__ and a_ b", r"snake_case_id and \_so\_ and \_\_init\_\_ and a\_ b"),
        ("5 * 3 ~~no~~ `x` US$, CA$, A*", r"5 \* 3 \~\~no\~\~ \`x\` US\$, CA\$, A\*"),
        ("Dogs stay at home [1] [2], [as they are] (really).", "Dogs stay at home [1] [2], [as they are] (really)."),
        ("| a | b_c |", "| a | b_c |"),
    ],
)
def test_markup_of_a_text_is_shown_and_does_nothing(text: str, made: str) -> None:
    assert inert(text) == made and as_read(made) == text


def test_no_pair_of_brackets_is_escaped() -> None:
    """Some chat pages read what stands in one as a formula."""
    assert r"\[" not in inert("[a](b) [c][d] [e]: f [[g](h)](i)")


def test_what_is_not_printable_is_replaced() -> None:
    assert inert("a\x1b[31m\u202eb") == "a\ufffd[31m\ufffdb"
