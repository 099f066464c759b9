"""A follow-up may be answered by what the last answer said, where that answers it by itself, and not else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.pipeline import about_it
from assistant.core.records import Turn

FILES = {
    "leave.md": "# Annual Leave Policy\n\n## Carrying leave over\n\nAn employee may carry over at most 5 leave days,"
    " which must be taken by 31 March of the next year.\n\n## Sickness\n\nWho falls ill on leave gets the days back.\n",
    "travel.md": "# Travel Policy\n\n## Hotels\n\nThe limit for a hotel night is 140 euros.\n\n## Trains\n\nTrains are"
    " second class.\n",
}
CARRY, HOTEL = "How many days of leave can I carry over?", "What is the limit for a hotel night?"


@pytest.mark.parametrize(
    ("first", "then", "answered", "shown"),
    [
        (CARRY, "By when must the days be taken?", True, "31 March"),
        (CARRY, "And by when must I take them?", False, "31 March"),
        (HOTEL, "And in Paris?", False, ""),
        (HOTEL, "and who pays for the parking?", False, ""),
        (HOTEL, "What does SOC2 mean for us?", False, ""),
        ("Which class are trains?", "How do we class risks?", False, ""),
        (HOTEL, "Is that the limit?", True, "140"),
    ],
)
def test_it_is_said_again_where_it_answers(
    make_assistant: Callable[..., Assistant], first: str, then: str, answered: bool, shown: str
) -> None:
    assistant = make_assistant(FILES)
    answer = assistant.answer(first)
    assert answer.status == "answered"
    after = assistant.answer(then, [Turn("user", first), Turn("assistant", answer.text)])
    assert (after.status == "answered") == answered
    assert shown in "\n".join(source.quote for source in after.sources)


def test_a_clause_on_another_subject_is_not_answered_with_the_one_before(
    make_assistant: Callable[..., Assistant],
) -> None:
    reading = make_assistant(FILES).read(HOTEL)
    assert reading.evidence and reading.probability > 0
    for follow_up in ("And in Paris?", "What is the limit?", "Is that enough?"):
        assert about_it(reading, follow_up) == reading
    for other in ("What does SOC2 mean for us?", "How do we name channels?"):
        assert about_it(reading, other).evidence == () and about_it(reading, other).probability == 0
