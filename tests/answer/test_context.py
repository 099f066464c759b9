"""With a quote stands what its document says around it, so that nobody takes it for all that is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.answer import context
from assistant.answer.assistant import Assistant
from assistant.answer.context import excerpts_around, with_amendments
from assistant.answer.limits import LimitModel
from assistant.answer.proof.verify import verify_answer
from assistant.answer.read import evidence_in
from assistant.contract import answer_json, saved_answer
from assistant.core.config import Config
from assistant.core.records import Access, Passage
from tests.ingest.formats.word_files import build, mark, note, paragraph, run

Make = Callable[..., Assistant]

FILLER = "\n".join(f"\n## Shelf {i}\n\nShelf {i} holds the boxes of room {i}.\n" for i in range(12))
# (document, quote, what must be shown with it)
CASES = {
    "takes the list back": (
        "# Fees\n\nNo fee is due for:\n\n- hospital ships\n- tugs\n- rowing boats\n\nThe first two have lapsed.\n",
        "- tugs",
        "The first two have lapsed.",
    ),
    "two paragraphs on": (
        "# Hire\n\n## Terms\n\nA substitute may come.\n\nRates are agreed.\n\nThe first of these is void.\n",
        "A substitute may come.",
        "The first of these is void.",
    ),
    "what came before": (
        "# Depot\n\n## Habits\n\nWe once worked in this way.\n\nStorage is free for a year.\n\nRows are marked.\n",
        "Storage is free for a year.",
        "We once worked in this way.",
    ),
    "the rest of its paragraph": (
        "# Bikes\n\nBikes may stand in the hall. So the motion said, and it was lost.\n",
        "Bikes may stand in the hall.",
        "So the motion said, and it was lost.",
    ),
    "what stands before all sections": (
        f"# Doses\n\n> The doses on this page are for cats.\n\n## Pain\n\nGive 0.1 mg a kilogram.\n{FILLER}",
        "Give 0.1 mg a kilogram.",
        "The doses on this page are for cats.",
    ),
    "what stands after all sections": (
        f"# Exams\n\n## Repeats\n\nAn exam is repeated twice.\n{FILLER}\n## Scope\n\nThese rules are for guests.\n",
        "An exam is repeated twice.",
        "These rules are for guests.",
    ),
    "its number": (
        f"# Cards\n\n## 4.2 Refunds\n\nUp to 500 euros are paid.\n{FILLER}\n## Slips\n\nIn 4.2, for 500 read 150.\n",
        "Up to 500 euros are paid.",
        "In 4.2, for 500 read 150.",
    ),
    "a row of its number": (
        f"# Beer\n\n## 2 Tasting\n\nA litre is tasted.\n{FILLER}\n## Less\n\n| To | By |\n|---|---|\n| 2 | None |\n",
        "A litre is tasted.",
        "| 2 | None |",
    ),
    "an amendment of its section among those of others": (
        f"# Ale\n\n## 4 Shoes\n\nThey cost 85 euros.\n{FILLER}\n## 9 Changes\n\n"
        + "Section 1 is void.\n\nSection 2 is void.\n\nSection 3 is void.\n\n"
        + '1. In section 3 "85" becomes "9".\n2. In section 4 "85 euros" becomes "110 euros".\n',
        "They cost 85 euros.",
        '2. In section 4 "85 euros" becomes "110 euros".',
    ),
    "in the middle, of a range of sections": (
        f"# Ale\n\n## 5 Shoes\n\nThey cost 85 euros.\n{FILLER}\n## 9\n\nSections 4 to 6 are for staff.\n{FILLER}",
        "They cost 85 euros.",
        "Sections 4 to 6 are for staff.",
    ),
    "its number alone": (
        f"# House\n\n## 4. Smoking\n\nThey smoke outside.\n{FILLER}\n## Annex\n\nNo. 2: at noon. No. 4: repealed.\n",
        "They smoke outside.",
        "No. 2: at noon. No. 4: repealed.",
    ),
    "its heading": (
        f"# Crew\n\n## 4 Leave\n\nSix weeks are paid.\n{FILLER}\nMeals, leave and baggage: permanent crew only.\n",
        "Six weeks are paid.",
        "Meals, leave and baggage: permanent crew only.",
    ),
    "exceptions below": (
        "# Visits\n\n## Flowers\n\nFlowers are welcome.\n\n### Exceptions\n\nWard 7 takes none.\n",
        "Flowers are welcome.",
        "Ward 7 takes none.",
    ),
    "the next section looks back": (
        "# Press\n\n## Courier\n\nInterns live for free.\n\n## Reply\n\nNone of the above is right.\n",
        "Interns live for free.",
        "None of the above is right.",
    ),
    "a raised mark": (
        f"# Loans\n\n## Time\n\nLoans last 28 days¹.\n{FILLER}\n## Notes\n\n1. Seven for films.\n2. Three for maps.\n",
        "Loans last 28 days¹.",
        "1. Seven for films.",
    ),
    "a mark that was not set higher": (
        f"# Scans\n\n## Dose\n\nGive 2 ml per kg.1\n{FILLER}\n1 Half of it in old age.\n",
        "Give 2 ml per kg.1",
        "1 Half of it in old age.",
    ),
    "a legend": (
        f"# Crew\n\nLines with † are for pilots.\n\n## Ways home\n\n† A taxi is paid.\n{FILLER}",
        "† A taxi is paid.",
        "Lines with † are for pilots.",
    ),
    "items below its item": (
        "# Guests\n\nMembers may bring:\n\n- guests\n  - but not on Sundays\n- dogs\n",
        "- guests",
        "- but not on Sundays",
    ),
}


def test_a_quote_stands_in_its_surroundings(make_assistant: Make) -> None:
    files = {f"{name}.md": text for name, (text, _, _) in CASES.items()}
    catalog = make_assistant(files).catalog
    for name, (_, quote, wanted) in CASES.items():
        document = catalog.queries.document(f"{name}.md", Access())
        assert document is not None
        start = document.text.index(quote)
        around = excerpts_around(catalog.queries, document.id, start, start + len(quote))
        assert any(excerpt.text.endswith(wanted) for excerpt in around), (name, around)
        for excerpt in around:
            assert document.text[excerpt.start : excerpt.end] == excerpt.text
            assert excerpt.end <= start or excerpt.start >= start + len(quote)


def test_the_footnote_of_a_word_document_limits_its_quote(
    make_config: Callable[..., Config], run_ingest: Callable[..., object], tmp_path: Path
) -> None:
    texts = [run("Engineers may book first class."), mark(1), run(" Others may not."), run(" Ask first.")]
    body = paragraph(*texts) + paragraph(run("Then:")) + paragraph(run("Pay."), style="ListNumber")
    notes = {"footnotes": note(1, "Repealed on 1 May 2025.")}
    (tmp_path / "trips.docx").write_bytes(build(body, notes))
    run_ingest(make_config(), tmp_path / "trips.docx")
    assistant = Assistant(make_config())
    (hit,) = assistant.search("Who may book first class?").hits
    quote = evidence_in(hit)[0]
    assert quote.text == "Engineers may book first class.[1]"
    assert "1. Pay." in hit.passage.text  # which no mark refers to
    around = excerpts_around(assistant.catalog.queries, hit.passage.document_id, quote.start, quote.end)
    assert [excerpt.text for excerpt in around if excerpt.limits] == ["[1] Repealed on 1 May 2025."]
    assistant.close()


@pytest.mark.parametrize("name", ["Company Car Rules", "CAR-7"])
def test_what_another_document_says_by_title_or_id_is_looked_up(make_assistant: Make, name: str) -> None:
    rule = "---\npolicy_id: CAR-7\n---\n\n# Company Car Rules\n\nA car costs up to 60,000 euros.\n"
    other = f"# Board minutes\n\nIn {name} 60,000 becomes 40,000 euros.\n\nThe canteen opens at noon.\n"
    assistant = make_assistant({"car.md": rule, "minutes.md": other})
    hit = next(hit for hit in assistant.search("A car costs up to 60,000 euros").hits if hit.source == "car.md")
    evidence = evidence_in(hit)
    found = with_amendments(evidence, assistant.catalog, Access(), Limiting())
    assert [e.text for e in found[len(evidence) :]] == [f"In {name} 60,000 becomes 40,000 euros."]


class Limiting(LimitModel):
    """Takes all for a limit."""

    def __init__(self) -> None:
        pass

    def limits_one_of(self, texts: Sequence[str], passages: Sequence[str], rules: Sequence[str]) -> list[bool]:
        return [True] * len(texts)


BIKES = {
    "bikes.md": "# Bikes\n\n## Hall\n\nBikes may stand in the hall. So the motion said, and it was lost.\n\n"
    "Call Jo Ward at jo@example.org, card 4111 1111 1111 1111.\n"
}


def saved(assistant: Assistant) -> dict[str, Any]:
    answer = answer_json(assistant.answer("May bikes stand in the hall?"))
    assert answer["status"] == "answered"
    return answer


def problems(assistant: Assistant, answer: dict[str, Any]) -> list[str]:
    checks = verify_answer(saved_answer(answer), assistant.catalog, assistant.access)
    return [check.problem for check in checks if check.problem]


def test_a_saved_answer_is_not_cut_out_of_its_surroundings(make_assistant: Make) -> None:
    assistant = make_assistant(BIKES)
    answer = saved(assistant)
    citation = answer["citations"][0]
    assert "it was lost" in citation["quote"] + "".join(e["text"] for e in citation["context"])
    assert not problems(assistant, answer)
    quote = "Bikes may stand in the hall."
    citation |= {"claim": quote, "quote": quote, "end": citation["start"] + len(quote)}
    answer["answer"] = f"{quote} [1]"
    assert problems(assistant, answer)  # what goes on with the sentence is missing


@pytest.mark.parametrize("change", ["dropped", "changed", "moved"])
def test_a_saved_context_is_checked(make_assistant: Make, change: str) -> None:
    assistant = make_assistant(BIKES)
    answer = saved(assistant)
    context = answer["citations"][0]["context"]
    if change == "dropped":
        context.pop()
    elif change == "changed":
        context[-1]["text"] = context[-1]["text"].replace("Call", "Pay")
    else:
        context[-1]["start"] += 1
    assert problems(assistant, answer) == ["its context is not what stands around the quote"]


def test_what_may_not_be_shown_is_masked_around_a_quote(make_assistant: Make) -> None:
    assistant = make_assistant(BIKES)
    answer = saved(assistant)
    told = answer["citations"][0]["context"][-1]["text"]
    assert "4111" not in told
    assert "removed]" in told
    assert not problems(assistant, answer)


def test_a_list_that_begins_in_the_next_passage_is_no_mark() -> None:
    text = "Code them to the correct reports.\n\n1. Add expenses.\n1. Merchant: with whom you incurred the expense.\n"
    first = text.index("1.")
    passages = (Passage(1, "d", text[:first].rstrip(), 0, first - 2), Passage(2, "d", text[first:], first, len(text)))
    assert list(context._notes(passages, 0, text.index("\n1. Merchant"))) == []
