"""What a header or a lead-in makes personal or a code is shown by no door, however far below it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.disclosure import masked_excerpt, permitted, screened, withheld_spans
from assistant.answer.feedback import find_place
from assistant.answer.read import evidence_in
from assistant.contract import dumps
from assistant.core.config import Config, GuardsSection
from assistant.core.errors import UsageError
from assistant.core.records import Excerpt, Hit, Passage
from assistant.guards import Span
from assistant.guards.run import Guards
from tests.withheld import NOBODY

ROWS = "".join(
    f"| Traveller {n} of the northern sales team | Desk {n} in the annex | {53_000_000 + n * 7_919} |\n"
    for n in range(1, 61)
)
CODES = "".join(f"- {20_000 + n * 37}\n" for n in range(1, 301))
CARRY = "Every traveller must carry the register card when crossing the northern border."
SIREN = "The porter must test each door siren on the first Monday of the month."
FILES = {
    "register.md": "# Register\n\n## Travellers\n\n| Traveller | Desk | Passport number |\n|---|---|---|\n"
    f"{ROWS}\n{CARRY}\n",
    "doors.md": f"# Building\n\n## Doors\n\nThe alarm codes:\n\n{CODES}\n{SIREN}\n",
}
SECRET = re.compile(r"\b5[34]\d{6}\b|\b[23]\d{4}\b")


@pytest.fixture(scope="module")
def assistant(index_files: Callable[[Mapping[str, str]], Config]) -> Iterator[Assistant]:
    with closing(Assistant(index_files(FILES), access=NOBODY)) as opened:
        yield opened


@pytest.mark.parametrize("asked", ["Traveller 50 of the northern sales team", "alarm codes of the doors", CARRY, SIREN])
def test_a_search_and_an_answer_mask_every_passage(assistant: Assistant, asked: str) -> None:
    found = assistant.search(asked, k=8)
    assert any(hit.before and " removed]" in hit.passage.text for hit in found.hits)
    assert not SECRET.search(dumps([hit.passage.text for hit in found.hits]))
    answer = assistant.answer(asked)
    shown = [excerpt.text for citation in answer.citations for excerpt in citation.context]
    assert not SECRET.search(dumps([*shown, *(quote.quote for quote in answer.sources)]))
    assert not SECRET.search(dumps([hit.passage.text for hit in answer.hits]))


@pytest.mark.parametrize(("source", "said"), [("register.md", CARRY), ("doors.md", SIREN)])
def test_no_place_shows_a_row_far_below_what_heads_it(assistant: Assistant, source: str, said: str) -> None:
    document = assistant.catalog.queries.document(source, NOBODY)
    assert document is not None
    start = document.text.index(said)
    _, around, *_ = assistant.place(document.sha256, start, start + len(said), NOBODY)
    assert " removed]" in around and not SECRET.search(around)
    for row in ("| Traveller 60 of", "- 31100"):
        if (at := document.text.find(row)) >= 0:
            with pytest.raises(UsageError):
                assistant.place(document.sha256, at, document.text.index("\n", at), NOBODY)


def test_feedback_takes_no_such_row(assistant: Assistant) -> None:
    for row in ("Traveller 1 of the northern", "Traveller 60 of the northern"):
        with pytest.raises(UsageError, match="no document that you may see says that"):
            find_place(row, NOBODY, assistant.catalog, Guards(GuardsSection()))


def hit_of(before: str, text: str) -> Hit:
    return Hit(Passage(1, "d", text, 900, 900 + len(text), ("Gate",)), 0.5, 1, (), "gate.md", "Gate", "5ha", before)


def test_a_contact_above_a_passage_is_no_secret_below_it() -> None:
    hit = hit_of("Write to desk@tarn.example, all of these:\n\n", "- the staff of the annex\n- guests of the house\n")
    assert screened(hit, Guards(GuardsSection())).text == hit.passage.text


def test_what_begins_above_a_passage_is_withheld_whole() -> None:
    guards, hit = Guards(GuardsSection()), hit_of("Flights are paid with 4111 1111 ", "1111 1111 in the spring.")
    (span,) = withheld_spans(hit, guards)
    assert hit.slice(span.start, span.end) == "4111 1111 1111 1111"
    assert screened(hit, guards).text == "[card number removed] in the spring."


def test_a_quote_that_reaches_above_its_passage_holds_no_code_of_another_item() -> None:
    """An item is quoted from its lead-in on, with the items between."""
    hit = hit_of("The alarm codes:\n\n- 48213\n", "- Each of them is changed by the porter in spring.\n")
    kept, verdicts = permitted(evidence_in(hit), Guards(GuardsSection()))
    assert not kept and any(verdict.action == "redact" for verdict in verdicts)


def test_an_excerpt_is_masked_by_its_place_where_it_holds_more_that_is_masked() -> None:
    guards = Guards(GuardsSection())
    text = "| anna | 4111 1111 1111 1111 | 53007919 |"
    at = 900 + text.index("53007919")
    shown = masked_excerpt(Excerpt(900, 900 + len(text), text), [Span(at, at + 8, "passport number")], guards)
    assert shown.text == "| anna | [card number removed] | [passport number removed] |"
