"""A passage is laid out part by part, each part scored against "nothing here answers"."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.core.config import Config
from assistant.models.cross_encoder import LENGTHS, READER_ID, CrossEncoder, layout, open_reader, open_tokenizer
from assistant.models.registry import Registry

UNITS = (
    "Employees receive 27 days of annual leave.",
    "Employees may carry over at most 5 days of leave into next year.",
    "Carried-over days expire on 31 March.",
)


def test_the_part_that_answers_scores_highest_and_above_nothing(cross_encoder: CrossEncoder) -> None:
    found = cross_encoder.read("May I carry over leave into next year?", "Annual leave > Carry-over", UNITS)
    assert int(found.argmax()) == 1 and found[1] > 0
    off = cross_encoder.read("How long do I boil an egg?", "Annual leave > Carry-over", UNITS)
    assert off.max() < 0


def test_what_is_said_of_a_passage_is_the_same_every_time(cross_encoder: CrossEncoder) -> None:
    one = cross_encoder.read("When do days expire?", "Leave", UNITS)
    assert cross_encoder.read("When do days expire?", "Leave", list(UNITS)) is one
    assert np.array_equal(cross_encoder._remembered.__wrapped__("When do days expire?", "Leave", UNITS), one)


def test_it_is_gone_once_nobody_holds_it(models_dir: Path) -> None:
    reader = open_reader(Registry(models_dir), Config().encoder)
    reader.read("When do days expire?", "Leave", UNITS)
    held = weakref.ref(reader)
    gc.disable()
    try:
        del reader
        assert held() is None
    finally:
        gc.enable()


def test_parts_beyond_what_can_be_read_score_nothing(cross_encoder: CrossEncoder) -> None:
    found = cross_encoder.read("When?", "Leave", (*(("word " * 100,) * 6), UNITS[2]))
    assert found[-1] == -np.inf and np.isfinite(found[:3]).all()


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.text(max_size=100), st.lists(st.text(max_size=300), max_size=12))
def test_every_token_belongs_to_one_part_in_order(
    models_dir: Path, question: str, header: str, units: list[str]
) -> None:
    ids, owner = layout(open_tokenizer(models_dir / READER_ID / "tokenizer.json"), question, header, units)
    assert len(ids) == len(owner) <= LENGTHS["all"]
    assert (ids[0], ids[-1]) == (0, 2)
    named = owner[owner > 0]
    assert (np.diff(named) >= 0).all() and named.max(initial=0) <= len(units)
