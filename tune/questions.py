"""Questions made from the documents themselves, where nobody has written any: by rule, from terms and headings."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.core.text import sentences
from assistant.evaluate.questions import Question
from assistant.pipeline import Assistant

MIN_WORDS = 5  # of a sentence that answers
ASKED = "What are the rules on {heading}?"


def term_questions(assistant: Assistant) -> list[Question]:
    """Ask what each term means that everyone may see; its definition is the answer."""
    found = assistant.catalog.terms(assistant.access)
    return [
        Question(
            f"term:{term.name}", f"What does {term.name} mean?", True, (term.definition,), (term.definition,), (source,)
        )
        for term, source, _ in found
    ]


def heading_questions(assistant: Assistant) -> Iterator[Question]:
    """Ask what each section is headed by; any sentence of its first passage answers.

    Whether retrieval finds the section again is for `dataset.examples` to see.
    """
    seen = set()
    for passage, source in assistant.catalog.passages(assistant.access):
        heading = passage.headings[-1] if passage.headings else ""
        if not heading or (source, passage.headings) in seen:
            continue
        seen.add((source, passage.headings))
        said = [passage.text[start:end] for start, end in sentences(passage.text, 0, len(passage.text))]
        answering = tuple(text for text in said if len(text.split()) >= MIN_WORDS and text.strip("# ") != heading)
        if answering:
            asked = heading if heading.endswith("?") else ASKED.format(heading=heading.lstrip("0123456789. "))
            yield Question(f"heading:{source}#{passage.start}", asked, True, (), answering, (source,))
