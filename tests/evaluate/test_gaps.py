"""Questions that were asked in vain stand by the document that came closest, and nobody's question stands alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from assistant.answer.assistant import Assistant
from assistant.audit.ledger import Entry
from assistant.audit.trail import Audit
from assistant.core.records import Turn
from assistant.evaluate.gaps import Unanswered, askers_of, common_words, find_gaps, unanswered

FILES = {
    "pets.md": "---\nowner: Facilities\n---\n# Pets\n\n## Dogs\n\nDogs stay at home on Mondays.\n",
    "parking.md": "# Parking\n\n## Cars\n\nCars park behind the hall.\n",
}
TODAY = datetime.now(UTC).date().isoformat()


def line(question: str, *, status: str = "abstained", day: str = "2026-03-01", asker: str = "", **more: Any) -> Entry:
    raw = {
        "command": "ask",
        "question": question,
        "status": status,
        "time": f"{day}T10:00:00+00:00",
        "roles": [asker] if asker else [],
        "history": [],
        "answer_sha256": "5ha",
        "hits": [{"source": "pets.md"}],
        **more,
    }
    return Entry(question, raw)


LOG = [
    *(line("May I bring my parrot to the office?", asker=f"case {n}") for n in range(3)),
    line("can i bring a parrot to the office", day="2026-03-09"),
    line("Who repairs the coffee machine?"),
    *(line("Where do I park a lorry?", asker=f"{n}", status="answered") for n in range(5)),
    *(line("hello", asker=f"{n}", hits=[]) for n in range(5)),
    *(line("lorries", asker=f"{n}", answer_sha256="") for n in range(5)),  # searches
]


def test_what_enough_askers_met_is_told(make_assistant: Callable[..., Assistant]) -> None:
    assistant = make_assistant(FILES)
    (gap,) = find_gaps(LOG, assistant)
    assert (gap.source, gap.title, gap.owner) == ("pets.md", "Pets", "Facilities")
    assert (gap.asked, gap.askers, gap.first[:10], gap.last[:10]) == (5, 5, "2026-03-01", "2026-03-09")
    assert gap.questions == ("May I bring my parrot to the office?", "… i bring … parrot to the office")
    lorries = [line("Where do I park a lorry?", asker=f"{n}", hits=[{"source": "parking.md"}]) for n in range(9)]
    assert [gap.source for gap in find_gaps([*LOG, *lorries], assistant)] == ["parking.md", "pets.md"]
    assert not find_gaps(LOG, assistant, since="2026-03-02", least=2)
    assert find_gaps([], assistant) == []


def test_a_document_that_is_gone_or_is_not_to_be_seen_has_no_gaps(make_assistant: Callable[..., Assistant]) -> None:
    gone = [line("A falcon?", asker=f"{n}", hits=[{"source": "hr/falcon.md"}]) for n in range(3)]
    assert not find_gaps(gone, make_assistant(FILES))


def test_no_word_of_a_single_asker_is_told(make_assistant: Callable[..., Assistant]) -> None:
    own = ("", " after my leukaemia 🤰 treatment", " when Dr Aydin comes")
    (gap,) = find_gaps(
        [line(f"May I bring my parrot to the office{tail}?", asker=tail) for tail in own], make_assistant(FILES)
    )
    assert set(gap.questions) == {
        "May I bring my parrot to the office?",
        "May I bring my parrot to the office … my …",
        "May I bring my parrot to the office …",
    }


def test_one_conversation_is_one_asker() -> None:
    first = "May I bring a dog?"
    same = [line(first), *(line("And a parrot?", history=[first]) for _ in range(4))]
    assert len({one.asker for one in unanswered(same, "")}) == 1


def test_a_conversation_is_one_asker_where_some_of_its_questions_are_not_looked_up_or_are_missing() -> None:
    said = [f"question {n}" for n in range(9)]
    talk = [line(text, history=said[max(0, n - 3) : n]) for n, text in enumerate(said)]
    for n in (2, 5):
        talk[n] = Entry(talk[n].id, {**talk[n].raw, "status": "blocked"})
    assert len({one.asker for one in unanswered(talk, "")}) == 1
    assert len({one.asker for one in unanswered([*talk[:4], *talk[5:]], "")}) == 1


def test_who_asks_in_many_conversations_is_one_asker_where_the_log_has_names() -> None:
    anna = [Entry(str(n), {**line("A parrot?", asker=f"{n}").raw, "asker": "anna"}) for n in range(4)]
    assert len({one.asker for one in unanswered(anna, "")}) == 1


def test_a_conversation_whose_lines_were_masked_otherwise_is_no_second_asker() -> None:
    first, second = "Is 44718823 fed?", "My passport number is [passport number removed]. Is it fed?"
    hidden = ["Is [passport number removed] fed?", second]
    talk = [line(first), line(second, history=hidden[:1]), line("Is Smithson fed?", history=hidden)]
    assert len(askers_of(unanswered(talk, ""))) == 1
    told = common_words([*unanswered([*talk, line("Is Berg fed?", asker="another")], "")], 2)
    assert "smithson" not in told and "fed" in told


def test_a_name_that_is_typed_in_another_way_is_no_other_asker() -> None:
    typed = [Entry(name, {**line("A parrot?").raw, "asker": name}) for name in ("zoë", "ZOË", "zoe\u0308", "ｚoë")]
    assert askers_of(unanswered(typed, "")) == {"zoe"}


def test_what_a_check_asks_again_nobody_has_asked() -> None:
    checked = [line("A parrot?", command=command) for command in ("test", "eval", "replay")]
    assert [one.question for one in unanswered([*checked, line("A dog?")], "")] == ["A dog?"]


def test_an_answer_that_its_asker_marked_as_wrong_was_asked_in_vain() -> None:
    def said(opinion: str, of: Entry) -> Entry:
        return line("", command="feedback", status=opinion, of=of.id, answer_sha256="", hits=[])

    parrot, lorry, coffee = line("a parrot?"), line("a lorry?", status="answered"), line("coffee?", status="answered")
    assert [one.question for one in unanswered([parrot, lorry, coffee], "")] == ["a parrot?"]
    marked = [parrot, said("right", parrot), lorry, said("wrong", lorry), coffee, said("not-asked", coffee)]
    assert [one.question for one in unanswered(marked, "")] == ["a parrot?", "a lorry?"]
    assert not list(unanswered(marked, "2026-03-02"))
    assert not list(unanswered([lorry, said("wrong", lorry), said("right", lorry)], "")), "the last word counts"
    wrong = said("wrong", lorry)
    dropped = line("", command="review", status="dropped", of=wrong.id, answer_sha256="", hits=[])
    assert not list(unanswered([lorry, wrong, dropped], "")), "a reviewer did not take it"
    refused = line("a bomb?", status="blocked")
    assert not list(unanswered([refused, said("wrong", refused)], ""))


def test_a_word_is_common_that_enough_askers_spelt_like_that() -> None:
    asked = [Unanswered(text, TODAY, f"{n}") for n, text in enumerate(["Parking a van", "Vans parked?", "my vans!"])]
    assert common_words(asked, 2) == {"vans"}
    assert not common_words([Unanswered("a gold van", TODAY, "0") for _ in range(9)], 2)


def test_the_command_reads_the_log(make_assistant: Callable[..., Assistant], run: Callable[..., Any]) -> None:
    assistant = make_assistant(FILES)
    logged = Assistant(assistant.config, access=assistant.access, audit=True)
    for asked in ("dog", "cat", "cow"):
        logged.answer(first := f"May a {asked} come?")
        logged.answer("Which hamsters live on Jupiter's moons?", [Turn("user", first)])
    logged.close()
    done = run("gaps", "--data", assistant.config.data, "--json", "--since", TODAY)
    assert done.code == 0 and '"askers": 3' in done.out, done.err
    shown = run("gaps", "--data", assistant.config.data).out
    assert "3 askers" in shown and "hamsters" in shown
    assert "Nothing was asked in vain" in run("gaps", "--data", assistant.config.data, "--least", "9").out
    assert len(list(Audit(assistant.config).entries())) == 6, "the command itself is no question"
    assert run("gaps", "--data", assistant.config.data, "--since", "yesterday").code == 2


def test_a_long_conversation_is_one_asker_though_its_lines_hold_the_last_questions_alone() -> None:
    asked = [f"Question {n}?" for n in range(7)]
    log = [line(text, history=asked[max(0, n - 3) : n]) for n, text in enumerate(asked)]
    others = ["Another?", *asked[2:5]]
    other = [line(text, history=others[:n]) for n, text in enumerate(others)]
    assert len({one.asker for one in unanswered(log, "")}) == 1
    assert len({one.asker for one in unanswered([*log, *other], "")}) == 2
