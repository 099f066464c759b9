"""What the reader weighs of a candidate beside its log-odds."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.answer.features import (
    FLOOR,
    READING_FEATURES,
    SENTENCE_FEATURES,
    overlap_gaps,
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
    columns = sentence_columns(SENTENCES, [0.7, -0.2, -np.inf], {0: -1.0, 1: 2.0})
    assert tuple(columns) == SENTENCE_FEATURES
    assert columns["compared"].tolist() == [-1.0, 2.0, FLOOR]
    assert columns["log_odds"].tolist() == [0.7, -0.2, FLOOR]
    assert columns["hit_gap"] == pytest.approx([0.0, 0.0, -0.2])


def test_what_was_not_compared_is_no_likelier_than_what_was() -> None:
    columns = sentence_columns(SENTENCES, [3.0, 2.0, 1.0], {0: 1.5})
    assert columns["compared"].tolist() == [1.5, 1.5, 1.0]
    cut_off = sentence_columns(SENTENCES, [3.0, 2.0, 1.0], {0: 0.5, 1: -np.inf})
    assert cut_off["compared"].tolist() == [0.5, 0.5, 0.5]


def test_a_reading_is_told_by_its_best_candidate_and_the_share_of_what_is_quoted() -> None:
    columns = sentence_columns(SENTENCES, [3.0, 3.0, 3.0], {0: 0.7, 1: -0.2, 2: 0.5})
    told = reading_columns("Who approves it?", columns, np.array([0.5, 2.0, 1.0]), np.array([False, True, True]))
    assert tuple(told) == READING_FEATURES
    assert told["score"] == 2.0 and told["words"] == pytest.approx(np.log(12)), "it names one thing at most"
    quoted, others = np.exp([-0.2, 0.5]).sum(), np.exp(0.7) + 1
    assert told["quoted"] == pytest.approx(np.log(quoted / others))


def test_words_in_common_count_by_how_rare_they_are() -> None:
    gaps = overlap_gaps("Who approves travel expiry?", SENTENCES)
    assert gaps.max() == 0.0 and gaps[1] > gaps[0]
    assert overlap_gaps("???", SENTENCES).tolist() == [0.0, 0.0, 0.0]
