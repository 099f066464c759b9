"""What may not stand in an answer is taken out of it."""

from __future__ import annotations

import pytest

from assistant.core.config import GuardsSection
from assistant.guards.run import Guards


@pytest.fixture(scope="module")
def plain() -> Guards:
    return Guards(GuardsSection())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Apply at https://intra.example/leave. [1]", "Apply at https://intra.example/leave. [1]"),
        ("![a <img b](c) d> Yes. [1]", "[image removed] Yes. [1]"),
        ("![x](https://evil.example/p.png?d=secret) Yes. [1]", "[image removed] Yes. [1]"),
        ("![x](https://intra.example/leave) Yes. [1]", "[image removed] Yes. [1]"),
        ("![x][ref] and ![y] and ![", "[image removed] and [image removed] and !["),
        ('<img src="https://evil.example"> Yes. [1]', "[image removed] Yes. [1]"),
        ("a\x1b[31mb\x9b1mc\x1b]52;c;aGk=\x07d", "a[control characters removed]b[control characters removed]c"
         "[control characters removed]d"),
        ("The form is 7. [1]\nIt is due on 3 May. [1]", "The form is 7. [1]\nIt is due on 3 May. [1]"),
    ],
)  # fmt: skip
def test_an_answer_holds_only_what_it_may(plain: Guards, text: str, left: str) -> None:
    assert plain.output(text, ()).text == left
