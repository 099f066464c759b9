"""The one thing that is faked: a generator whose replies are scripted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from assistant.core.records import ModelInfo, Turn


class ScriptedModel:
    """Replies with the given texts in turn, or with what a function makes of the messages; keeps what it was told."""

    info = ModelInfo("scripted", "fake")

    def __init__(self, *replies: str | Callable[[Sequence[Turn]], str]) -> None:
        self._replies = list(replies)
        self.told: list[Sequence[Turn]] = []

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        self.told.append(messages)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return reply if isinstance(reply, str) else reply(messages)

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        yield from re.findall(r"\s*\S+|\s+$", self.complete(messages, max_tokens))
