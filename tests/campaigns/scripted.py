"""A generator whose words are written by the bench: what it is told goes into a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from assistant.core.records import ModelInfo, Turn

Say = Callable[[Sequence[Turn]], str]


class Scripted:
    """Says what `say` makes of the messages; it may be set anew between two questions."""

    info = ModelInfo("scripted", "bench")

    def __init__(self, say: Say) -> None:
        self.say = say

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        return self.say(messages)

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        yield self.say(messages)


def echo(messages: Sequence[Turn]) -> str:
    """Say all that was told."""
    return "\n".join(turn.content for turn in messages)
