"""Selective risk, calibration and intervals: cases by hand, and what must hold for all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistant.evaluate.metrics import (
    aurc,
    auroc,
    calibration_error,
    interval,
    reliability,
    resamples,
    risk_curve,
)

OUTCOMES = st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.95, 1.0]), st.booleans()), min_size=1, max_size=40)


def arrays(outcomes: list[tuple[float, bool]]) -> tuple[NDArray[Any], NDArray[Any]]:
    confidence, flags = zip(*outcomes, strict=True)
    return np.array(confidence, float), np.array(flags, bool)


def test_the_curve_by_hand() -> None:
    confidence, wrong = np.array([0.2, 0.9, 0.6, 0.4]), np.array([True, False, True, False])
    assert risk_curve(confidence, wrong).tolist() == [0, 1 / 2, 1 / 3, 1 / 2]
    assert aurc(confidence, wrong) == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equal_confidences_share_their_risk() -> None:
    assert risk_curve(np.array([0.5, 0.5, 0.1]), np.array([True, False, False])).tolist() == [0.5, 0.5, 1 / 3]


@given(OUTCOMES, st.randoms())
def test_the_order_of_the_questions_does_not_count(outcomes: list[tuple[float, bool]], random: object) -> None:
    shuffled = list(outcomes)
    random.shuffle(shuffled)
    for measure in (aurc, calibration_error):
        assert measure(*arrays(shuffled)) == pytest.approx(measure(*arrays(outcomes)))


@given(OUTCOMES)
def test_the_curve_ends_at_the_overall_risk_and_stays_within_0_and_1(outcomes: list[tuple[float, bool]]) -> None:
    confidence, wrong = arrays(outcomes)
    curve = risk_curve(confidence, wrong)
    assert curve[-1] == pytest.approx(wrong.mean())
    assert ((curve >= 0) & (curve <= 1 + 1e-12)).all()
    # Knowing what is wrong gives the least area, its opposite the most.
    assert aurc(1.0 - wrong, wrong) <= aurc(confidence, wrong) + 1e-12 <= aurc(wrong * 1.0, wrong) + 2e-12


@settings(deadline=None)
@given(OUTCOMES)
def test_auroc_is_the_share_of_pairs_in_order(outcomes: list[tuple[float, bool]]) -> None:
    confidence, positive = arrays(outcomes)
    pairs = [(p > n) + (p == n) / 2 for p in confidence[positive] for n in confidence[~positive]]
    if pairs:
        assert auroc(confidence, positive) == pytest.approx(np.mean(pairs))
    else:
        assert math.isnan(auroc(confidence, positive))


def test_calibration_by_hand() -> None:
    confidence = np.array([0.9] * 10 + [0.1] * 10)
    right = np.array([True] * 7 + [False] * 3 + [False] * 10)
    assert calibration_error(confidence, right) == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)
    bins = reliability(confidence, right)
    assert [b.size for b in bins] == [2] * 10
    assert bins[0].confidence == pytest.approx(0.9) and bins[0].right == pytest.approx(0.7)


def test_fewer_questions_than_bins() -> None:
    assert [b.size for b in reliability(np.array([1.0, 0.0]), np.array([True, False]))] == [1, 1]
    assert calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0.0


def test_resamples_are_always_the_same_and_of_the_right_size() -> None:
    samples = resamples(7)
    assert samples.shape == (1_000, 7) and samples.min() == 0 and samples.max() == 6
    assert (samples == resamples(7)).all()


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    values = np.array([1.0] * 80 + [0.0] * 20)
    low, high = interval(values[resamples(100)].mean(axis=1))
    assert low == pytest.approx(0.8 - 1.96 * 0.04, abs=0.015) and high == pytest.approx(0.8 + 1.96 * 0.04, abs=0.015)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_interval_lies_within_the_values(values: list[float]) -> None:
    array = np.array(values)
    low, high = interval(array[resamples(len(array))].mean(axis=1))
    assert array.min() - 1e-9 <= low <= high <= array.max() + 1e-9


def test_undefined_draws_do_not_count() -> None:
    assert interval(np.array([math.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert all(math.isnan(bound) for bound in interval(np.array([math.nan])))
