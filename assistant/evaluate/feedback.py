"""Feedback -> rows: what askers said of answers, and what of it a reviewer makes a line of a question file.

A row is a line for `eval`, `calibrate` and `tune run`, and of a golden file for `test`: a question with its evidence
and what its answer must be. What is accepted stands in that file; what is dropped is a line of the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from assistant.answer.evidence import plain
from assistant.answer.feedback import FEEDBACK
from assistant.answer.read import evidence_in
from assistant.audit.ledger import Entry
from assistant.audit.trail import Audit, about_of, day_of, history_of, remark_line
from assistant.contract import dumps
from assistant.core.errors import UsageError
from assistant.core.files import PRIVATE_FILE, is_exposed, write_atomic
from assistant.core.records import Access, Document, make_access
from assistant.evaluate.questions import read_lines, with_gold
from assistant.evaluate.stale import document_of_quote, place_of_quote
from assistant.index.queries import Queries

LOCK_SECONDS = 10.0  # that another review is waited for
NEVER = "never"  # was an answer spoken of in a row
REVIEW = "review"  # the command of the line that says what was dropped

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class QuotedText:
    """What a document says, its source, and how it is said below its lead-in or a table's header."""

    source: str
    text: str
    said: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The last word of an asker on an answer, on which no reviewer has decided.

    `quoted` are the answer's quotes, `place` is what the asker says is right: as far as the documents still say it to
    whoever asked. `gold` is what follows from both, nothing where the documents do not answer, None where nobody knows:
    whoever calls "these come closest" right may mean one of them, or that none answers.
    """

    given: Entry
    asked: Entry
    quoted: tuple[QuotedText, ...]
    place: tuple[QuotedText, ...]

    @property
    def about(self) -> str:
        """What whoever asked said of themselves."""
        return about_of(self.asked)

    @property
    def day(self) -> str:
        """The day of which was asked, nothing for the day on which it was."""
        return day_of(self.asked)

    @property
    def access(self) -> Access:
        """Who asked, on the day of which was asked where that was another."""
        return make_access(self.asked.raw["roles"], self.day)

    @property
    def gold(self) -> tuple[QuotedText, ...] | None:
        if self.given.raw["status"] != "right":
            return self.place or None
        if self.asked.raw["status"] != "answered":
            return self.place or (None if self.asked.raw["sources"] else ())
        lost = len(self.quoted) < len(self.asked.raw["sources"])
        return None if lost else tuple(dict.fromkeys((*self.quoted, *self.place)))


def find_pending(audit: Audit, accepted: Mapping[str, str], queries: Queries) -> list[Pending]:
    """Return the feedback that is to be decided on, oldest first; `accepted` are the rows, as `read_accepted` has them.

    What was refused, or asked nothing of the documents, makes no row: neither is right or wrong by them.
    """
    words = last_words(audit.entries()).items()
    wanted = {of: entry for of, entry in words if accepted.get(of, NEVER) not in (entry.id, "")}
    asked = {entry.id: entry for entry in audit.entries() if entry.id in wanted and asks_documents(entry)}
    return [_pending(entry, asked[of], queries) for of, entry in wanted.items() if of in asked]


def last_words(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return what was said last of each answer, by its ID, as far as no reviewer has dropped it."""
    given: dict[str, Entry] = {}
    dropped: set[str] = set()
    for entry in entries:
        if entry.raw["command"] == FEEDBACK:
            given[entry.raw["of"]] = entry
        elif entry.raw["command"] == REVIEW:
            dropped.add(entry.raw["of"])
    return {of: entry for of, entry in given.items() if entry.id not in dropped}


def asks_documents(entry: Entry) -> bool:
    """Tell the answer to a question that was looked up: what is refused, and a greeting, finds no passages."""
    raw = entry.raw
    return bool(raw["status"] in ("answered", "abstained") and raw["answer_sha256"] and raw.get("hits"))


def drop(pending: Pending, audit: Audit) -> None:
    """Log that a reviewer makes no row of a piece of feedback."""
    audit.append(remark_line(REVIEW, pending.given.id, "dropped", make_access()))


def row_of(pending: Pending, gold: Sequence[QuotedText]) -> Json:
    """Return the line of a question file; raises UsageError for a question that none can hold.

    It holds what was asked before where that may decide what the question means.
    """
    asked, sources = pending.asked.raw, list(dict.fromkeys(evidence.source for evidence in gold))
    found = {
        "id": pending.asked.id,
        "feedback": pending.given.id,
        "question": asked["question"],
        "scenario": f"{pending.about}." if pending.about else "",
        "history": [asdict(turn) for turn in history_of(pending.asked)],
        "roles": asked["roles"],
        "as_of": pending.day,
        "answerable": bool(gold),
        "doc": sources,
        "evidence": [evidence.text for evidence in gold],
        "expect": {"status": "answered", "source": sources[0]} if gold else {"status": "abstained"},
    }
    row = {key: value for key, value in found.items() if value or key == "answerable"}
    with_gold(row)
    return row


def read_accepted(path: Path) -> dict[str, str]:
    """Return the ids of a file's rows, each with that of the feedback it decides on, "" where it does not say.

    There are none in a file that is not there. Raises UsageError for one that takes no rows.
    """
    if path.suffix.lower() == ".csv":
        raise UsageError(f"{path} is a table, and rows are JSON lines.", "Give a file ROWS.jsonl.")
    if not path.exists() or not path.stat().st_size:
        return {}
    return dict(read_lines(path, lambda raw: (str(raw.get("id")), str(raw.get("feedback") or ""))))


def put_row(path: Path, id: str, row: Json | None) -> None:
    """Add the row of an id to a file, in the place of the one before: its asker has said something else since.

    None takes that one out. A new file is its owner's alone: not everybody may see what it holds. Raises UsageError.
    """
    path = path.resolve()
    if row is None and id not in read_accepted(path):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), LOCK_SECONDS, mode=PRIVATE_FILE):
            known = read_accepted(path)
            if is_exposed(path):
                raise UsageError(f"{path} may be read or changed by others.", f"Make it yours alone: chmod go= {path}")
            lines = path.read_text(encoding="utf-8-sig").split("\n") if known else []
            kept = [line for line in lines if line.strip() and str(json.loads(line).get("id")) != id]
            kept += [dumps(row)] if row else []
            write_atomic(path, "".join(f"{line}\n" for line in kept), PRIVATE_FILE)
    except Timeout:
        cause = f"another review writes to {path}, and was still at it after {LOCK_SECONDS:g} s."
        raise UsageError(cause, "Wait for it to finish, then accept it again.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Give a file that you may write.") from error


def renewed(pending: Pending, queries: Queries) -> Pending:
    """Return a piece of feedback as the documents are now."""
    return _pending(pending.given, pending.asked, queries)


def _pending(given: Entry, asked: Entry, queries: Queries) -> Pending:
    access = Pending(given, asked, (), ()).access
    quoted, right = (
        tuple(
            _quoted(document, span, queries, access)
            for source in entry.raw["sources"]
            if (document := document_of_quote(source, queries, access))
            and (span := place_of_quote(source, document, queries, access))
        )
        for entry in (asked, given)
    )
    return Pending(given, asked, quoted, right)


def _quoted(document: Document, span: tuple[int, int], queries: Queries, access: Access) -> QuotedText:
    start, end = span
    passages = [(passage.id, 0.0, ()) for passage in queries.passages_of(document.id, start, end)]
    parts = [part for hit in queries.hits(passages, access) for part in evidence_in(hit)]
    said = " ".join(plain(part) for part in parts if part.start < end and start < part.end)
    text = document.text[start:end]
    return QuotedText(document.source, text, said or text)  # a table's header is no part of its own
