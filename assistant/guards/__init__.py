"""Guards: one detector a file, behind one protocol; `run.Guards` applies what the settings say about what they find.

A guard only says what it found and where. Whether that is let through, masked or refused is the runner's business, so
that every detector can be switched by one setting and tested as a plain function of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from assistant.core.records import Stage
from assistant.guards.normalise import as_encoded, views
from assistant.guards.segments import cued_sentences, windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Span:
    """Something found in a text, at `text[start:end]`; `kind` names it in words, like `card number`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guard found: a reason that a user understands, how sure it is (0 to 1), and where, if it can be masked."""

    reason: str
    score: float
    spans: tuple[Span, ...] = ()


class Context:
    """A text that is looked at, and what may be looked at beside it; what several guards need is computed once.

    `encode` gives unit vectors, float32 [n, 384]; without it the guards use their rules alone. `sources` are the texts
    that an answer was worded from.
    """

    def __init__(self, text: str, stage: Stage, encode: Encode | None = None, sources: Sequence[str] = ()) -> None:
        self.text = text
        self.stage: Stage = stage
        self.sources = tuple(sources)
        self._encode = encode

    @cached_property
    def views(self) -> tuple[str, ...]:
        """The ways in which the text may be read, the plain one first."""
        return views(self.text)

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """What of the text is encoded: all of a question, but only the sentences of a document that address someone."""
        if self.stage == "document":
            return tuple(piece for view in self.views for piece in cued_sentences(view))
        return tuple(dict.fromkeys(piece for view in self._told() for piece in windows(view)))

    @cached_property
    def vectors(self) -> NDArray[np.float32] | None:
        """The pieces' vectors [n, 384]; None without an encoder or without pieces."""
        return self._encode(self.pieces) if self._encode is not None and self.pieces else None

    def _told(self) -> tuple[str, ...]:
        """Return the views, the plain one as it is encoded."""
        plain, *others = self.views
        return (as_encoded(self.text, plain), *others)


class Guard(Protocol):
    """A detector. `name` is its setting, `refusal` what the user is told when it refuses a text."""

    name: str
    stages: frozenset[Stage]
    refusal: str

    def check(self, context: Context) -> Finding | None:
        """Return what is wrong with the text at this stage, or None."""
        ...
