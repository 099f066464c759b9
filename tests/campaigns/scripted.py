"""A generator whose words are written by the campaign: what it is told goes into a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from assistant.core.records import ModelInfo, Turn
from assistant.models.language_model import Heard, ignore

Say = Callable[[Sequence[Turn]], str]


class Scripted:
    """Says what `say` makes of the messages; it may be set anew between two questions."""

    info = ModelInfo("scripted", "bench")

    def __init__(self, say: Say) -> None:
        self.say = say

    def ask(self, messages: Sequence[Turn], max_tokens: int, heard: Heard = ignore) -> Future[str]:
        reply: Future[str] = Future()
        reply.set_result(self.say(messages))
        return reply


def echo(messages: Sequence[Turn]) -> str:
    """Say all that was told."""
    return "\n".join(turn.content for turn in messages)
