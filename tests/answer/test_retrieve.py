"""A question becomes hits: asked-for definitions first, any text a safe query, scores fused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.retrieve import asked_norms, find_terms, fuse, in_order, query_words
from assistant.core.errors import UsageError
from assistant.core.records import Hit, Passage, make_access


def places(hits: tuple[Hit, ...]) -> list[tuple[str, str]]:
    return [(hit.source, hit.passage.headings[-1] if hit.passage.headings else "") for hit in hits]


@pytest.mark.parametrize(
    "question",
    [
        "What does RTO mean?",
        "what is an rto",
        "What is the RTO?",
        'What does "RTO" mean here?',
        "RTO: what does it mean?",
        "What does recovery time objective mean?",
        "Define RTO",
        "what's rto?",
        "What does RTO stand for?",
        "definition of “recovery time objective”",
        "Explain RTO.",
    ],
)
def test_a_definition_that_is_asked_for_comes_first(office: Assistant, question: str) -> None:
    hits = office.search(question).hits
    assert "means the longest time for which an activity may be down" in hits[0].passage.text
    assert "term" in hits[0].methods
    answer = office.answer(question)
    assert answer.status == "answered"
    assert "the longest time for which an activity may be down" in answer.text


def test_a_definition_comes_before_passages_that_only_talk_about_the_term(
    make_assistant: Callable[..., Assistant],
) -> None:
    talk = "".join(f"## What RTO means to {n}\n\n{n} asks: what does RTO mean?\n\n" for n in ("Ann", "Ben", "Cleo"))
    plain = "The yard is swept on Fridays. Bicycles are kept behind the hall. Lamps are switched off at night. " * 4
    words = f"# Yard\n\n{plain}**RTO** means recovery time objective. {plain}\n"
    assistant = make_assistant({"talk.md": f"# RTO\n\n{talk}", "yard.md": words})
    assert assistant.search("What does RTO mean?").hits[0].source == "yard.md"
    assert assistant.search("Who asks what RTO is for Ben?").hits[0].source == "talk.md"


@pytest.mark.parametrize("question", ["What are quiet hours?", "What does Quiet Hours mean?", "what is quiet hours"])
def test_a_term_of_two_words_is_found_in_any_case(office: Assistant, question: str) -> None:
    assert office.answer(question).text.startswith("Quiet hours means the hours from 22:00 to 07:00.")


def test_a_document_that_a_question_names_by_its_id_comes_first(make_assistant: Callable[..., Assistant]) -> None:
    about = "".join(f"## Case {n}\n\nHR-019 has more on travel in case {n}, and HR-019 is long.\n\n" for n in range(9))
    own = "---\npolicy_id: HR-019\n---\n# Travel\n\nTrips are booked through the desk.\n"
    board = "---\npolicy_id: HR-020\n---\n# Board\n\nTrips of the board.\n"
    assistant = make_assistant({"about.md": f"# Links\n\n{about}", "travel.md": own, "board.md": board})
    assert assistant.search("HR-019").hits[0].source == "travel.md"
    assert assistant.search("what does hr-019 say on travel").hits[0].source == "travel.md"
    assert assistant.search("HR-099").hits[0].source == "about.md"  # nothing has that id


def test_a_phrase_in_quotes_comes_first_where_it_stands(make_assistant: Callable[..., Assistant]) -> None:
    talk = "".join(f"## Owner {n}\n\nA centre has a cost, its owner a code, case {n}.\n\n" for n in range(9))
    own = "# Yard\n\nLamps are switched off at night. Ask the cost centre owner about bicycles and the hall.\n"
    assistant = make_assistant({"talk.md": f"# Cost centre and owner\n\n{talk}", "yard.md": own})
    assert assistant.search("cost centre owner").hits[0].source == "talk.md"
    assert assistant.search('"cost centre owner"').hits[0].source == "yard.md"


def test_a_misspelt_question_is_asked_as_the_documents_write_it(make_assistant: Callable[..., Assistant]) -> None:
    files = {"travel.md": "# Travel\n\nA hotel in London costs 190 pounds a night at most.\n"}
    assistant = make_assistant(files)
    typed = "What does a hotel in Londn cost a night at most?"
    answer = assistant.answer(typed)
    assert (answer.status, answer.question) == ("answered", typed)
    assert answer.asked == typed.replace("Londn", "London")
    assert assistant.search(typed).asked == answer.asked
    assert assistant.answer(answer.asked).asked == ""


def test_a_term_that_is_only_used_does_not_displace_the_answer(office: Assistant) -> None:
    # Sooner than the default: what is tested is which sentence answers, not how sure it is.
    sooner = replace(office.config, answer=replace(office.config.answer, max_risk=0.2))
    with closing(Assistant(sooner, access=office.access)) as assistant:
        answer = assistant.answer("How long is the RTO of the billing system?")
    assert answer.text.startswith("Continuity: The RTO of the billing system is 4 hours.")
    asked = {t.name: a for t, a in find_terms(office.catalog, answer.question, office.access)}
    assert asked == {"RTO": False}


def test_a_term_of_a_restricted_document_is_known_to_its_audience_only(office: Assistant) -> None:
    question = "What does golden band mean?"
    managers = make_access(("managers",))
    assert [t.name for t, _ in find_terms(office.catalog, question, managers)] == ["Golden band"]
    assert find_terms(office.catalog, question, office.access) == []
    assert office.answer(question, access=managers).text.startswith("Golden band")
    assert "salary band above" not in office.answer(question).text


SYNTAX = [
    '"',
    "'",
    '""',
    "AND",
    "OR NOT",
    "NEAR(",
    "NEAR(leave, 5)",
    "*",
    "leave*",
    "-leave",
    "^leave",
    "title:leave",
    "{a b}:c",
    "leave AND (carry",
    "a OR",
    "+",
    "leave + over",
    ");DROP TABLE words;--",
    "%",
    "_",
    "\\",
    "leave\x00over",
    "?" * 50,
    "什么",
    "🦔",
    "٣",
    "-",
    "...",
    "‘’",
    "e.g.",
    "5.5",
    "A&B/C",
    "leave " * 600,
]


@pytest.mark.parametrize("question", SYNTAX, ids=[s[:12].encode("unicode_escape").decode() for s in SYNTAX])
def test_query_syntax_and_odd_characters_are_only_words(office: Assistant, question: str) -> None:
    found = office.search(question)
    assert found.status == "answered" and len(found.hits) == len({hit.passage.id for hit in found.hits})
    assert [hit.rank for hit in found.hits] == list(range(1, len(found.hits) + 1))


def test_a_word_is_found_beside_query_syntax(office: Assistant) -> None:
    hits = office.search('NEAR("kilometre" AND -hotel* OR (').hits
    assert ("travel.md", "Hotels") in places(hits)
    assert "lexical" in hits[[h.passage.headings[-1] for h in hits].index("Hotels")].methods


@pytest.mark.parametrize("question", ["", "   ", "\n\t", "\x00"])
def test_an_empty_question_is_refused(office: Assistant, question: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        office.search(question)


def test_a_question_of_stop_words_alone_is_still_searched(office: Assistant) -> None:
    assert query_words("What is it?") == ["what", "is", "it"]
    assert office.search("What is it?").hits


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many days of leave?", ["many", "days", "leave"]),
        ('the "carry-over" AND/OR rule*', ["carry-over", "and/or", "rule"]),
        ("leave Leave LEAVE", ["leave"]),
        ("Can't it’s company’s visitors' don't?", ["company’s", "visitors"]),
        ("?!", []),
        ('"', []),
    ],
)
def test_a_question_becomes_words(question: str, words: list[str]) -> None:
    assert query_words(question) == words


def test_a_very_long_question_is_bounded() -> None:
    assert len(query_words(" ".join(f"word{n}" for n in range(5_000)))) == 64


Scores = list[tuple[int, float]]
FUSIONS: list[tuple[str, Scores, Scores, Scores, list[tuple[int, float, tuple[str, ...]]]]] = [
    ("nothing", [], [], [], []),
    ("dense alone", [(1, 0.9), (2, 0.5)], [], [], [(1, 0.9, ("dense",)), (2, 0.5, ("dense",))]),
    ("lexical alone", [], [(7, 4.0), (8, 2.0)], [], [(7, 0.3, ("lexical",)), (8, 0.15, ("lexical",))]),
    ("both", [(1, 0.5), (2, 0.4)], [(2, 8.0)], [], [(2, 0.7, ("dense", "lexical")), (1, 0.5, ("dense",))]),
    ("a floor for what the vectors miss", [(1, 0.5)], [(3, 2.0)], [], [(3, 0.7, ("lexical",)), (1, 0.5, ("dense",))]),
    ("a definition that is asked for", [(1, 0.9)], [], [(4, 10.0)], [(4, 10.72, ("term",)), (1, 0.9, ("dense",))]),
    ("a tie goes to the first passage", [(2, 0.5), (1, 0.5)], [], [], [(1, 0.5, ("dense",)), (2, 0.5, ("dense",))]),
    ("a worthless word search", [(1, 0.5)], [(1, 0.0)], [], [(1, 0.5, ("dense", "lexical"))]),
]


@pytest.mark.parametrize(
    ("dense", "lexical", "terms", "expected"), [row[1:] for row in FUSIONS], ids=[row[0] for row in FUSIONS]
)
def test_scores_are_fused(
    dense: Scores, lexical: Scores, terms: Scores, expected: list[tuple[int, float, tuple[str, ...]]]
) -> None:
    most = 2 * max((score for _, score in lexical), default=0.0)  # the best passage has half of what is asked
    fused = fuse(dense, lexical, terms, 0.3, most)
    assert [(i, methods) for i, _, methods in fused] == [(i, methods) for i, _, methods in expected]
    assert [score for _, score, _ in fused] == pytest.approx([score for _, score, _ in expected])


def test_k_limits_the_hits(office: Assistant) -> None:
    assert [hit.rank for hit in office.search("leave", k=2).hits] == [1, 2]


def test_the_fullest_name_wins(make_assistant: Callable[..., Assistant]) -> None:
    text = "# Words\n\n**Leave** means time off.\n\n**Leave year** means the twelve months from 1 April.\n"
    assistant = make_assistant({"words.md": text})
    found = find_terms(assistant.catalog, "What is the leave year?", assistant.access)
    assert [(term.name, asked) for term, asked in found] == [("Leave year", True)]


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ('How does the ADGM rulebook define "Shareholder"?', {"shareholder"}),
        ("How is “cell return” defined in the ADGM rulebook?", {"cell return"}),
        ("What does shareholder mean in the ADGM rulebook?", {"shareholder"}),
        ("what's a shareholder in the rulebook", {"shareholder"}),
        ("Define shareholder for an ADGM cell return", {"shareholder"}),
        ("ADGM: what does it mean?", {"adgm"}),
        ("What is the ADGM?", {"adgm"}),
        ("What is the fee for a cell return?", set()),
        ("By what means may a shareholder of an ADGM company vote?", set()),
        ("Who keeps the rulebook?", set()),
    ],
)
def test_the_term_that_is_asked_for_is_told_from_those_that_are_named(question: str, asked: set[str]) -> None:
    known = ["shareholder", "cell return", "adgm", "rulebook"]
    assert asked_norms(question, [norm for norm in known if norm in question.casefold()]) == asked


def test_hits_of_one_score_stand_in_the_order_of_their_places() -> None:
    def found(passage: int, source: str, score: float) -> Hit:
        return Hit(Passage(passage, source, "Text.", 0, 5), score, passage, ("dense",), source, "T", "0" * 64)

    hits = [found(1, "z.md", 0.5), found(2, "b.md", 0.9), found(3, "a.md", 0.5 + 1e-9)]
    assert [(hit.source, hit.rank) for hit in in_order(hits)] == [("b.md", 1), ("a.md", 2), ("z.md", 3)]
