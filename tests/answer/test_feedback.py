"""What askers say of answers: each of their own, masked, bounded, and of places that they may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any
from unicodedata import normalize

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.feedback import MOST_GIVEN, find_place
from assistant.answer.read import evidence_in
from assistant.audit.ledger import FILE_NAME
from assistant.audit.trail import Audit, quote_hash
from assistant.core.config import AuditSection, Config
from assistant.core.errors import UsageError
from assistant.core.records import Feedback, Hit, make_access
from assistant.index.catalog import Catalog
from tests.office_files import BAND, CARRY, FILES, QUOTE

CARD = "4111 1111 1111 1111"
MANAGERS = make_access(["managers"])
DESK = {"desk.md": f"# Desk\n\nThe front desk pays with the card {CARD} only. It opens at nine in the morning.\n"}


@pytest.fixture(scope="module")
def config(index_files: Callable[[Mapping[str, str]], Config]) -> Config:
    return index_files({**FILES, **DESK})


@pytest.fixture(scope="module")
def office(config: Config) -> Iterator[Assistant]:
    assistant = Assistant(config, audit=True)
    yield assistant
    assistant.close()


def lines(config: Config) -> list[Any]:
    return list(Audit(config).entries())


def test_feedback_is_a_line_that_points_to_the_answer(office: Assistant, config: Config) -> None:
    answer = office.answer(CARRY)
    assert answer.log_id == lines(config)[-1].id
    said = office.feedback(Feedback(answer.log_id, "wrong", f"My card is {CARD}.\0", "at MOST 1.5 weeks of  annual"))
    last = lines(config)[-1]
    assert (last.id, last.raw["of"], last.raw["status"], last.raw["command"]) == (
        said, answer.log_id, "wrong", "feedback"
    )  # fmt: skip
    assert last.raw["note"] == "My card is [card number removed]."
    [place] = last.raw["sources"]
    assert place["source"] == "hr/leave.md" and place["quote_sha256"] == quote_hash(QUOTE)
    assert QUOTE not in (config.data / FILE_NAME).read_text(encoding="utf-8"), "what is forgotten must not stay there"
    assert Audit(config).verify() == len(lines(config))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"answer": "0" * 12}, "no answer that you were given"),
        ({"answer": ""}, "no answer that you were given"),
        ({"answer": "\udcff" * 12}, "no answer that you were given"),
        ({"note": "x" * 501}, "the limit is 500"),
        ({"quote": "leave " * 200}, "the limit is 1,000"),
        ({"quote": "annual leave"}, "may stand anywhere"),
        ({"quote": "Employees may carry over at most 9 weeks"}, "no document that you may see says that"),
        ({"quote": "The salary band of a senior engineer"}, "no document that you may see says that"),
        ({"quote": "The bicycle allowance is 0.23 euros"}, "no document that you may see says that"),
        ({"quote": f"pays with the card {CARD}"}, "no document that you may see says that"),
        ({"quote": '" OR body : "leave'}, "no document that you may see says that"),
    ],
)
def test_what_is_refused_is_no_line(office: Assistant, config: Config, change: dict[str, Any], told: str) -> None:
    given = Feedback(office.answer(CARRY).log_id, "wrong")
    before = len(lines(config))
    with pytest.raises(UsageError, match=told):
        office.feedback(replace(given, **change))
    assert len(lines(config)) == before


def test_an_answer_is_spoken_of_by_those_who_were_given_it(office: Assistant, config: Config) -> None:
    everyones, managers = office.answer(CARRY), office.answer(BAND, access=MANAGERS)
    for of, access in ((everyones, MANAGERS), (managers, make_access()), (managers, make_access(["managers", "hr"]))):
        with pytest.raises(UsageError, match="no answer that you were given") as refused:
            office.feedback(Feedback(of.log_id, "wrong"), access=access)
        with pytest.raises(UsageError) as unknown:
            office.feedback(Feedback("0" * 12, "wrong"))
        assert str(refused.value) == str(unknown.value).replace("0" * 12, of.log_id), "told alike"
    with pytest.raises(UsageError, match="no answer that you were given"):
        office.feedback(Feedback(everyones.log_id[:6], "wrong"))
    said = office.feedback(Feedback(managers.log_id, "wrong", quote="The salary band of a senior"), access=MANAGERS)
    with pytest.raises(UsageError, match="no answer that you were given"):
        office.feedback(Feedback(said, "wrong"), access=MANAGERS)


def test_an_answer_is_spoken_of_a_few_times(office: Assistant, config: Config) -> None:
    answer = office.answer(CARRY)
    for _ in range(MOST_GIVEN):
        office.feedback(Feedback(answer.log_id, "right"))
    with pytest.raises(UsageError, match="5 have been given"):
        office.feedback(Feedback(answer.log_id, "wrong"))


def test_without_a_log_there_is_no_feedback(config: Config) -> None:
    assistant = Assistant(replace(config, audit=AuditSection(enabled=False)), audit=True)
    assert assistant.answer(CARRY).log_id == ""
    with pytest.raises(UsageError, match="not logged"):
        assistant.feedback(Feedback("", "right"))
    assistant.close()


def test_a_place_is_whole_sentences_items_or_rows(office: Assistant, config: Config) -> None:
    for text, whole in (
        ("expire on 31 march", "Carried-over days expire on 31 March."),
        ("annual leave. Carried-over", f"{QUOTE} Carried-over days expire on 31 March."),
        ("Dinner | 35 euros", "| Dinner | 35 euros |"),
        ("opens at nine", "It opens at nine in the morning."),
    ):
        quote, _ = find_place(text, make_access(), office.catalog)
        assert quote.quote == whole
        document = office.catalog.queries.document(quote.source, make_access())
        assert document and document.text[quote.start : quote.end] == whole


def test_a_part_of_a_number_is_no_place_and_a_whole_item_comes_first(
    index_files: Callable[[Mapping[str, str]], Config],
) -> None:
    config = index_files(
        {
            "abroad.md": "# Abroad\n\nYou may work:\n\n- 110 days in Spain\n- 10 days in Spain in a van\n"
            "- 10 days in Spain\n",
            "training.md": "# Training\n\nThe head of people approves it within five working days.\n",
            "travel.md": "# Travel\n\nThe line manager approves it within five working days.\n",
        }
    )
    with closing(Catalog.open(config.data)) as catalog:
        quote, said = find_place("10 days in Spain", make_access(), catalog)
        assert (quote.quote, said) == ("10 days in Spain", "You may work: … 10 days in Spain")
        with pytest.raises(UsageError, match="several places"):
            find_place("approves it within five working days", make_access(), catalog)
        whole, _ = find_place("head of people approves it within", make_access(), catalog)
    assert whole.source == "training.md"


def test_what_ends_every_row_of_a_long_table_is_looked_for_once_a_passage(
    index_files: Callable[[Mapping[str, str]], Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"| Item {n} | {n} euros, approved by the line manager |\n" for n in range(400))
    config = index_files({"limits.md": f"# Limits\n\n| Item | Limit |\n|---|---|\n{rows}"})
    looked: list[Hit] = []
    monkeypatch.setattr("assistant.answer.feedback.evidence_in", lambda hit: looked.append(hit) or evidence_in(hit))
    with closing(Catalog.open(config.data)) as catalog, pytest.raises(UsageError, match="several places"):
        find_place("approved by the line manager", make_access(), catalog)
    assert 1 < len(looked) == len({hit.passage.id for hit in looked})


def test_a_note_is_masked_by_what_the_question_names(office: Assistant, config: Config) -> None:
    for question in ("Who pays for hotels? My passport number is", "What is my passport number?"):
        answer = office.answer(question)
        office.feedback(Feedback(answer.log_id, "wrong", "123456789, as I wrote."))
        assert "123456789" not in lines(config)[-1].raw["note"]


def test_a_sentence_is_found_whose_letters_fold_to_several(index_files: Callable[[Mapping[str, str]], Config]) -> None:
    said = "The office at Königstraße 5 closes at six.", "The ﬁre door of the İzmir café stays shut."
    with closing(Catalog.open(index_files({"offices.md": f"# Offices\n\n{' '.join(said)}\n"}).data)) as catalog:
        for sentence in said:
            assert find_place(sentence, make_access(), catalog)[0].quote == sentence
            assert find_place(normalize("NFD", sentence), make_access(), catalog)[0].quote == sentence


def test_no_text_is_found_for_a_guess_at_what_is_masked(index_files: Callable[[Mapping[str, str]], Config]) -> None:
    words = "The reception team in building nine keeps a paper list of all keys that were ever given out."
    more = " ".join(f"Key {n} is for door {n} and hangs in cupboard {n} of hall {n}." for n in range(8))
    config = index_files({"keys.md": f"# Keys\n\n{more} The door code is 4821.\n\n{words} {more}\n"})
    with closing(Catalog.open(config.data)) as catalog:
        (first, _), (second, _) = catalog.queries.passages(make_access())
        assert first.text.endswith("The door code is [code removed].") and second.text.startswith(words)
        assert find_place(words, make_access(), catalog)[0].quote == words
        for code in ("4821", "4819"):
            with pytest.raises(UsageError, match="no document that you may see says that"):
                find_place(f"{code}. {words}", make_access(), catalog)
