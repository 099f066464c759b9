"""Thanks, greetings and "what can you do?" get a word of their own, and leave no trace in the conversation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.outcomes import AGAIN, THANKS
from assistant.answer.proof.verify import verify_answer
from assistant.answer.small_talk import KINDS, load_small_talk
from assistant.contract import answer_json, saved_answer
from assistant.core.errors import ModelDamaged
from assistant.core.records import Turn

CARRY = "How much annual leave may employees carry over?"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("many thanks for your help", THANKS),
        ("great, that answers it. cheers", THANKS),
        ("good afternoon", "Hello."),
        ("what sort of things can I ask you about?", "I answer questions from"),
        ("could you put that in simpler words please", AGAIN),
    ],
)
def test_what_asks_nothing_of_the_documents_is_answered_as_such(office: Assistant, said: str, text: str) -> None:
    answer = office.answer(said)
    assert answer.status == "abstained" and answer.text.startswith(text)
    assert not (answer.hits or answer.closest or answer.citations)
    assert verify_answer(saved_answer(answer_json(answer)), office.catalog, office.access) == []


@pytest.mark.parametrize("asked", [CARRY, f"hi, {CARRY}", f"Thanks! {CARRY}", "can you help me carry over my leave?"])
def test_a_question_is_none_of_that(office: Assistant, asked: str) -> None:
    assert office.answer(asked).hits


def test_documents_are_named_that_whoever_asks_may_see(office: Assistant) -> None:
    answer = office.answer("what topics do you know about?")
    assert "Annual Leave" in answer.text
    forged = {**answer_json(answer), "answer": answer.text.replace("Annual Leave", "Secret Pay Rises")}
    assert [c.problem for c in verify_answer(saved_answer(forged), office.catalog, office.access)] == [
        "it says more than that the documents do not answer"
    ]


def test_a_conversation_goes_on_after_thanks(office: Assistant) -> None:
    before = [Turn("user", CARRY), Turn("assistant", "They may carry over 5 days.")]
    thanked = [*before, Turn("user", "thanks a lot"), Turn("assistant", THANKS)]
    plain, after = (office.answer("And when do they expire?", history) for history in (before, thanked))
    assert (after.status, after.text, after.confidence) == (plain.status, plain.text, plain.confidence)


def test_a_model_of_another_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "small_talk.json"
    path.write_text(json.dumps({"kinds": [*KINDS], "weights": [[1.0]], "bias": [0.0], "threshold": 0.5, "card": {}}))
    with pytest.raises(ModelDamaged, match="does not fit this version"):
        load_small_talk(lambda texts: None, path)  # type: ignore[arg-type,return-value]
