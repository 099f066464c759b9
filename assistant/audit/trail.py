"""The log of what was asked and shown: personal data and secrets masked, each line chained to the one before it.

Every command that shows passages, definitions or answers writes a line for each question before it shows anything:
what was asked, as whom, and which spans of which documents were shown. `ledger` keeps the lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from itertools import accumulate
from typing import Any

from assistant.audit.ledger import ID_DIGITS, Entry, Ledger
from assistant.contract import dumps
from assistant.core.config import Config
from assistant.core.errors import ConfigError, UsageError
from assistant.core.files import read_secret
from assistant.core.package import __version__
from assistant.core.records import (
    MAX_QUESTION,
    NO_MODEL,
    Access,
    Answer,
    Citation,
    Hit,
    Quote,
    SearchResult,
    Term,
    Turn,
)
from assistant.guards.run import is_masked, redacted
from assistant.index.catalog import Catalog

SHAPE = {
    "time": str,
    "command": str,
    "question": str,
    "history": list,
    "roles": list,
    "as_of": str,
    "status": str,
    "answer_sha256": str,
    "sources": list,
}
MAX_TEXT_BYTES = 4 * MAX_QUESTION  # that a text of an asker takes of a line: no letter has more in UTF-8
NEW_KEY = "Make one that is yours alone, outside the index: (umask 077; head -c 32 /dev/urandom > FILE)"

Json = dict[str, Any]


class Audit:
    """The log beside an index."""

    def __init__(self, config: Config) -> None:
        """Read the key, if the settings name one; raises ConfigError if that is not a secret."""
        self._ledger = Ledger(config.data, config.audit.max_mb, read_key(config), SHAPE)

    def append(self, line: Json) -> str:
        """Add a line and return its id; processes take turns. Raises NotWritable."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        return self._ledger.append({"time": time, **line}, lambda text: {"time": time, **_note(text)})[:ID_DIGITS]

    def entries(self, about: str = "") -> Iterator[Entry]:
        """Yield the lines, oldest first, of an ID its own and those that hold it where one is given.

        Raises GateFailed naming one that was not written by `append`.
        """
        return self._ledger.lines(about)

    def find(self, id: str) -> Entry:
        """Return the line of that id, or whose id begins so; raises UsageError if there is not just one."""
        found = [entry for entry in self.entries() if entry.id.startswith(id)]
        if len(found) != 1:
            several = f"{len(found)} log entries have an ID that begins with {id!r}." if found else ""
            raise UsageError(several or f"no log entry has the ID {id!r}.", "See `assistant log`.")
        return found[0]

    def find_answer(self, id: str) -> Entry:
        """Return the line of an answer; raises UsageError as `find` does, and for a line that is of something else."""
        entry = self.find(id)
        if not entry.raw["answer_sha256"]:
            raise UsageError(
                f"the log entry {entry.id} is not an answer ({entry.raw['command']}).", "See `assistant log`."
            )
        return entry

    def verify(self) -> int:
        """Return how many lines follow each other unbroken; raises GateFailed naming the first that does not."""
        return self._ledger.verify()


def read_key(config: Config) -> bytes | None:
    """Return the key that signs the log, None without one.

    Raises ConfigError if it is missing, short, beside the log, or may be read or changed by other accounts.
    """
    path = config.audit_key
    if path is None:
        return None
    if path.resolve().is_relative_to(config.data):
        raise ConfigError(f"audit.key_file {path} lies in the index folder, with the log that it is to sign.", NEW_KEY)
    return read_secret(path, "audit.key_file", NEW_KEY)


def answer_line(command: str, answer: Answer, before: Sequence[str], access: Access, config: Config) -> Json:
    """Return the line of an answer; its `sources` are the quotes, its `hits` the passages behind them.

    `earlier` is what it quotes of a version that no longer holds. `before` are the questions before it that decided
    what it means, masked as the answer's question is.
    """
    return {
        **_line(command, answer.question, access, answer.status, _quotes(answer.sources)),
        "history": list(map(_cut, before)),
        "about": _cut(answer.about),
        "answer_sha256": answer_hash(answer),
        "earlier": [
            {**line, "until": q.until} for line, q in zip(_quotes(answer.earlier), answer.earlier, strict=True)
        ],
        "hits": _hits(answer.hits),
        **_asker(access, config),
        **made_by(answer, config),
    }


def search_line(command: str, found: SearchResult, access: Access, config: Config) -> Json:
    """Return the line of a search; its `sources` are the passages."""
    line = _line(command, found.query, access, found.status, _hits(found.hits))
    made = {**_made_with(config, found.index.generation), "model": asdict(NO_MODEL)}
    return {**line, **_asker(access, config), **made}


def terms_line(
    name: str, found: Sequence[tuple[Term, str, str]], access: Access, catalog: Catalog, config: Config
) -> Json:
    """Return the line of a look at the glossary; its `sources` are the definitions, found as (term, source, title)."""
    hashes = catalog.hashes({term.document_id for term, *_ in found})
    spans = [_span(source, hashes[term.document_id], term.start, term.end) for term, source, _ in found]
    line = _line("terms", name, access, "answered" if found else "abstained", spans)
    return {**line, **_made_with(config, catalog.info().generation)}


def lint_line(codes: Sequence[str], spans: Sequence[tuple[str, str, int, int]], access: Access, config: Config) -> Json:
    """Return the line of a lint run: the rules, and the (source, SHA-256, start, end) of what it quoted."""
    shown = [_span(*span) for span in spans]
    line = _line("lint", " ".join(codes), access, "answered" if spans else "abstained", shown)
    return {**line, **_made_with(config, "")}


def remark_line(
    command: str, of: str, status: str, access: Access, note: str = "", quotes: Sequence[Quote] = ()
) -> Json:
    """Return the line of what is said of another line, whose ID is `of`: feedback on an answer, a review of that."""
    return {**_line(command, "", access, status, _quotes(quotes)), "of": of, "note": _kept(note)}


def _line(command: str, question: str, access: Access, status: str, sources: list[Json]) -> Json:
    return {
        "command": command,
        "question": _kept(question),
        "history": [],
        "roles": sorted(access.roles),
        "as_of": access.as_of,
        "status": status,
        "answer_sha256": "",
        "sources": sources,
    }


def _asker(access: Access, config: Config) -> Json:
    return {"asker": _cut(access.asker)} if config.audit.names and access.asker else {}


def _kept(text: str) -> str:
    """Mask what an asker wrote, and cut it: cut before, half a number would be none that is masked."""
    return _cut(redacted(text))


def _cut(text: str) -> str:
    """Return as much of a text as a line has room for: what is not printable takes up to twelve bytes a character."""
    text = text[:MAX_QUESTION]
    if len(dumps(text).encode()) <= MAX_TEXT_BYTES:
        return text
    sizes = accumulate(len(dumps(character).encode()) - 2 for character in text)  # without the quotation marks
    return text[: sum(size <= MAX_TEXT_BYTES for size in sizes)]


def _note(text: str) -> Json:
    return {**_line("note", "", Access(frozenset(), ""), "note", []), "note": text}


def _quotes(quotes: Sequence[Citation | Quote]) -> list[Json]:
    return [
        {
            **_span(c.source, c.document_sha256, c.start, c.end),
            "quote_sha256": quote_hash(c.quote),
            "headings_sha256": headings_hash(c.title, c.headings),
        }
        for c in quotes
    ]


def _hits(hits: Sequence[Hit]) -> list[Json]:
    return [_span(hit.source, hit.document_sha256, hit.passage.start, hit.passage.end) for hit in hits]


def quote_hash(quote: str) -> str:
    """Return a hash of a quote's text: the log must not hold what somebody may want forgotten."""
    return sha256(quote.encode("utf-8", "replace")).hexdigest()


def headings_hash(title: str, headings: Sequence[str]) -> str:
    """Return a hash of what a quote stands under, for the same reason; a heading that makes the title is none of it."""
    is_title = bool(headings) and (title == headings[0] or title.startswith(f"{headings[0]} ["))  # "Leave [DRAFT]"
    own = headings[1:] if is_title else headings
    return quote_hash("\n".join(own))


def _span(source: str, document_sha256: str, start: int, end: int) -> Json:
    return {"source": source, "sha256": document_sha256, "start": start, "end": end}


def made_by(answer: Answer, config: Config) -> Json:
    """Return what an answer depends on besides the question."""
    return {**_made_with(config, answer.index.generation), "model": asdict(answer.model)}


def _made_with(config: Config, generation: str) -> Json:
    return {"version": __version__, "config": config.sha, "generation": generation}


def answer_hash(answer: Answer) -> str:
    """Return a hash of what was answered, and from where."""
    places = [(c.key, c.claim, c.document_sha256, c.start, c.end) for c in answer.citations]
    return sha256(json.dumps([answer.status, answer.text, places]).encode()).hexdigest()


def differences(entry: Entry, answer: Answer, config: Config) -> list[str]:
    """Say in words what has changed since an answer was given; empty if it is the same answer."""
    if entry.raw["answer_sha256"] == answer_hash(answer):
        return []
    now = made_by(answer, config)
    if entry.raw.get("hits", now) != _hits(answer.hits):
        told = "the passages that were found"
    elif entry.raw["sources"] != _quotes(answer.sources):
        told = "the quotes, from the same passages"
    else:
        told = "the words alone, from the same passages and quotes"
    changed = [f"what changed are {told}"] if entry.raw["status"] == answer.status == "answered" else []
    changed += [f"{name} was {entry.raw[name]}, is {now[name]}" for name in now if entry.raw[name] != now[name]]
    if is_masked(entry.raw["question"]):
        changed.append("the question was masked in the log")
    return changed or ["nothing that the log knows of"]


def history_of(entry: Entry) -> tuple[Turn, ...]:
    """Return the questions before it that decided what it means, so that it can be asked again."""
    return tuple(Turn("user", text) for text in entry.raw["history"])


def day_of(entry: Entry) -> str:
    """Return the day of which was asked, nothing for the day on which it was: that is today to whoever asks again."""
    day: str = entry.raw["as_of"]
    asked_on = datetime.fromisoformat(entry.raw["time"]).astimezone().date()  # logged in UTC, asked here
    return "" if day == asked_on.isoformat() else day


def about_of(entry: Entry) -> str:
    """Return what whoever asked said of themselves."""
    return str(entry.raw.get("about", ""))  # which lines of before have not


def earlier_of(entry: Entry) -> list[Json]:
    """Return what an answer quoted of a version that no longer held, with the day until which it did."""
    return list(entry.raw.get("earlier", ()))  # which lines of before have not
