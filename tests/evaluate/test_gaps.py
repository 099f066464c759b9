"""Questions that were asked in vain are grouped by meaning and named, and nobody's question stands alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from assistant.answer.assistant import Assistant
from assistant.audit.ledger import Entry
from assistant.audit.trail import Audit
from assistant.core.records import Turn
from assistant.evaluate.gaps import Unanswered, askers_of, common_words, find_gaps, group, name_of, unanswered

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
    assert (gap.asked, gap.askers, gap.first[:10], gap.last[:10]) == (4, 4, "2026-03-01", "2026-03-09")
    assert set(gap.name.split(", ")) == {"bring", "parrot", "office"}
    assert gap.questions[0] == "May I bring my parrot to the office?"
    assert {place.source for place in gap.closest} == {"pets.md", "parking.md"}
    assert {place.owner for place in gap.closest} == {"Facilities", ""}
    assert not gap.is_written_about
    assert len(find_gaps(LOG, assistant, least=1)) == 2
    assert find_gaps(LOG, assistant, since="2026-03-02", least=1)[0].asked == 1
    assert find_gaps([], assistant) == []


def test_no_word_of_a_single_asker_is_told(make_assistant: Callable[..., Assistant]) -> None:
    own = ("", " after my leukaemia 🤰 treatment", " when Dr Aydin comes")
    (gap,) = find_gaps(
        [line(f"May I bring my parrot to the office{tail}?", asker=tail) for tail in own], make_assistant(FILES)
    )
    assert set(gap.name.split(", ")) == {"bring", "parrot", "office"}
    assert set(gap.questions) == {
        "May I bring my parrot to the office?",
        "May I bring my parrot to the office … my …",
        "May I bring my parrot to the office …",
    }


def test_what_is_closest_is_that_to_what_is_told(make_assistant: Callable[..., Assistant]) -> None:
    files = {**FILES, "secret.md": "# Chemotherapy\n\n## Cancer\n\nCancer treatment is leave of its own.\n"}
    own = (" during chemotherapy for cancer", *[" during chemotherapy for cancer"] * 3, "", " ;-)")
    asked = [line(f"May I bring my parrot{tail}?", asker=tail) for tail in own]
    (gap,) = find_gaps(asked, make_assistant(files))
    assert "secret.md" not in [place.source for place in gap.closest[:1]]
    assert gap.questions == ("May I bring my parrot?", "May I bring my parrot …")


def test_a_gap_beside_a_document_on_its_subject_says_so(make_assistant: Callable[..., Assistant]) -> None:
    (gap,) = find_gaps([line("Do dogs get a pass?", asker=f"{n}") for n in range(3)], make_assistant(FILES))
    assert gap.is_written_about


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


def test_near_vectors_are_one_group() -> None:
    vectors = np.array([[1, 0], [0.98, 0.2], [0, 1], [0.1, 0.99]], np.float32)
    first, second, third, fourth = group(vectors)
    assert first == second != third == fourth
    assert group(vectors[:1]) == [0]


def test_a_gap_is_one_group_among_many_questions_and_what_is_loose_stands_alone() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(120, 64))
    vectors[:8] += 2 * random.normal(size=64)  # cosines .74 to .85, of all others at most .52
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = group(vectors.astype(np.float32))
    assert len(set(groups[:8])) == 1 and groups.count(groups[0]) == 8
    assert max(groups.count(one) for one in groups[8:]) < 3


def test_a_name_has_words_that_enough_askers_spelt_like_that() -> None:
    asked = [Unanswered(text, TODAY, f"{n}") for n, text in enumerate(["Parking a van", "Vans parked?", "my vans!"])]
    assert name_of(asked, common_words(asked, 2)) == ["vans"]
    assert name_of(asked, common_words(asked, 3)) == []
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
