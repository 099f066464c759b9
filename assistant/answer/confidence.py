"""The probability that the evidence is right, and how much of it is enough for a stated risk.

A calibration (`evaluate/calibrate.py`) holds a logistic model, fitted on some questions, and a curve, counted on
others: how many were answered at each threshold, and how many of those wrongly: with evidence that is beside the point,
or where the documents do not answer at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from assistant.answer.features import READING_FEATURES
from assistant.core.errors import ModelDamaged, UsageError
from assistant.core.files import PACKAGED
from assistant.models.logistic import Logistic, parse_logistic, probabilities, read_json

FILE_NAME = "confidence.json"
START = 0.3  # share of the questions at which the tests begin: few answers can prove no small risk


@dataclass(frozen=True, slots=True)
class Point:
    """At `threshold`, `answered` questions were answered, `wrong` of them from evidence that is not the right one.

    With 95% confidence, wrong answers come at no more than the rate `bound` there.
    """

    threshold: float
    answered: int
    wrong: int
    bound: float


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
        safe = [point.threshold for point in takewhile(lambda point: point.bound <= max_risk, tested)]
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


def path_of(data: Path) -> Path:
    """Return the calibration's file: the one beside the index, or else the packaged one."""
    own = data / FILE_NAME
    return own if own.is_file() else PACKAGED / FILE_NAME


def load_confidence(data: Path) -> Confidence:
    """Load the calibration beside the index, or else the packaged one; raises ModelDamaged."""
    return _load(path_of(data))


def load_packaged() -> Confidence:
    """Load the packaged calibration; raises ModelDamaged."""
    return _load(PACKAGED / FILE_NAME)


def _load(path: Path) -> Confidence:
    raw = read_json(path)
    try:
        curve = tuple(Point(float(t), int(n), int(w), float(b)) for t, n, w, b in raw["curve"])
        made = dict(raw["made"])
    except (KeyError, TypeError, ValueError) as error:
        hint = f"Make it again: assistant calibrate QUESTIONS.jsonl. Or delete {path}."
        raise ModelDamaged(f"{path} is not a calibration of this version: {error}.", hint) from error
    return Confidence(parse_logistic(raw, path, READING_FEATURES), curve, made)


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
        "bound": round(point.bound, 4),
        "made": dict(confidence.made),
    }
