"""Items are worked on side by side and told in their order, whoever is quick and whoever fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.core.parallel import in_order


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 6))
def test_results_are_told_in_the_order_of_items(naps: list[int], jobs: int) -> None:
    told: list[tuple[int, int]] = []

    def work(item: tuple[int, int]) -> tuple[int, int]:
        time.sleep(item[1] / 1_000)
        return item

    in_order(work, enumerate(naps), jobs, told.append)
    assert told == list(enumerate(naps))


def test_as_many_as_were_asked_for_are_in_work_at_once() -> None:
    together = threading.Barrier(4, timeout=10)
    in_order(lambda _: together.wait(), range(8), 4, lambda _: None)


@pytest.mark.parametrize("jobs", [1, 3])
def test_whoever_waits_for_an_answer_before_the_next_question_gets_it(jobs: int) -> None:
    answers: list[int] = []

    def questions() -> Iterator[int]:
        for number in range(5):
            yield number
            until = time.monotonic() + 10
            while len(answers) <= number and jobs > 1:
                assert time.monotonic() < until, "the answer waits for a question that waits for the answer"
                time.sleep(0.001)

    in_order(lambda number: number, questions(), jobs, answers.append)
    assert answers == [0, 1, 2, 3, 4]


def test_few_items_are_taken_ahead() -> None:
    taken, told = 0, 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            assert taken - told <= 3 * 2 + 1
            yield number

    def tell(_: int) -> None:
        nonlocal told
        told += 1

    in_order(lambda number: number, items(), 3, tell)
    assert told == 100


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_the_first_failure_ends_it(jobs: int) -> None:
    told: list[int] = []

    def work(number: int) -> int:
        time.sleep(0.01 * (number == 5))
        if number in (5, 6):
            raise ValueError(f"number {number}")
        return number

    with pytest.raises(ValueError, match="number 5"):
        in_order(work, range(1_000_000), jobs, told.append)
    assert told == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("jobs", [1, 4])
def test_what_cannot_be_told_ends_it_too(jobs: int) -> None:
    def tell(number: int) -> None:
        if number == 3:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        in_order(lambda number: number, range(1_000_000), jobs, tell)


@pytest.mark.parametrize("jobs", [1, 4])
def test_an_interrupted_source_ends_it(jobs: int) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        in_order(lambda number: number, items(), jobs, lambda _: None)
    assert threading.active_count() <= before, "its own threads have ended"
