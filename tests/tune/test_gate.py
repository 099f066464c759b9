"""The gate: better than what serves, as good as the merged model, and no more left out."""

from __future__ import annotations

import pytest

from assistant.core.errors import GateFailed
from tune.evaluate import check_gate

Report = dict[str, dict[str, float]]


def report(gptq: float = 0.5, merged: float = 0.505, serving: float = 0.4, left_out: float = 0.0) -> Report:
    return {
        "serving": {"f1_answered": serving, "left_out": 0.0},
        "merged": {"f1_answered": merged, "left_out": 0.01},
        "gptq": {"f1_answered": gptq, "left_out": left_out},
    }


def test_what_is_better_passes() -> None:
    check_gate(report(), better_reader=False)


def test_with_a_better_reader_the_generator_need_only_be_as_good() -> None:
    check_gate(report(serving=0.509), better_reader=True)
    with pytest.raises(GateFailed, match=r"what serves 0\.511"):
        check_gate(report(serving=0.511), better_reader=True)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"serving": 0.5}, "what serves 0.500"),
        ({"merged": 0.52}, "the merged model 0.520"),
        ({"left_out": 0.02}, "0.020 of its sentences"),
    ],
)
def test_what_is_not_better_changes_nothing(changed: dict[str, float], told: str) -> None:
    with pytest.raises(GateFailed, match=told):
        check_gate(report(**changed), better_reader=False)
