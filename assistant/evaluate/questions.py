"""Question files -> questions, with gold answers or golden expectations; a bad line is named with its number and field.

`read_lines` and `validated` read what every file of questions has in common; `evaluate/golden.py` uses them too.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from assistant.answer.question import recent
from assistant.contract import history_from_json
from assistant.core.errors import UsageError, first_problem
from assistant.core.records import MAX_QUESTION, Access, Turn, make_access

Group = Literal["answerable", "unanswerable", "out_of_domain"]
Line = TypeVar("Line")
Record = TypeVar("Record")

LISTS = ("answers", "evidence", "doc", "roles")  # of which a table's cell has one a line


class Split(StrEnum):
    """Which half of a question set is meant, or all of it: one to develop on, one to report."""

    DEV = "dev"
    TEST = "test"
    ALL = "all"


def split_of(document: str) -> Split:
    """Return the half that a document's questions belong to: `dev` if the SHA-256 of its name is even, else `test`."""
    return Split.TEST if hashlib.sha256(document.encode("utf-8", "replace")).digest()[-1] & 1 else Split.DEV


def _listed(value: Any) -> Any:
    """Make a list of one of a single text, as in `doc`, and none of null."""
    listed = () if value is None else (value,) if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        raise ValueError("must be a list of texts")
    return listed


def _day(value: Any) -> str:
    try:
        return make_access((), value).as_of if value else ""
    except (UsageError, TypeError):
        raise ValueError(f"must be a date YYYY-MM-DD, not {value!r}") from None


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


Text = Annotated[str, AfterValidator(_not_blank)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, who asks it and when, and its gold: answers, verbatim evidence, documents.

    `scenario` stands before the question, `history` before that. `as_of` is a day, empty for that of whoever asks.
    Validated when it is made; raises pydantic's ValidationError.
    """

    id: Annotated[Text, BeforeValidator(lambda id: str(id) if type(id) is int else id)]
    question: Text
    answerable: bool = False
    answers: Texts = ()
    evidence: Texts = ()
    docs: Texts = Field(default=(), validation_alias=AliasChoices("docs", "doc"))
    scenario: Annotated[str, BeforeValidator(lambda text: "" if text is None else text)] = ""
    history: tuple[Turn, ...] = ()
    roles: Texts = ()
    as_of: Annotated[str, BeforeValidator(_day)] = ""
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


def access_of(base: Access, question: Question) -> Access:
    """Return who asks: `base` with the question's roles too, on its day if it has one."""
    own = make_access(question.roles, question.as_of)
    return replace(base, roles=base.roles | own.roles, as_of=own.as_of if question.as_of else base.as_of)


def read_questions(path: Path, split: Split = Split.ALL, limit: int | None = None) -> list[Question]:
    """Read the questions of one half, the first `limit` of them; raises UsageError naming a bad line."""
    found = read_lines(path, with_gold)
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
    for number, line in _rows(path, text) if table else enumerate(text.split("\n"), 1):
        try:
            if not line or (isinstance(line, str) and not line.strip()):
                continue
            raw = read(line)
            parsed = parse(raw)
            if "id" not in raw:
                raise UsageError("it has no 'id'.")
            if (id := str(raw["id"])) in found:
                raise UsageError(f"id {id!r} was there before.")
        except (ValueError, RecursionError, UsageError) as error:  # json has a plain ValueError for 5,000 digits
            told = error.cause if isinstance(error, UsageError) else f"this is not JSON: {error}."
            raise UsageError(f"{path}, line {number}: {told}", "Mend that line.") from error
        found[id] = parsed
    if not found:
        raise UsageError(f"{path} holds no question.", "Give a file of JSON lines.")
    return list(found.values())


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
            yield rows.line_num, {**row, "id": (row.get("id") or "").strip() or str(number)}
    except csv.Error as error:
        raise UsageError(f"{path}, line {rows.line_num + 1}: this is not CSV: {error}.", "Mend that line.") from error


def _read_row(row: dict[str | None, Any]) -> dict[str, Any]:
    """Leave empty cells out, and make lists of those that have a line for each text."""
    if row.pop(None, None):
        raise UsageError("the row has more cells than the first one has names.")
    raw: dict[str, Any] = {name: value for name, value in row.items() if name and value and value.strip()}
    return {**raw, **{name: raw[name].splitlines() for name in LISTS if name in raw}}


def validated(kind: type[Record], raw: Any, prefix: str = "") -> Record:
    """Make a record of a line's fields, below `prefix`; raises UsageError naming the one that is wrong or not known."""
    try:
        return TypeAdapter(kind).validate_python(raw)
    except ValidationError as error:
        known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        raise UsageError(first_problem(error.errors(include_url=False), prefix, known)) from None


def asked_line(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a line asks of its conversation; raises UsageError for a broken one, or one that is too long."""
    scenario, history = raw.get("scenario"), raw.get("history")
    if isinstance(history, list) and history and all(isinstance(t, dict) and "role" not in t for t in history):
        scenario, history = " ".join([str(scenario or "").strip(), *_follow_ups(history)]).strip(), None
    if len(f"{scenario or ''} {raw.get('question')}".strip()) > MAX_QUESTION:
        raise UsageError(f"'question' and 'scenario' have over {MAX_QUESTION:,} characters.")
    return {**raw, "scenario": scenario, "history": recent(history_from_json(history))}


def _follow_ups(history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield ShARC's answered follow-up questions, which are part of its scenario."""
    for turn in history:
        asked, said = turn.get("follow_up_question"), turn.get("follow_up_answer")
        if not isinstance(asked, str) or not isinstance(said, str):
            raise UsageError('\'history\' needs "role" and "content", or "follow_up_question" and its answer.')
        yield f"{asked} {said}."


def with_gold(raw: dict[str, Any]) -> Question:
    """Read a question with its gold; it is answerable if it has any, unless it says so itself. Raises UsageError."""
    has_gold = bool(raw.get("answers") or raw.get("evidence"))
    question = validated(Question, {"answerable": has_gold, **asked_line(raw)})
    if question.answerable and not (question.answers or question.evidence):
        raise UsageError("'answers' and 'evidence' are both empty, yet it is answerable.")
    return question
