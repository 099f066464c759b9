"""What a generator is: one method over messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from assistant.core.records import ModelInfo, Turn

Heard = Callable[[str], None]  # is told a reply so far, as it grows


def ignore(_: str) -> None:
    """Wait for the whole reply."""


class LanguageModel(Protocol):
    """A chat model; greedy, so that the same messages give the same words."""

    info: ModelInfo

    def ask(self, messages: Sequence[Turn], max_tokens: int, heard: Heard = ignore) -> Future[str]:
        """Begin a reply and return it as a future, which has EndpointFailed where none comes.

        `heard` is called in another thread. Cancelling the future ends the work.
        """
