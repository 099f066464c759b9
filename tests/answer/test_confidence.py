"""The threshold holds the risk it states."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.confidence import FILE_NAME, Confidence, Point, load_confidence
from assistant.core.config import AnswerSection
from assistant.core.errors import ModelDamaged, UsageError
from assistant.core.files import PACKAGED
from assistant.evaluate.calibrate import curve_of, upper_bound
from assistant.models.logistic import Logistic

MODEL = Logistic((), (), 0.0)


def point(threshold: float, answered: int, wrong: int) -> Point:
    return Point(threshold, answered, wrong, upper_bound(wrong, answered))


@pytest.mark.parametrize(
    ("wrong", "answered", "bound"), [(0, 59, 0.0495), (0, 58, 0.0503), (1, 93, 0.0500), (5, 100, 0.1023), (3, 3, 1.0)]
)
def test_the_bound_is_clopper_pearsons(wrong: int, answered: int, bound: float) -> None:
    assert upper_bound(wrong, answered) == pytest.approx(bound, abs=2e-4)


def test_a_curve_counts_what_is_answered_and_what_of_it_is_wrong() -> None:
    curve = {p.threshold: p for p in curve_of([0.9, 0.5, 0.1], [True, False, True])}
    assert curve[0.0] == point(0.0, 3, 1) and curve[0.5] == point(0.5, 2, 1) and curve[0.6] == point(0.6, 1, 0)
    assert curve[0.95].answered == 0


def test_the_threshold_is_the_lowest_that_is_shown_to_be_safe() -> None:
    curve = (point(0.9, 150, 4), point(0.8, 300, 2), point(0.5, 500, 60), point(0.2, 700, 5), point(0.0, 1000, 400))
    confidence = Confidence(MODEL, curve, {})
    assert confidence.threshold(0.05) == 0.8, "0.2 looks safe, but 0.5 above it is not; 0.9 is too few"
    assert confidence.threshold(0.16) == 0.2
    assert confidence.threshold(0.5) == 0.0 == confidence.threshold(1.0)
    with pytest.raises(UsageError, match=r"cannot hold answer\.max_risk = 0\.001"):
        confidence.threshold(0.001)


def test_nothing_can_be_shown_without_questions() -> None:
    assert Confidence(MODEL, (), {}).threshold(1.0) == 0.0
    with pytest.raises(UsageError, match="cannot hold"):
        Confidence(MODEL, (), {}).threshold(0.05)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1_000))
def test_the_stated_risk_holds_on_new_questions(seed: int) -> None:
    """Draw 40 calibrations from a known world: the true risk at the threshold exceeds what was stated in few."""
    rng = np.random.default_rng(seed)
    broken = used = 0
    for _ in range(40):
        confidence = rng.uniform(size=600)
        curve = curve_of(confidence.tolist(), (rng.uniform(size=600) < confidence**0.2).tolist())
        try:
            threshold = Confidence(MODEL, curve, {}).threshold(0.08)
        except UsageError:
            continue
        new = rng.uniform(threshold, 1.0, size=20_000)
        used += 1
        broken += bool(np.mean(1 - new**0.2) > 0.08)
    assert used >= 20
    assert broken <= 7, "at most 5% are expected, 2 of 40; more than 7 have a chance of 0.03%"


def test_the_packaged_calibration_holds_the_default_risk() -> None:
    confidence = load_confidence(Path("no-index"))
    assert 0 < confidence.threshold(AnswerSection().max_risk) < 1
    assert confidence.questions > 300
    assert not [name for name in confidence.made["from"] if "corpora" in name]
    bounds = [upper_bound(p.wrong, p.answered) for p in confidence.curve]
    assert [p.bound for p in confidence.curve] == pytest.approx(bounds, abs=1e-6)


def test_a_damaged_calibration_is_named(tmp_path: Path) -> None:
    (tmp_path / "confidence.json").write_text('{"curve": [[1]], "made": {}}', encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"confidence\.json is not a calibration"):
        load_confidence(tmp_path)


def test_a_calibration_from_before_its_points_had_bounds_is_to_be_made_again(tmp_path: Path) -> None:
    raw = json.loads((PACKAGED / FILE_NAME).read_text(encoding="utf-8"))
    raw["curve"] = [point[:3] for point in raw["curve"]]
    (tmp_path / FILE_NAME).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(ModelDamaged, match="not a calibration of this version") as error:
        load_confidence(tmp_path)
    assert "Make it again: assistant calibrate QUESTIONS.jsonl" in error.value.hint
