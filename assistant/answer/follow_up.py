"""Whether what somebody types needs the question before it: it is asked alone, then with that, or the other way round.

"And in Utrecht?", "who signs it off?" and "I'm part-time though" need it, "how much holiday do I get?" and "do they pay
for my commute" do not. A linear model of the words and their vector tells; `tune/factory/fit_follow_ups.py` makes it
from our own lines, and the card in the file says how often it errs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.answer.question import questions_before
from assistant.core.files import PACKAGED
from assistant.core.records import MAX_QUESTION, Turn
from assistant.models.encoder import Encode
from assistant.models.logistic import Linear, load_linear

FILE = PACKAGED / "follow_ups.json"
# Of two organisations' conversations what surely needs the one before is answered best with that first, and the rest
# alone first; what surely stands alone is asked in no other way (docs/log/experiments.md).
SURE = 0.9


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A way in which a question may be meant: alone, or `joined` to the question before it."""

    text: str
    joined: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FollowUps:
    """Tells how likely a question needs the one before it; `encode` gives the vectors that the model weighs."""

    encode: Encode
    model: Linear

    def probability(self, question: str) -> float:
        """Return P(a question is not understood without the one before it)."""
        return float(self.model.of_texts([question], self.encode([question]))[0])

    def stands_alone(self, question: str) -> bool:
        """Tell whether a question is more likely whole."""
        return self.probability(question) < self.model.threshold

    def phrasings(self, question: str, history: Sequence[Turn]) -> tuple[Phrasing, ...]:
        """Return the ways in which a question may be meant, in the order in which they are tried."""
        return self._phrasings(question, [asked[:MAX_QUESTION] for asked in questions_before(history)])

    def _phrasings(self, question: str, asked: Sequence[str]) -> tuple[Phrasing, ...]:
        alone = Phrasing(question)
        if not asked or (needs := self.probability(question)) <= 1 - SURE:
            return (alone,)
        joined = Phrasing(f"{self._phrasings(asked[-1], asked[:-1])[0].text} {question}", joined=True)
        return (joined, alone) if needs >= SURE else (alone, joined)


def load_follow_ups(encode: Encode, path: Path = FILE) -> FollowUps:
    """Read the packaged model; `encode` is the guards' encoder. Raises ModelDamaged."""
    return FollowUps(encode, load_linear(path))
