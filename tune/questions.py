"""Questions made from the documents themselves: by rule, from terms and headings, and by a model, from sentences.

Whether retrieval finds the place again is for `examples.examples` to see: what it does not find is no example.
"""

from __future__ import annotations

from collections.abc import Iterator

from assistant.answer.assistant import Assistant
from assistant.answer.evidence import in_context, plain
from assistant.answer.read import evidence_in
from assistant.core.records import Evidence, Hit, Passage, Progress, Turn
from assistant.evaluate.questions import Question
from assistant.evaluate.splits import Split, split_of
from assistant.models.llm import LanguageModel
from assistant.text.canonical import sentences

MIN_SENTENCE_WORDS = 5  # a sentence that answers has
ASKED = "What are the rules on {heading}?"
WRITE = """\
Write one question that somebody at work might ask, in words of their own, and that this answers. Nothing else.

{text}"""


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
    """Ask what each section is headed by; any sentence of its first passage answers."""
    seen = set()
    for passage, source in assistant.catalog.passages(assistant.access):
        heading = passage.headings[-1] if passage.headings else ""
        if not heading or (source, passage.headings) in seen:
            continue
        seen.add((source, passage.headings))
        if answering := _answering(passage):
            asked = heading if heading.endswith("?") else ASKED.format(heading=heading.lstrip("0123456789. "))
            yield Question(f"heading:{source}#{passage.start}", asked, True, (), answering, (source,))


def written_questions(assistant: Assistant, model: LanguageModel, most: int, progress: Progress) -> Iterator[Question]:
    """Let a model ask what `most` sentences answer, spread evenly over the half that is learned from."""
    found = [
        evidence
        for passage, source in assistant.catalog.passages(assistant.access)
        if split_of(source) is Split.DEV
        for evidence in evidence_in(Hit(passage, 0.0, 1, (), source, source, ""))
        if len(evidence.text.split()) >= MIN_SENTENCE_WORDS
    ]
    chosen = found[:: max(1, len(found) // most)][:most]
    for done, evidence in enumerate(chosen):
        progress("writing questions", done, len(chosen))
        asked = " ".join(model.complete(writing_prompt(evidence), 60).split())
        if asked.endswith("?"):
            source = evidence.hit.source
            yield Question(f"written:{source}#{evidence.start}", asked, True, (), (plain(evidence),), (source,))
    progress("writing questions", len(chosen), len(chosen))


def writing_prompt(evidence: Evidence) -> tuple[Turn, ...]:
    """Ask for a question that a sentence answers, under its heading."""
    return (Turn("user", WRITE.format(text=in_context(evidence))),)


def _answering(passage: Passage) -> tuple[str, ...]:
    """Return the sentences of a passage that could answer: not its heading, and not a few words."""
    heading = passage.headings[-1] if passage.headings else ""
    said = [passage.text[start:end] for start, end in sentences(passage.text, 0, len(passage.text))]
    return tuple(text for text in said if len(text.split()) >= MIN_SENTENCE_WORDS and text.strip("# ") != heading)
