"""The probability that the evidence is right, and how much of it is enough for a stated risk.

A calibration (`evaluate/calibrate.py`) holds a logistic model, fitted on some questions, and a curve, counted on
others: how many were answered at each threshold, and how many of those wrongly: with evidence that is beside the point,
or where the documents do not answer at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from assistant.answer.features import READING_FEATURES
from assistant.core.errors import ModelDamaged, UsageError
from assistant.core.files import PACKAGED
from assistant.models.logistic import Logistic, parse_logistic, probabilities, read_json

FILE_NAME = "confidence.json"
LEVEL = 0.95  # of the bound
START = 0.3  # share of the questions at which the tests begin: few answers can prove no small risk


@dataclass(frozen=True, slots=True)
class Point:
    """At `threshold`, `answered` questions were answered, `wrong` of them from evidence that is not the right one."""

    threshold: float
    answered: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Confidence:
    """A calibration; `made` says from what."""

    model: Logistic
    curve: tuple[Point, ...]
    made: Mapping[str, Any]

    def probability(self, features: Mapping[str, float]) -> float:
        """Return P(the evidence is right)."""
        return float(probabilities(self.model.log_odds(features)))

    def threshold(self, max_risk: float) -> float:
        """Return the least probability to answer from, so that at most `max_risk` of the answers are wrong, with 95%
        confidence on questions like those of the calibration.

        Fixed-sequence testing of binomial tails, from high thresholds to low ones (Learn then Test, Angelopoulos et
        al. 2021). Raises UsageError if no threshold is that safe.
        """
        if max_risk >= 1 or self is UNCALIBRATED:
            return 0.0
        curve = sorted(self.curve, key=lambda point: -point.threshold)
        tested = (point for point in curve if point.answered >= START * self.questions)
        shown = takewhile(lambda point: chance(point.wrong, point.answered, max_risk) <= 1 - LEVEL, tested)
        safe = [point.threshold for point in shown]
        if not safe:
            hint = "Raise answer.max_risk, or calibrate on more questions: assistant calibrate QUESTIONS.jsonl"
            raise UsageError(f"the calibration cannot hold answer.max_risk = {max_risk:g}.", hint)
        return min(safe)

    @property
    def questions(self) -> int:
        """How many questions the curve was counted on."""
        return max((point.answered for point in self.curve), default=0)


UNCALIBRATED = Confidence(Logistic((), (), 0.0), (), {})
"""Gives every question the same probability, and lets everything be answered: for those who measure."""


def chance(wrong: int, answered: int, rate: float) -> float:
    """Return the probability of at most `wrong` errors in `answered` answers if errors come at `rate`."""
    from math import exp, lgamma, log, log1p

    if wrong >= answered or rate <= 0:
        return 1.0
    ways = (lgamma(answered + 1) - lgamma(k + 1) - lgamma(answered - k + 1) for k in range(wrong + 1))
    return sum(exp(c + k * log(rate) + (answered - k) * log1p(-rate)) for k, c in enumerate(ways))


def upper_bound(wrong: int, answered: int) -> float:
    """Return the one-sided 95% Clopper-Pearson upper bound of the rate of errors."""
    low, high = 0.0, 1.0
    for _ in range(40):
        rate = (low + high) / 2
        low, high = (rate, high) if chance(wrong, answered, rate) > 1 - LEVEL else (low, rate)
    return high


def path_of(data: Path) -> Path:
    """Return the calibration's file: the one beside the index, or else the packaged one."""
    own = data / FILE_NAME
    return own if own.is_file() else PACKAGED / FILE_NAME


def load_confidence(data: Path) -> Confidence:
    """Load the calibration beside the index, or else the packaged one; raises ModelDamaged."""
    path = path_of(data)
    raw = read_json(path)
    try:
        curve = tuple(Point(float(t), int(n), int(w)) for t, n, w in raw["curve"])
        made = dict(raw["made"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{path} is not a calibration: {error}.", f"Make it again, or delete {path}.") from error
    return Confidence(parse_logistic(raw, path, READING_FEATURES), curve, made)


def curve_of(probabilities: Sequence[float], right: Sequence[bool]) -> tuple[Point, ...]:
    """Count what is answered, and wrongly, at the thresholds 0, 0.01, 0.02, ..."""
    pairs = list(zip(probabilities, right, strict=True))
    points = []
    for threshold in (step / 100 for step in range(100)):
        answered = [good for probability, good in pairs if probability >= threshold]
        points.append(Point(threshold, len(answered), answered.count(False)))
    return tuple(points)


def summary(confidence: Confidence, max_risk: float) -> dict[str, Any]:
    """Say what a calibration holds at a risk: threshold, share answered, and the errors counted, with their bound."""
    threshold = confidence.threshold(max_risk)
    point = min(confidence.curve, key=lambda p: abs(p.threshold - threshold))
    return {
        "max_risk": max_risk,
        "threshold": threshold,
        "questions": confidence.questions,
        "answered": point.answered,
        "wrong": point.wrong,
        "bound": round(upper_bound(point.wrong, point.answered), 4),
        "made": dict(confidence.made),
    }
