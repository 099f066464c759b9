"""Questions -> examples for the generator: the prompt that the pipeline will send, and the words it should answer.

Some are made from the documents themselves, of terms and headings: what retrieval does not find again is no example.

The passages are those of what the reader picks, near misses included; where the reader misses, a gold sentence takes
the place of its last one. There are no NOT FOUND targets: a small model learns to refuse whatever it is asked.
A target is made of evidence as it stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from assistant.answer.assistant import Assistant
from assistant.answer.brief import MAX_PASSAGE
from assistant.answer.evidence import place, plain
from assistant.core.records import Evidence, Passage, Progress, Turn
from assistant.evaluate.questions import Question, access_of
from assistant.evaluate.retrieval_scores import covers_gold
from assistant.evaluate.score import best_f1
from assistant.text.canonical import sentences
from assistant.text.prompts import ASKS, build_reading_messages, without_keys

FILE_NAME = "examples.jsonl"
ASKED = "What are the rules on {heading}?"
MIN_SENTENCE_WORDS = 5  # a sentence that answers has

Part = Literal["train", "validation"]


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and its answer; `source` says where the question came from, `document` parts the splits."""

    id: str
    messages: tuple[Turn, ...]
    target: str
    document: str
    source: str
    part: Part

    @property
    def question(self) -> str:
        """What the prompt asks."""
        return self.messages[-1].content.rsplit(ASKS, 1)[-1]


def examples(assistant: Assistant, questions: Sequence[Question], source: str, progress: Progress) -> Iterator[Example]:
    """Yield an example of each answerable question whose evidence is found; the rest cannot be answered at run time."""
    asked = [q for q in questions if q.answerable]
    for done, question in enumerate(asked):
        progress(f"examples from {source}", done, len(asked))
        evidence, gold = evidence_of(assistant, question)
        if any(gold) and (target := target_of(question, evidence, gold)):
            document = question.document
            hits = {e.hit.passage.id: e.hit for e in evidence}.values()
            shown = [(place(hit), hit.passage.text[:MAX_PASSAGE]) for hit in hits]
            messages = build_reading_messages(question.asked, shown)
            yield Example(f"{source}:{question.id}", messages, target, document, source, part_of(document))
    progress(f"examples from {source}", len(asked), len(asked))


def term_questions(assistant: Assistant) -> list[Question]:
    """Ask what each term means that everyone may see; its definition is the answer."""
    found = assistant.catalog.queries.terms(assistant.access)
    return [
        Question(
            f"term:{term.name}", f"What does {term.name} mean?", True, (term.definition,), (term.definition,), (source,)
        )
        for term, source, _ in found
    ]


def heading_questions(assistant: Assistant) -> Iterator[Question]:
    """Ask what each section is headed by; any sentence of its first passage answers."""
    seen = set()
    for passage, source in assistant.catalog.queries.passages(assistant.access):
        heading = passage.headings[-1] if passage.headings else ""
        if not heading or (source, passage.headings) in seen:
            continue
        seen.add((source, passage.headings))
        if answering := _answering(passage):
            asked = heading if heading.endswith("?") else ASKED.format(heading=heading.lstrip("0123456789. "))
            yield Question(f"heading:{source}#{passage.start}", asked, True, (), answering, (source,))


def _answering(passage: Passage) -> tuple[str, ...]:
    """Return the sentences of a passage that could answer: not its heading, and not a few words."""
    heading = passage.headings[-1] if passage.headings else ""
    said = [passage.text[start:end] for start, end in sentences(passage.text, 0, len(passage.text))]
    return tuple(text for text in said if len(text.split()) >= MIN_SENTENCE_WORDS and text.strip("# ") != heading)


def evidence_of(assistant: Assistant, question: Question) -> tuple[tuple[Evidence, ...], tuple[bool, ...]]:
    """Return what the reader picks, and which of it is gold; a gold sentence is put in where there is none."""
    access = access_of(assistant.access, question)
    evidence = assistant.read(question.asked, question.history, access=access).evidence
    gold = tuple(_is_gold(e, question) for e in evidence)
    if any(gold) or not evidence:
        return evidence, gold
    others = assistant.candidates(question.asked, question.history, access=access).sentences
    found = next((e for e in others if _is_gold(e, question)), None)
    if found is None:
        return evidence, gold
    # Its place is not always the same, or the place would be what is learned.
    kept = evidence[:-1] if len(evidence) == assistant.config.reader.evidence else evidence
    place = digest(question.id) % (len(kept) + 1)
    mixed = (*kept[:place], found, *kept[place:])
    return mixed, tuple(e is found for e in mixed)


def part_of(document: str) -> Part:
    """Keep one document in ten for validation, by its name."""
    return "validation" if digest(document) % 10 == 0 else "train"


def without_leaks(found: Iterable[Example], evaluated: Iterable[Question]) -> list[Example]:
    """Leave out the examples that ask what the evaluation asks, word for word."""
    asked = {_bare(question.asked) for question in evaluated}
    return [example for example in found if _bare(example.question) not in asked]


def with_validation(found: Sequence[Example]) -> list[Example]:
    """Move one document to the validation part where few documents left none there."""
    if not found or any(example.part == "validation" for example in found):
        return list(found)
    chosen = min((example.document for example in found), key=digest)
    return [replace(example, part="validation") if example.document == chosen else example for example in found]


def distinct(found: Iterable[Example]) -> list[Example]:
    """Leave out examples whose prompt was there before."""
    return list({_bare(example.messages[-1].content): example for example in reversed(list(found))}.values())[::-1]


def write_examples(path: Path, found: Collection[Example]) -> dict[str, int]:
    """Write one example a line; return how many there are of each part."""
    lines = (json.dumps(asdict(example), ensure_ascii=False) for example in found)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return {part: sum(e.part == part for e in found) for part in get_args(Part)}


def read_examples(path: Path) -> list[Example]:
    """Read what `write_examples` wrote."""
    raw = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [Example(**{**line, "messages": tuple(Turn(**turn) for turn in line["messages"])}) for line in raw]


def card(found: Sequence[Example], made: Mapping[str, Any]) -> str:
    """Say in Markdown what the examples are: counts by source and part, and ten of them."""
    lines = ["# Examples for the generator", "", "| source | train | validation |", "|---|---|---|"]
    for source in sorted({e.source for e in found}):
        own = [e.part for e in found if e.source == source]
        lines.append(f"| {source} | {own.count('train')} | {own.count('validation')} |")
    lines += ["", "```json", json.dumps(made, indent=1, sort_keys=True), "```", ""]
    for example in found[:: max(1, len(found) // 10)][:10]:
        lines += [f"## {example.id}", "", "```", example.messages[-1].content, "```", "", f"> {example.target}", ""]
    return "\n".join(lines)


def _is_gold(evidence: Evidence, question: Question) -> bool:
    return covers_gold(plain(evidence), question.evidence or question.answers)


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())


def digest(text: str) -> int:
    """Return a number that parts texts evenly and always alike."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4], "big")


MAX_TARGET_WORDS = 60  # what is longer cannot be written within `generator.max_tokens`
MAX_SENTENCES = 3
MIN_F1_GAIN = 0.05  # of token F1 that another sentence must bring

Said = tuple[str, int]


def target_of(question: Question, evidence: Sequence[Evidence], gold: Sequence[bool]) -> str:
    """Return the words to answer with, each sentence with its passage's key; empty if all gold is too long.

    Gold comes first. What else the reader picked is said too where it brings the words closer to the gold answer:
    where that is a paragraph, the spans marked as its evidence are a part of what it says.
    """
    passages = list(dict.fromkeys(e.hit.passage.id for e in evidence))
    said: list[Said] = []
    for key in sorted(range(1, len(evidence) + 1), key=lambda key: not gold[key - 1]):
        if not (gold[key - 1] or said):
            break  # the rest of something that was not said
        longer = [*said, (without_keys(plain(evidence[key - 1])), key)]
        gains = not said or _closeness(longer, question) >= _closeness(said, question) + MIN_F1_GAIN
        if gains and len(longer) <= MAX_SENTENCES and sum(len(text.split()) for text, _ in longer) <= MAX_TARGET_WORDS:
            said = longer
    keyed = [(text, passages.index(evidence[at - 1].hit.passage.id) + 1) for text, at in said]
    return " ".join(f"{text} [{key}]" for text, key in sorted(keyed, key=lambda words: words[1]))


def _closeness(said: Sequence[Said], question: Question) -> float:
    return best_f1(" ".join(text for text, _ in said), question.answers)
