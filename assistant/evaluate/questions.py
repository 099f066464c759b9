"""Question files -> questions with gold answers; a bad line is named with its file, number and field.

`read_lines` and `parse_asked` read what every file of questions has in common; `evaluate/golden.py` uses them too.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from assistant.answer.question import MAX_QUESTION, recent
from assistant.contract import history_from_json
from assistant.core.errors import UsageError
from assistant.core.records import Turn
from assistant.evaluate.splits import Split, split_of

Group = Literal["answerable", "unanswerable", "out_of_domain"]
Line = TypeVar("Line")

LISTS = ("answers", "evidence", "doc", "roles")
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """What a line asks: the question, the scenario before it, the conversation before that, and who asks."""

    id: str
    question: str
    scenario: str = ""
    history: tuple[Turn, ...] = ()
    roles: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What the assistant is asked: the scenario, where there is one, and the question."""
        return f"{self.scenario} {self.question}".strip()


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its gold: answers, verbatim evidence, documents; whether it is of another corpus."""

    id: str
    question: str
    answerable: bool
    answers: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    docs: tuple[str, ...] = ()
    scenario: str = ""
    history: tuple[Turn, ...] = ()
    roles: tuple[str, ...] = ()
    out_of_domain: bool = False

    @property
    def asked(self) -> str:
        """What the assistant is asked: the scenario, where there is one, and the question."""
        return f"{self.scenario} {self.question}".strip()

    @property
    def document(self) -> str:
        """What the question is parted by: its first document, or its id where there is none."""
        return self.docs[0] if self.docs else self.id

    @property
    def group(self) -> Group:
        """Which of the three kinds of question this is."""
        return "out_of_domain" if self.out_of_domain else "answerable" if self.answerable else "unanswerable"


def read_questions(path: Path, split: Split = Split.ALL, limit: int | None = None) -> list[Question]:
    """Read the questions of one half, the first `limit` of them; raises UsageError naming a bad line."""
    found = read_lines(path, _question)
    chosen = [q for q in found if split is Split.ALL or split_of(q.document) == split]
    if not chosen:
        raise UsageError(f"{path} holds no question of the split {split}.", "Try --split all.")
    return chosen[:limit]


def read_out_of_domain(path: Path, split: Split, limit: int, seed: int) -> list[Question]:
    """Read a seeded sample of another corpus's questions: what they ask is not in the documents at hand."""
    questions = read_questions(path, split)
    sample = random.Random(seed).sample(questions, min(limit, len(questions)))
    prefix = f"{path.resolve().parent.name}/{path.name}:"
    return [
        replace(q, id=prefix + q.id, answerable=False, answers=(), evidence=(), docs=(), roles=(), out_of_domain=True)
        for q in sample
    ]


def read_lines(path: Path, parse: Callable[[dict[str, Any]], Line]) -> list[Line]:
    """Read a file of JSON lines, or a CSV file with the same names as columns, each with an id of its own.

    Raises UsageError naming the line that `parse` refuses.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Give a file of JSON lines or CSV.") from error
    found: dict[str, Line] = {}
    table = path.suffix.lower() == ".csv"
    read: Callable[[Any], dict[str, Any]] = _read_row if table else _read_line
    for number, line in _rows(path, text) if table else _lines(text):
        try:
            raw = read(line)
            parsed = parse(raw)
            if (id := str(raw["id"])) in found:
                raise UsageError(f"id {id!r} was there before.")
        except (ValueError, RecursionError, UsageError) as error:  # json has a plain ValueError for 5,000 digits
            told = error.cause if isinstance(error, UsageError) else f"this is not JSON: {error}."
            raise UsageError(f"{path}, line {number}: {told}", "Mend that line.") from error
        found[id] = parsed
    if not found:
        raise UsageError(f"{path} holds no question.", "Give a file of JSON lines.")
    return list(found.values())


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each line that is not blank, and the line."""
    yield from ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _read_line(line: str) -> dict[str, Any]:
    raw = json.loads(line)
    if not isinstance(raw, dict):
        raise UsageError("a line must be a JSON object.")
    return raw


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str | None, Any]]]:
    """Yield the number of each row's last line, and the row; its `id` is the row's number where there is none."""
    rows = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for number, row in enumerate(rows, 1):
            if not (row.get("id") or "").strip():
                row["id"] = str(number)
            yield rows.line_num, {**row}
    except csv.Error as error:
        raise UsageError(f"{path}, line {rows.line_num + 1}: this is not CSV: {error}.", "Mend that line.") from error


def _read_row(row: dict[str | None, Any]) -> dict[str, Any]:
    """Leave empty cells out, make lists of those that have a line for each text; with gold it is answerable."""
    if row.pop(None, None):
        raise UsageError("the row has more cells than the first one has names.")
    raw: dict[str, Any] = {name: value for name, value in row.items() if name and value and value.strip()}
    lists = {name: raw[name].splitlines() for name in LISTS if name in raw}
    said = raw.get("answerable", str(any(name in raw for name in ("answers", "evidence")))).strip().casefold()
    if said not in TRUTHS:
        raise UsageError(f"'answerable' must be true or false, not {said!r}.")
    return {**raw, **lists, "answerable": TRUTHS[said]}


def parse_asked(raw: dict[str, Any]) -> QuestionLine:
    """Read what a line asks; raises UsageError naming the field that is wrong."""
    if not isinstance(raw.get("id"), str | int) or raw["id"] == "":
        raise UsageError("'id' must be a text.")
    if not isinstance(raw.get("question"), str) or not raw["question"].strip():
        raise UsageError("'question' must be a text.")
    asked = QuestionLine(str(raw["id"]), raw["question"], *_history(raw), parse_texts(raw, "roles"))
    if len(asked.text) > MAX_QUESTION:
        raise UsageError(f"'question' and 'scenario' have over {MAX_QUESTION:,} characters.")
    return asked


def _question(raw: dict[str, Any]) -> Question:
    asked = parse_asked(raw)
    if not isinstance(raw.get("answerable"), bool):
        raise UsageError("'answerable' must be true or false.")
    question = Question(
        asked.id,
        asked.question,
        raw["answerable"],
        parse_texts(raw, "answers"),
        parse_texts(raw, "evidence"),
        parse_texts(raw, "doc"),
        asked.scenario,
        asked.history,
        asked.roles,
    )
    if question.answerable and not (question.answers or question.evidence):
        raise UsageError("'answers' and 'evidence' are both empty, yet it is answerable.")
    return question


def parse_texts(raw: dict[str, Any], key: str) -> tuple[str, ...]:
    """Read a list of texts; a single text, as in `doc`, is a list of one."""
    value = raw.get(key)
    value = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UsageError(f"{key!r} must be a list of texts.")
    return tuple(value)


def _history(raw: dict[str, Any]) -> tuple[str, tuple[Turn, ...]]:
    """Return the scenario and the conversation; ShARC's answered follow-up questions are part of its scenario."""
    scenario = raw.get("scenario") or ""
    if not isinstance(scenario, str):
        raise UsageError("'scenario' must be a text.")
    history = raw.get("history")
    if isinstance(history, list) and history and all(isinstance(t, dict) and "role" not in t for t in history):
        return " ".join([scenario.strip(), *_follow_ups(history)]).strip(), ()
    return scenario, tuple(recent(history_from_json(history)))


def _follow_ups(history: Sequence[dict[str, Any]]) -> Iterator[str]:
    for turn in history:
        asked, said = turn.get("follow_up_question"), turn.get("follow_up_answer")
        if not isinstance(asked, str) or not isinstance(said, str):
            raise UsageError('\'history\' needs "role" and "content", or "follow_up_question" and its answer.')
        yield f"{asked} {said}."
