"""Which statements are compared: of the same people and the same thing. What the models would say is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.core.records import Audience
from ingest.lint.conflicts import conflicts
from ingest.lint.corpus import Corpus
from ingest.lint.provisions import named
from tests.ingest.lint.test_rules import TODAY, policy


def messages(root: Path, *texts: str, audiences: Sequence[Audience] = (None, None)) -> list[str]:
    """Return what is said of documents if all statements are near each other, and each answers every question."""

    def near(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), 1), np.float32)

    def sure(_: str, __: str, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.full(len(texts), 9.0, np.float32)

    policies = [
        policy(root, f"{at}.md", text, audience=audience)
        for at, (text, audience) in enumerate(zip(texts, audiences, strict=False))
    ]
    return [fault.message for fault in conflicts(Corpus(policies, (), TODAY, near, sure))]


CLAIMS = "# Money\n\n## Claims\n\nExpense claims are made within 30 days of the cost.\n"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("# Travel\n\nExpense claims are made within 60 days of the cost.\n", "for everybody: 60 days"),
        ("# Travel\n\nEmployees make expense claims within 60 days of the cost.\n", "for everybody: 60 days"),
        ("# Travel\n\nContractors make expense claims within 60 days of the cost.\n", ""),
        ("# Travel\n\n## Contractors\n\nExpense claims are made within 60 days of the cost.\n", ""),
        ("# Contractor handbook\n\nExpense claims are made within 60 days of the cost.\n", ""),
        ("# Travel\n\nNew employees make expense claims within 60 days of the cost.\n", ""),
    ],
)
def test_figures_clash_only_where_they_are_for_the_same_people(tmp_path: Path, other: str, told: str) -> None:
    found = messages(tmp_path, CLAIMS, other)
    assert (told in found[0] and len(found) == 1) if told else not found


@pytest.mark.parametrize(
    ("audiences", "clash"),
    [((None, ("hr",)), True), ((("hr", "board"), ("hr",)), True), ((("board",), ("hr",)), False)],
)
def test_documents_of_different_roles_do_not_clash(tmp_path: Path, audiences: Sequence[Audience], clash: bool) -> None:
    other = CLAIMS.replace("30", "60").replace("Money", "Travel")
    assert bool(messages(tmp_path, CLAIMS, other, audiences=audiences)) == clash


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("Contractors and interns get 10 days.", {"contractor", "intern"}),
        ("New employees get 10 days.", {"new"}),
        ("All staff get 10 days.", set()),
        ("The limit is 10 days.", None),
    ],
)
def test_the_people_that_a_text_names(text: str, people: set[str] | None) -> None:
    assert named(text) == people


def test_sections_of_a_document_are_of_what_their_headings_say(tmp_path: Path) -> None:
    annual = "# Leave\n\n## Annual leave\n\nYou accrue 6 hours of leave per pay period.\n\n"
    assert not messages(tmp_path, f"{annual}## Sick leave\n\nYou accrue 4 hours of leave per pay period.\n")
    again = "## In short\n\nIn short: of annual leave you accrue 4 hours per pay period.\n"
    assert len(messages(tmp_path, f"{annual.replace('Annual leave', 'Short')}{again}")) == 1


def test_documents_of_a_series_are_each_of_their_own(tmp_path: Path) -> None:
    office = "# {}\n\n## Keys\n\nSpare keys are kept for {} days.\n\n## Post\n\nOn the desk.\n"
    assert not messages(tmp_path, office.format("Leeds", 10), office.format("Utrecht", 20))


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("Visitors may park in the yard.", "Visitors must not park in the yard.", True),
        ("You can find the form with the manager.", "If you cannot find the form, ask the manager.", False),
        ("The detail must end at 120 days.", "The detail must not exceed 120 days.", False),
        ("A room is booked for 2 days a week at most.", "A room is booked for 5 days a month at most.", False),
    ],
)
def test_duties_clash_over_the_same_deed(tmp_path: Path, one: str, other: str, clash: bool) -> None:
    assert bool(messages(tmp_path, f"# A\n\n{one}\n", f"# B\n\n{other}\n")) == clash
