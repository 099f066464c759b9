"""Candidates become evidence: lists with their lead-in, rules with their conditions, nothing that answers nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from assistant.answer.evidence import plain, quote_text, said_once
from assistant.answer.read import evidence_in
from assistant.answer.select import choose, closest
from assistant.core.config import ReaderSection
from assistant.core.records import Evidence, Hit, Passage

BRING = """## First day

New employees bring:

- a passport or an identity card,
- the signed contract,
- two photographs for the badge.

Bring them to reception.
"""
LEAVE = """## Carry-over

An employee may carry over 5 days. However, a director may allow 8. The leave year starts on 1 April.

This does not hold in Utrecht. Days expire on 31 March.

How many days can I sell?
"""
FIRST = "An employee may carry over 5 days. However, a director may allow 8. The leave year starts on 1 April."


def scored(text: str, scores: Mapping[str, float], passage: int = 1) -> list[Evidence]:
    """Score the parts of a passage that begin with the given words; the others score -9."""
    hit = Hit(Passage(passage, f"d{passage}", text, 100, 100 + len(text)), 0.5, passage, (), "a.md", "A", "5ha")
    return [
        replace(e, score=next((s for start, s in scores.items() if e.text.startswith(start)), -9.0))
        for e in evidence_in(hit)
    ]


def texts(found: tuple[Evidence, ...]) -> list[str]:
    return [" ".join(e.text.split()) for e in found]


@pytest.mark.parametrize("scores", [{"New employees": 3.0}, {"a passport": 3.0, "the signed": 2.5}])
def test_a_list_answers_whole_if_its_lead_in_or_most_of_it_does(scores: Mapping[str, float]) -> None:
    (found,) = choose(scored(BRING, scores), ReaderSection())
    assert found.kind == "list" and found.lead_text == "New employees bring:"
    assert found.text.startswith("- a passport") and found.text.endswith("for the badge.")
    passage = found.hit.passage
    assert passage.text[found.start - passage.start : found.end - passage.start] == found.text


def test_an_item_for_which_a_list_was_picked_is_its_focus() -> None:
    (found,) = choose(scored(BRING, {"the signed": 3.0, "a passport": 2.9}), ReaderSection())
    assert found.kind == "list" and found.focus and found.hit.slice(*found.focus) == "the signed contract,"
    (found,) = choose(scored(BRING, {"New employees": 3.0}), ReaderSection())
    assert found.kind == "list" and found.focus is None, "its lead-in asks for all of it"


LONG = f"A sentence {'that goes on and on ' * 20}here."


def test_a_short_list_answers_whole_since_its_lead_in_may_bind_its_items() -> None:
    (found,) = choose(scored(BRING, {"two photographs": 3.0}), ReaderSection())
    assert found.kind == "list" and found.text.startswith("- a passport")
    (found,) = closest(scored(BRING, {"two photographs": 3.0}))[:1]
    assert found.kind == "list"


def test_an_item_of_a_long_list_is_told_with_marks_for_the_others() -> None:
    text = f"## Fees\n\nThe fee is the lowest of:\n\n- {LONG}\n- {LONG}\n- 90 euros\n- a day's pay\n"
    (found,) = choose(scored(text, {"90 euros": 3.0}), ReaderSection())
    assert (found.kind, plain(found)) == ("item", "The fee is the lowest of: … 90 euros …")


def test_a_short_paragraph_is_quoted_whole() -> None:
    text = LEAVE.replace("This does not hold in Utrecht. ", "")
    (found,) = choose(scored(text, {"The leave": 3.0}), ReaderSection())
    assert found.text == quote_text(found) == FIRST
    twice = choose(scored(text, {"The leave": 3.0, "An employee": 3.5}), ReaderSection())
    assert texts(twice) == [FIRST], "two sentences of it are one piece of evidence"
    (found,) = choose(scored(f"## A\n\n{LONG} Days expire in March. {LONG}\n", {"Days": 3.0}), ReaderSection())
    assert quote_text(found) == "Days expire in March."


@pytest.mark.parametrize(
    ("below", "quoted"),
    [
        ("- Rent\n- Marketing", "Budgets are made by the founders. They are broken down into:|- Rent\n- Marketing"),
        ("| Area | Budget |\n|---|---|\n| Rent | 9,000 |", "|Budgets are made by the founders."),
        ("See the annex.", "|Budgets are made by the founders."),
    ],
)
def test_a_rule_beside_a_lead_in_comes_with_its_list_or_without_it(below: str, quoted: str) -> None:
    text = f"## Budgets\n\nBudgets are made by the founders. They are broken down into:\n\n{below}\n"
    (found,) = choose(scored(text, {"Budgets are": 3.0}), ReaderSection())
    assert f"{found.lead_text}|{found.text}" == quoted


def test_lines_under_a_lead_in_are_a_list_although_no_bullet_marks_them() -> None:
    lines = "Your manager, who books the day.\nPeople - they update your record.\nYour head, if you move abroad."
    text = f"## Moving\n\nBefore you move house, you'll need to let these people know:\n\n{lines}\n\nThen pack.\n"
    (found,) = choose(scored(text, {"Your manager": 3.0}), ReaderSection())
    assert found.text == lines and quote_text(found).startswith("Before you move house")
    long = text.replace("Your head, if", f"{LONG}\nYour head, if").replace("People -", f"{LONG}\nPeople -")
    (found,) = choose(scored(long, {"Your manager": 3.0}), ReaderSection())
    assert found.text == "Your manager, who books the day."


def test_a_lead_in_that_refers_back_brings_what_it_refers_to() -> None:
    text = "## Privacy\n\nNobody may share what is private. This includes:\n\n- telephone numbers\n- home addresses\n"
    (found,) = choose(scored(text, {"home": 3.0, "telephone": 3.0}), ReaderSection())
    assert (found.kind, found.lead_text) == ("list", "Nobody may share what is private. This includes:")
    assert quote_text(found) == text.split("\n\n", 1)[1].strip()


def test_a_condition_is_not_cut_from_its_rule() -> None:
    assert texts(choose(scored(LEAVE, {"An employee": 3.0}), ReaderSection())) == [FIRST]
    text = f"## Cards\n\n{LONG} A card pays £500. However, a director may allow more. {LONG}\n"
    found = choose(scored(text, {"A card": 3.0}), ReaderSection())
    assert texts(found) == ["A card pays £500. However, a director may allow more."]


def test_what_refers_back_brings_what_it_refers_to_in_its_paragraph_alone() -> None:
    text = f"## Cards\n\n{LONG} A lost card is reported. It is blocked within an hour. {LONG}\n\nThey expire. {LONG}\n"
    assert texts(choose(scored(text, {"It is": 3.0}), ReaderSection())) == [
        "A lost card is reported. It is blocked within an hour."
    ]
    text = text.replace("They expire", "They expire in March")
    assert texts(choose(scored(text, {"They": 3.0}), ReaderSection())) == ["They expire in March."]


@pytest.mark.parametrize(
    "nothing",
    [
        "How many days can I sell?",
        "New suppliers are checked as described in section 6.",
        "Emergency changes follow the Change Policy (OPS-002).",
        "See the Travel Policy.",
        "Suspicions can be raised under the Speak Up Policy (LEG-002).",
        "The following rules apply:",
    ],
)
def test_questions_cross_references_and_lead_ins_without_a_list_answer_nothing(nothing: str) -> None:
    text = f"## A\n\nDays expire on 31 March.\n\n{nothing}\n"
    assert texts(choose(scored(text, {nothing[:9]: 9.0, "Days": 1.0}), ReaderSection(margin=99.0)))[:1] == [
        "Days expire on 31 March."
    ]
    assert choose(scored(f"## A\n\n{nothing}\n", {nothing[:9]: 9.0}), ReaderSection()) == ()


@pytest.mark.parametrize(
    "said",
    [
        "A change record follows within 1 working day.",
        "The plan is tested in section order every 6 months, and after each change of staff, by the duty manager.",
        "Private use of the code is a breach.",
    ],
)
def test_rules_are_no_cross_references(said: str) -> None:
    assert texts(choose(scored(f"## A\n\n{said}\n", {said[:9]: 1.0}), ReaderSection())) == [said]


def test_steps_are_shown_together() -> None:
    text = "## Loss\n\n1. Ring the desk.\n2. Write to security.\n3. Collect a new card.\n"
    (found,) = choose(scored(text, {"Write": 3.0}), ReaderSection())
    assert (found.kind, found.text.splitlines()[-1]) == ("list", "3. Collect a new card.")


def test_evidence_is_limited_by_margin_and_number_and_never_twice_the_same() -> None:
    both = [*scored(LEAVE, {"An employee": 3.0, "Days": 2.0}), *scored(LEAVE, {"An employee": 3.0}, 2)]
    assert len(choose(both, ReaderSection())) == 2
    assert len(choose(both, ReaderSection(evidence=1))) == 1
    assert len(choose(both, ReaderSection(margin=0.5))) == 1


def test_the_closest_are_of_different_passages() -> None:
    parts = [*scored(LEAVE, {"An employee": 1.0, "Days": 0.5}), *scored(BRING, {"Bring them": 0.0, "New": 2.0}, 2)]
    assert texts(closest(parts)) == [
        FIRST,
        "Bring them to reception.",
    ]


LIMITS = "## Limits\n\n| Role | Limit |\n|---|---|\n" + "".join(f"| Grade {n} | £{n}00 |\n" for n in range(1, 6))


def test_the_rows_of_one_table_count_once() -> None:
    near = {f"| Grade {n}": 3.0 - n / 10 for n in range(1, 6)}
    parts = [*scored(LIMITS, near), *scored(LEAVE, {"Days expire": 2.0}, 2)]
    found = choose(parts, ReaderSection(evidence=1))
    assert [e.kind for e in found] == ["row"] * 5
    assert len(choose(parts, ReaderSection(evidence=2))) == 6


NESTED = """## Passwords

1. Accounts are reviewed.
2. Configurations are set to require:
  - a length of 8 characters;
  - a change every 90 days.
3. Records are kept.
"""


def test_a_list_inside_an_item_is_its_own() -> None:
    (found,) = choose(scored(NESTED, {"a length": 3.0, "a change": 2.5}), ReaderSection())
    assert (found.kind, found.lead_text) == ("list", "Configurations are set to require:")
    assert found.text.split("\n") == ["  - a length of 8 characters;", "  - a change every 90 days."]
    (found,) = choose(scored(NESTED, {"Configurations": 3.0}), ReaderSection())
    assert found.text.endswith("every 90 days.") and "Records" not in found.text


def test_what_another_place_says_with_more_beside_it_is_said_once() -> None:
    short, whole = "Report it to the supervisor.", "Report it to the supervisor. Threats are reported, too."
    found = choose([*scored(short, {"Report": 3.0}), *scored(whole, {"Report": 2.9}, passage=2)], ReaderSection())
    assert texts(found) == [short, whole], "both are quoted, as far as the confidence is concerned"
    assert texts(said_once(found)) == [whole]


def test_sentences_under_one_lead_are_not_said_twice() -> None:
    text = "Prevention and response:\n\nWe tolerate no threats. Tell the supervisor. Tell People, too.\n"
    found = said_once(choose(scored(text, {"Tell the": 3.0, "Tell People": 2.8}), ReaderSection()))
    assert len([quote for quote in map(quote_text, found) if "Tell the supervisor" in quote]) == 1
