"""Hits become evidence: the sentence that answers, in context, and the probability that any does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.answer.confidence import load_confidence
from assistant.answer.evidence import plain
from assistant.answer.read import ENOUGH, FILE_NAME, READ_FIRST, Reader, _definitions, evidence_in, read_reader
from assistant.core.config import ReaderSection
from assistant.core.files import PACKAGED
from assistant.core.records import Evidence, Hit, Passage, Term
from assistant.models.cross_encoder import CrossEncoder
from assistant.text.canonical import row_text

LEAVE = """## Carry-over

Employees receive 27 days of annual leave in each calendar year. Employees may carry over at most 5 days of leave into \
next year. Carried-over days expire on 31 March.
"""
BRING = """## First day

On the first day of work, new employees must bring:

- a passport or an identity card,
- the signed contract of employment,
- two photographs for the badge.
"""
MEALS = """## Meals

| Meal | Limit at home | Limit abroad |
| --- | --- | --- |
| Breakfast | 12 euros | 15 euros |
| Dinner | 35 euros | |
"""
TEXTS = (LEAVE, BRING, MEALS)


def hit(text: str, rank: int = 1, score: float = 0.5, *, start: int = 0) -> Hit:
    heading = text.splitlines()[0].lstrip("# ")
    passage = Passage(rank, f"d{rank}", text, start, start + len(text), (heading,))
    return Hit(passage, score, rank, ("dense",), f"{rank}.md", heading, "5ha")


NO_INDEX = Path("no-index")  # so that the packaged models are loaded


def make_reader(cross_encoder: CrossEncoder, settings: ReaderSection) -> Reader:
    return Reader(cross_encoder.read, settings, read_reader(PACKAGED / FILE_NAME).weights, load_confidence(NO_INDEX))


@pytest.fixture(scope="module")
def reader(cross_encoder: CrossEncoder) -> Reader:
    return make_reader(cross_encoder, ReaderSection())


HITS = tuple(hit(text, rank) for rank, text in enumerate(TEXTS, 1))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How many days may I carry over?", "Employees may carry over at most 5 days of leave into next year."),
        ("How many days of leave do I get?", "Employees receive 27 days of annual leave in each calendar year."),
        ("When do carried-over days expire?", "Carried-over days expire on 31 March."),
        ("How many photographs must I bring?", "two photographs for the badge."),
        ("What is the limit for breakfast abroad?", "| Breakfast | 12 euros | 15 euros |"),
    ],
)
def test_the_answering_sentence_is_picked_over_similar_ones(reader: Reader, question: str, text: str) -> None:
    reading = reader.read(question, HITS)
    assert text in reading.evidence[0].text.splitlines()[-1]  # of a list, its last item
    assert reading.probability > reader.read("Which hamsters live on Jupiter's moons?", HITS).probability
    for e in reading.evidence:
        passage = e.hit.passage
        assert passage.text[e.start - passage.start : e.end - passage.start] == e.text


@pytest.mark.parametrize("asked", ["What happens if a flight is cancelled?", "- What happens if a flight is cancelled"])
def test_a_question_is_no_answer(reader: Reader, asked: str) -> None:
    faq = f"## Travel\n\n{asked}\n\nThe travel desk rebooks you at no cost.\n"
    reading = reader.read("What happens if my flight is cancelled?", [hit(faq)])
    assert reading.evidence[0].text == "The travel desk rebooks you at no cost."
    assert reader.read("Who pays?", [hit("## Fares\n\nAre fares paid by the company?\n")]).evidence == ()


def test_offsets_are_the_documents_not_the_passages(reader: Reader) -> None:
    moved = hit(LEAVE, start=1_000)
    first = reader.read("When do carried-over days expire?", [moved]).evidence[0]
    assert first.start == 1_000 + LEAVE.index("Employees receive")  # of its short paragraph
    assert first.end == 1_000 + LEAVE.index("31 March.") + len("31 March.")


def test_an_item_is_said_with_its_lead_in() -> None:
    first = next(e for e in evidence_in(HITS[1]) if "photographs" in e.text)
    assert plain(first) == "On the first day of work, new employees must bring: … two photographs for the badge."


def test_a_row_is_said_with_its_columns(reader: Reader) -> None:
    first = reader.read("What is the limit for breakfast abroad?", HITS).evidence[0]
    assert first.kind == "row"
    assert plain(first) == "Meal: Breakfast; Limit at home: 12 euros; Limit abroad: 15 euros"


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("| Meal | Limit |", "| Dinner | 35 |", "Meal: Dinner; Limit: 35"),
        ("| Meal | Limit |", "| Dinner | |", "Meal: Dinner"),
        ("| | Limit |", "| Dinner | 35 |", "Dinner; Limit: 35"),
        ("| Meal |", "| Dinner | 35 |", "Meal: Dinner; 35"),
        ("| Meal | Limit |", "| Dinner |", "Meal: Dinner"),
        ("", "| Dinner | 35 |", "Dinner; 35"),
        (r"| A \| B | C |", r"| 1 \| 2 | 3 |", "A | B: 1 | 2; C: 3"),
    ],
)
def test_rows_of_any_shape_are_said(header: str, row: str, said: str) -> None:
    assert row_text(header, row) == said


def test_hits_are_reordered_by_their_best_sentence_and_numbered_anew(reader: Reader) -> None:
    reading = reader.read("What is the limit for breakfast abroad?", HITS)
    assert reading.hits[0].passage.text == MEALS
    assert [h.rank for h in reading.hits] == [1, 2, 3]
    assert {h.passage.id for h in reading.hits} == {1, 2, 3}
    scores = [h.score for h in reading.hits]
    assert scores == sorted(scores, reverse=True)


def test_a_far_better_retrieval_score_outweighs_a_better_sentence(reader: Reader) -> None:
    hits = [hit(LEAVE, 1, 10.0), hit(MEALS, 2, 0.1)]
    assert reader.read("What is the limit for breakfast abroad?", hits).hits[0].passage.text == LEAVE


def test_hits_beyond_the_limit_are_kept_unread_in_place(cross_encoder: CrossEncoder) -> None:
    reader = make_reader(cross_encoder, ReaderSection(passages=1))
    reading = reader.read("What is the limit for breakfast abroad?", HITS)
    assert [h.passage.id for h in reading.hits] == [1, 2, 3]
    assert {e.hit.passage.id for e in reading.evidence} == {1}


def test_no_hits_or_no_sentences_have_probability_zero(reader: Reader) -> None:
    for hits in ((), (hit("## Alone"),), (hit("Ah."),)):
        reading = reader.read("Who approves travel?", hits)
        assert (reading.evidence, reading.probability) == ((), 0.0)
        assert reading.hits == tuple(hits)


def test_an_unrelated_question_is_improbable(reader: Reader) -> None:
    assert reader.read("Which hamsters live on Jupiter's moons?", HITS).probability < 0.5


def test_no_evidence_is_said_twice_and_no_more_than_allowed(cross_encoder: CrossEncoder) -> None:
    twice = (hit(LEAVE, 1), hit(LEAVE, 2), hit(LEAVE.upper(), 3))
    few = make_reader(cross_encoder, ReaderSection(evidence=2, margin=99.0)).read(
        "How many days may I carry over?", twice
    )
    texts = [" ".join(e.text.split()).casefold() for e in few.evidence]
    assert len(texts) == len(set(texts)) == 1
    all_ = make_reader(cross_encoder, ReaderSection(evidence=50, margin=99.0)).read(
        "How many days may I carry over?", twice
    )
    assert len(all_.evidence) == 1  # all of its sentences stand in one paragraph


def test_a_narrow_margin_keeps_the_best_sentence_alone(cross_encoder: CrossEncoder) -> None:
    reader = make_reader(cross_encoder, ReaderSection(margin=0.0))
    assert len(reader.read("When do carried-over days expire?", HITS).evidence) == 1


WORDS = "## Words\n\n**RTO** means the longest time for which an activity may be down. Systems are down at night.\n"
MEANS = "the longest time for which an activity may be down"


def test_an_asked_definition_is_the_evidence_and_certain(reader: Reader) -> None:
    text = WORDS.replace("**", "")
    hits = (hit(text, 1), hit(LEAVE, 2))
    start = text.index(MEANS)
    term = Term("RTO", (), MEANS, "d1", start, start + len(MEANS))
    reading = reader.read("What does RTO mean?", hits, [term])
    assert [(e.kind, e.text, e.lead_text) for e in reading.evidence] == [("definition", MEANS, "RTO")]
    assert plain(reading.evidence[0]) == f"RTO: {MEANS}"
    assert reading.probability == pytest.approx(0.99)
    elsewhere = Term("RTO", (), MEANS, "another", start, start + len(MEANS))
    assert all(e.kind == "sentence" for e in reader.read("What does RTO mean?", hits, [elsewhere]).evidence)


@pytest.mark.parametrize(("best", "passages"), [(ENOUGH, READ_FIRST), (ENOUGH - 0.1, 12)])
def test_no_more_is_read_where_the_first_hits_surely_answer(best: float, passages: int) -> None:
    texts = [f"## Case {n}\n\nOf case {n} the limit is {n} euros.\n" for n in range(12)]
    read: list[str] = []

    def score(_question: str, header: str, parts: Sequence[str]) -> NDArray[np.float32]:
        read.extend(parts if header else ())
        return np.array([best if "3 euros" in part else -4.0 for part in parts], np.float32)

    weights = read_reader(PACKAGED / FILE_NAME).weights
    reading = Reader(score, ReaderSection(), weights, load_confidence(NO_INDEX)).read(
        "What is the limit?", [hit(text, rank) for rank, text in enumerate(texts, 1)]
    )
    assert len(read) == passages
    assert reading.evidence[0].text == "Of case 3 the limit is 3 euros."
    assert len(reading.hits) == len(texts)


def test_the_likeliest_candidates_are_compared_side_by_side() -> None:
    """What seems as likely in its passage is decided beside the others; what says the same is compared once."""
    texts = ["## Trams\n\nTrams cost 3 euros.\n", *["## Buses\n\nBuses cost 4 euros.\n"] * 2]
    compared: list[str] = []

    def score(_question: str, header: str, parts: Sequence[str]) -> NDArray[np.float32]:
        if header:
            return np.full(len(parts), 1.0, np.float32)
        compared.extend(parts)
        return np.array([3.0 if "Buses" in part else -3.0 for part in parts], np.float32)

    weights = read_reader(PACKAGED / FILE_NAME).weights
    reading = Reader(score, ReaderSection(), weights, load_confidence(NO_INDEX)).read(
        "What is a ride on a bus?", [hit(text, rank) for rank, text in enumerate(texts, 1)]
    )
    assert compared == ["Trams: Trams cost 3 euros.", "Buses: Buses cost 4 euros."]
    assert reading.evidence[0].text == "Buses cost 4 euros."


def test_the_focus_counts_where_the_question_holds_what_was_said_before(reader: Reader) -> None:
    asked = "How many days may I carry over into next year? And when do they expire?"
    assert "Carried-over days" in reader.read(asked, HITS, focus="And when do they expire?").evidence[0].text


def test_evidence_without_a_lead_is_said_as_it_stands() -> None:
    one = Evidence(hit(LEAVE), 15, 30, "Some\n  words.", 1.0)
    assert plain(one) == "Some words." and one.lead_text == ""


def test_of_two_glossaries_the_one_that_fits_the_question_is_told_first_whatever_its_name() -> None:
    texts = ("**RTO**: the right to take off.", "**RTO**: recovery time objective.")
    hits = [hit(text, rank) for rank, text in enumerate(reversed(texts), 1)]
    defined = [
        Term("RTO", (), text[9:], f"d{rank}", 9, len(text)) for rank, text in ((2, texts[0]), (1, texts[1]))
    ]  # by their sources' names
    found = _definitions(defined, hits)
    assert [e.text for e in found] == ["recovery time objective.", "the right to take off."]
    assert found[0].score > found[1].score


def test_only_a_bullet_that_begins_a_line_is_taken_off_a_list() -> None:
    text = "- hand luggage of\n10 - 20 kilograms\n- 1. a coat"
    hit = Hit(Passage(1, "d", text, 0, len(text)), 0.5, 1, (), "a.md", "A", "0" * 64)
    assert plain(Evidence(hit, 0, len(text), text, 1.0, "list")) == "hand luggage of 10 - 20 kilograms 1. a coat"
