"""An answer in the making: its own work in steps, and between them what a generator is asked.

The recipe is a generator of Python: it yields a request and gets the reply. So whoever runs it waits as it likes, in
its thread or in none, and no state of the index is held while a model writes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from assistant.core.errors import EndpointFailed
from assistant.core.records import Answer, Turn
from assistant.models.language_model import Heard, ignore


@dataclass(frozen=True, slots=True)
class Request:
    """What a generator is asked; `heard` is told the reply so far as it grows."""

    messages: tuple[Turn, ...]
    max_tokens: int
    heard: Heard = ignore


Recipe = Generator[Request, str, Answer]
Ask = Callable[[Request], Future[str]]
Result = TypeVar("Result")


class Steps:
    """Runs a recipe, each step in a snapshot of the index of its own, and in any thread."""

    def __init__(self, recipe: Recipe, snapshot: Callable[[], AbstractContextManager[object]], ask: Ask) -> None:
        self._recipe = recipe
        self._snapshot = snapshot
        self.ask = ask

    def advance(self, reply: str | EndpointFailed | None = None) -> Request | Answer:
        """Work until a generator has to be asked, or until the answer is there; `reply` is to the last request."""
        with self._snapshot():
            try:
                if isinstance(reply, EndpointFailed):
                    return self._recipe.throw(reply)
                return next(self._recipe) if reply is None else self._recipe.send(reply)
            except StopIteration as ended:
                answer: Answer = ended.value
                return answer

    def run(self) -> Answer:
        """Work until the answer is there; whatever interrupts that ends the call to the generator, too."""
        outcome = self.advance()
        while isinstance(outcome, Request):
            reply = self.ask(outcome)
            try:
                outcome = self.advance(settled(reply))
            except BaseException:
                reply.cancel()
                raise
        return outcome


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Result]):
    """Work that goes on once a reply is there."""

    reply: Future[str]
    resume: Callable[[str | EndpointFailed], Result | Waiting[Result]]


def go_on(
    steps: Steps, finish: Callable[[Answer], Result], reply: str | EndpointFailed | None = None
) -> Result | Waiting[Result]:
    """Do a step, and return what `finish` makes of the answer, or what it waits for: no thread need wait."""
    outcome = steps.advance(reply)
    if isinstance(outcome, Request):
        return Waiting(steps.ask(outcome), lambda reply: go_on(steps, finish, reply))
    return finish(outcome)


def settled(reply: Future[str]) -> str | EndpointFailed:
    """Wait for a reply; an endpoint that fails is one, too."""
    try:
        return reply.result()
    except EndpointFailed as error:
        return error
