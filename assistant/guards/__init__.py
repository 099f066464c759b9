"""Guards: one detector a file, behind one protocol; `run.Guards` applies what the settings say about what they find.

A guard only says what it found and where. Whether that is let through, masked or refused is the runner's business, so
that every detector can be switched by one setting and tested as a plain function of a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from assistant.core.records import Stage
from assistant.guards.normalise import as_encoded, sentences, views, windows
from assistant.models.logistic import Linear

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from assistant.models.encoder import Encode


@dataclass(frozen=True, slots=True)
class Span:
    """Something found in a text, at `text[start:end]`; `kind` names it in words, like `card number`."""

    start: int
    end: int
    kind: str

    def meets(self, start: int, end: int) -> bool:
        """Tell whether it shares a part with text[start:end]."""
        return self.start < end and start < self.end

    def moved(self, by: int) -> Span:
        """Return the same, so many characters further on."""
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True, slots=True)
class Detection:
    """What a guard found: a reason that a user understands, how sure it is (0 to 1), and where, if it can be masked."""

    reason: str
    score: float
    spans: tuple[Span, ...] = ()


class GuardInput:
    """A text that is looked at, and what may be looked at beside it; what several guards need is computed once.

    `encode` gives unit vectors, float32 [n, 384]; without it the guards use their rules alone. `sources` are the texts
    that an answer was worded from.
    """

    def __init__(self, text: str, stage: Stage, encode: Encode | None = None, sources: Sequence[str] = ()) -> None:
        self.text = text
        self.stage: Stage = stage
        self.sources = tuple(sources)
        self.encode = encode
        self.vectors: NDArray[np.float32] | None = None  # of the open pieces, if they were encoded with others'
        self._open: list[tuple[str, float]] | None = None

    @cached_property
    def views(self) -> tuple[str, ...]:
        """The ways in which the text may be read, the plain one first."""
        return views(self.text)

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """What a model reads: windows of a question, of every view; the sentences of a document as it is read."""
        if self.stage == "document":  # in other views the cells of a table and addresses are no language
            return tuple(dict.fromkeys(sentences(self.views[0])))
        plain, *others = self.views
        read = (as_encoded(self.text, plain), *others)
        return tuple(dict.fromkeys(piece for view in read for piece in windows(view)))

    def open_pieces(self, model: Linear) -> list[tuple[str, float]]:
        """Return the pieces that have to be encoded to be judged by a model, with the log-odds of their words."""
        if self._open is None:
            scored = ((piece, model.lexical_log_odds(piece)) for piece in self.pieces)
            self._open = [(piece, odds) for piece, odds in scored if odds >= model.gate]
        return self._open

    def highest(self, model: Linear) -> float:
        """Return the highest probability of any piece, 0 without an encoder."""
        found = self.open_pieces(model)
        if self.encode is None or not found:
            return 0.0
        vectors = self.vectors if self.vectors is not None else self.encode([piece for piece, _ in found])
        return float(model.probabilities([odds for _, odds in found], vectors).max())


class Guard(Protocol):
    """A detector. `name` is its setting, `refusal` what the user is told when it refuses a text."""

    name: str
    stages: frozenset[Stage]
    refusal: str

    def check(self, context: GuardInput) -> Detection | None:
        """Return what is wrong with the text at this stage, or None."""
        ...


def merge_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join what overlaps under the name of what began first."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if kept and span.start < kept[-1].end:
            kept[-1] = Span(kept[-1].start, max(kept[-1].end, span.end), kept[-1].kind)
        else:
            kept.append(span)
    return tuple(kept)
