"""Golden files: what the answers to a policy owner's questions must say, checked against the answers of today.

A file can be recorded from answers too. It then holds what stays when only the wording changes: the status, the
numbers and the first cited source; the answer's text stands beside them for people, and no check reads it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict
from pydantic.dataclasses import dataclass as validated_dataclass

from assistant.answer.assistant import Assistant
from assistant.contract import dumps
from assistant.core.errors import GateFailed, UsageError
from assistant.core.files import write_report
from assistant.core.records import Answer, Progress, Status
from assistant.evaluate.questions import Question, Texts, access_of, asked_line, read_lines, validated
from assistant.text.prompts import KEY
from assistant.text.quantities import numbers, numerals, quantities

KEYS = re.compile(rf"(?<!\s)\s*+{KEY.pattern}")
QUOTE_CHARACTERS = 80  # of one that is recorded where there is no number: a longer one changes too easily

Json = dict[str, Any]


def _folded(text: str) -> str:
    """Write a text without its keys, case and differences of white space."""
    return " ".join(KEYS.sub("", text).split()).casefold()


def _telling(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a text to look for without a word: it would be in every answer."""
    if not all(map(_folded, texts)):
        raise ValueError("has a text that says nothing")
    return texts


def _stated(value: Any) -> tuple[str, ...]:
    """Read numbers, as JSON numbers or as texts such as "1,250" and "twenty-five"."""
    if not isinstance(value, list | tuple) or not all(type(number) in (str, int, float) for number in value):
        raise ValueError("must be a list of numbers")
    found = tuple(number if isinstance(number, str) else f"{Decimal(str(number)):f}" for number in value)
    if wrong := [text for text in found if not numbers(text)]:
        raise ValueError(f"has {wrong[0]!r}, in which there is no number")
    return found


Phrases = Annotated[Texts, AfterValidator(_telling)]


@validated_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Expected:
    """What an answer must be: its status, texts and numbers that it has, a source that it cites, texts it lacks."""

    status: Status
    contains: Phrases = ()
    numbers: Annotated[tuple[str, ...], BeforeValidator(_stated)] = ()
    source: str = ""
    excludes: Phrases = ()


CHECKS = tuple(field.name for field in fields(Expected))


@validated_dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Golden(Question):
    """A question and what its answer must be.

    No check reads `recorded`, an answer of before, and of a reviewed row `feedback`, the line of the log on which was
    decided.
    """

    expect: Expected
    recorded: str = ""
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that does not hold, by its key in the file."""

    check: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.check}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class GoldenOutcome:
    """A golden line and its answer of today: which expectations were compared, and which of them failed."""

    golden: Golden
    status: Status
    answer: str
    sources: tuple[str, ...]
    checked: tuple[str, ...]
    failures: tuple[Failure, ...]

    def to_json(self) -> Json:
        """Return the outcome as `test --json` prints it."""
        return {
            "id": self.golden.id,
            "question": self.golden.asked,
            "passed": not self.failures,
            "failures": [asdict(failure) for failure in self.failures],
            "status": self.status,
            "answer": self.answer,
            "sources": list(self.sources),
            "recorded": self.golden.recorded,
        }


def read_golden(path: Path) -> list[Golden]:
    """Read a golden file; raises UsageError naming a bad line and its field."""
    return read_lines(path, _golden)


def read_asked(path: Path) -> list[Question]:
    """Read what to record; a line may hold more, as a question file's do."""
    return read_lines(path, lambda raw: validated(Question, asked_line(raw)))


def check(lines: Sequence[Golden], assistant: Assistant, progress: Progress) -> list[GoldenOutcome]:
    """Ask each line's question and compare the answer."""
    answers = ask_all(lines, assistant, progress)
    return [compare(line, answer) for line, answer in zip(lines, answers, strict=True)]


def compare(golden: Golden, answer: Answer) -> GoldenOutcome:
    """Compare an answer with what it must be; one of another status is compared no further."""
    expect, sources = golden.expect, tuple(dict.fromkeys(c.source for c in answer.citations))
    if expect.status != answer.status:
        failure = Failure("status", expect.status, answer.status)
        return GoldenOutcome(golden, answer.status, answer.text, sources, ("status",), (failure,))
    checked = tuple(key for key in CHECKS if getattr(expect, key))
    failures = tuple(_failures(expect, answer.text, sources))
    return GoldenOutcome(golden, answer.status, answer.text, sources, checked, failures)


def check_all_hold(outcomes: Sequence[GoldenOutcome]) -> None:
    """Raise GateFailed unless every expectation of every line holds."""
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    if failed:
        hint = "Mend the documents; or, if the answers are right, record them anew with --record FILE --force."
        raise GateFailed(f"{failed} of {len(outcomes)} golden answers do not hold.", hint)


def check_free(path: Path, force: bool) -> None:
    """Raise UsageError for a file that is there: golden answers are often edited by hand."""
    if path.exists() and not force:
        raise UsageError(f"{path} is there already.", "Record to another file, or overwrite it with --force.")


def record(
    path: Path,
    lines: Sequence[Question],
    assistant: Assistant,
    as_of: str,
    force: bool,
    progress: Progress,
) -> Counter[str]:
    """Write a golden file from the answers of today, which pass it; returns how many there are of each status.

    The roles of the assistant, and `as_of` unless empty, go into the lines: whoever checks them need not know them.
    """
    roles = assistant.access.roles
    lines = [replace(q, roles=tuple(sorted(roles.union(q.roles))), as_of=q.as_of or as_of) for q in lines]
    answers = list(ask_all(lines, assistant, progress))
    text = "".join(dumps(_line(*pair)) + "\n" for pair in zip(lines, answers, strict=True))
    check_free(path, force)  # still: the questions took their time
    write_report(path, text.encode(), "--record")
    return Counter(answer.status for answer in answers)


def ask_all(lines: Sequence[Question], assistant: Assistant, progress: Progress) -> Iterator[Answer]:
    """Yield the answers in order, each asked with its line's roles too and on its day."""
    progress("asking", 0, len(lines))
    for done, line in enumerate(lines, 1):
        yield assistant.answer(line.asked, line.history, access=access_of(assistant.access, line))
        progress("asking", done, len(lines))


def _failures(expect: Expected, answer: str, sources: tuple[str, ...]) -> Iterator[Failure]:
    folded, bare = _folded(answer), KEYS.sub("", answer)
    if missing := [text for text in expect.contains if _folded(text) not in folded]:
        yield Failure("contains", _quoted(missing), "an answer without it")
    if missing := [number for number in expect.numbers if not numbers(number) <= numbers(bare)]:
        stated = dict.fromkeys(numeral.value for numeral in numerals(bare))
        yield Failure("numbers", ", ".join(missing), ", ".join(stated) or "no number")
    if expect.source and expect.source not in sources:
        yield Failure("source", expect.source, ", ".join(sources) or "no source")
    if found := [text for text in expect.excludes if _folded(text) in folded]:
        yield Failure("excludes", f"an answer without {_quoted(found)}", "an answer with it")


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join(f"“{text}”" for text in texts)


def stated_numbers(answer: str) -> list[str]:
    """List the numbers that an answer states, in its order; not those of its keys, of sections and of lists."""
    bare = KEYS.sub("", answer)
    texts = (bare[one.start : one.end] for one in quantities(bare) if one.kind != "frequency")
    return list(dict.fromkeys(numeral.value for text in texts for numeral in numerals(text)))


def _line(asked: Question, answer: Answer) -> Json:
    """Return the line that an answer passes."""
    given = {
        "id": asked.id,
        "question": asked.question,
        "scenario": asked.scenario,
        "history": [asdict(turn) for turn in asked.history],
        "roles": list(asked.roles),
        "as_of": asked.as_of,
    }
    expect: Json = {"status": answer.status}
    if answer.status == "answered":
        stated, said = stated_numbers(answer.text), _folded(answer.text)
        if stated:
            expect["numbers"] = stated
        elif quotes := [c.quote for c in answer.citations if _is_short(c.quote, said)]:
            expect["contains"] = list(dict.fromkeys(quotes))
        if answer.citations:
            expect["source"] = answer.citations[0].source
    return {**{key: value for key, value in given.items() if value}, "expect": expect, "recorded": answer.text}


def _is_short(quote: str, said: str) -> bool:
    return 0 < len(_folded(quote)) <= QUOTE_CHARACTERS and _folded(quote) in said


def _golden(raw: Json) -> Golden:
    if "expect" not in raw and raw.keys() & {"answerable", "answers", "evidence"}:
        raise UsageError("this is a line of a question file; make golden answers of it with --record.")
    expect = validated(Expected, raw.get("expect"), "expect.")
    for key in ("numbers", "source"):
        if getattr(expect, key) and expect.status != "answered":  # what is not answered states and cites nothing
            raise UsageError(f"'expect.{key}' can only hold where 'expect.status' is answered, not {expect.status}.")
    return validated(Golden, {**asked_line(raw), "expect": expect})
