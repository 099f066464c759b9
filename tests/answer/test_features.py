"""What the reader weighs of a candidate beside its log-odds."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.answer.features import (
    FLOOR,
    READING_FEATURES,
    SENTENCE_FEATURES,
    content,
    overlaps,
    reading_columns,
    sentence_columns,
)
from assistant.core.records import Evidence, Hit, Passage


def evidence(text: str, passage: int = 1, score: float = 0.5, heading: str = "Leave") -> Evidence:
    hit = Hit(Passage(passage, "d", text, 0, len(text), (heading,)), score, passage, ("dense",), "d.md", "Title", "5ha")
    return Evidence(hit, 0, len(text), text, 0.0)


SENTENCES = [
    evidence("Employees carry over 5 days of leave."),
    evidence("Managers approve travel in advance."),
    evidence("Carried-over days expire.", passage=2, score=0.3, heading="Expiry"),
]


def test_every_feature_is_there_for_every_sentence() -> None:
    columns = sentence_columns("How many days may I carry over?", SENTENCES, [0.7, -0.2, -np.inf])
    assert set(SENTENCE_FEATURES) <= set(columns)
    assert {name: len(column) for name, column in columns.items()} == dict.fromkeys(columns, 3)
    assert all(np.isfinite(column).all() for column in columns.values())
    assert columns["log_odds"].tolist() == [0.7, -0.2, FLOOR]
    assert columns["hit_gap"] == pytest.approx([0.0, 0.0, -0.2])
    assert columns["hit_rank"] == pytest.approx([1.0, 1.0, 0.5])
    assert columns["lacks_number"].tolist() == [0.0, 1.0, 1.0]
    assert sentence_columns("May I carry days over?", SENTENCES, [0.7, 0.2, 0.5])["lacks_number"].sum() == 0


def test_words_in_common_count_by_how_rare_they_are() -> None:
    said, around = overlaps("Who approves travel expiry?", SENTENCES)
    assert said[1] > said[2] and said[0] == 0.0
    assert around[2] > said[2], "a heading's words count for its sentences"
    assert (around >= said).all() and (around <= 1.0).all()
    assert overlaps("???", SENTENCES)[0].tolist() == [0.0, 0.0, 0.0]
    assert content("The employees' days, and the EMPLOYEES") == content("employee day")


def test_a_reading_is_told_by_the_candidate_that_scores_highest() -> None:
    columns = sentence_columns("How many days may I carry over?", SENTENCES, [0.7, -0.2, 0.5])
    told = reading_columns(columns, np.array([0.5, 2.0, 1.0]))
    assert tuple(told) == READING_FEATURES
    assert told["best"] == -0.2
