"""Questions on which a reviewer has decided: whoever asks one of them again, in the same words, gets what was decided.

`assistant feedback review` makes the file of rows that `[answer] reviewed` names; one may be written by hand, too. A
row is a question with the sentences that answer it, and the documents that say them. Each sentence is found anew, as a
whole, in what whoever asks may see of these documents, so a row opens nothing, and one whose sentence is gone decides
nothing any more. The last row counts that was asked with no other roles than who asks has. What somebody says of
themselves is a part of their question: a row without it may be another's rule. That no document answers is decided for
nobody, since the next ingest may bring one that does: such a row takes back the ones before.

Other words are read like any question: what sounds like a row may want something else, and of five hundred such pairs
the likeness of two questions said no more than what the reader makes of the sentence (docs/log/experiments.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any
from unicodedata import normalize

from assistant.answer.evidence import overlap
from assistant.answer.places import only_one, whole_places
from assistant.answer.question import stands_alone
from assistant.answer.select import joined
from assistant.contract import history_from_json
from assistant.core.errors import ConfigError, UsageError
from assistant.core.files import distrust
from assistant.core.records import Access, Evidence, Reading, make_access
from assistant.guards.run import is_masked
from assistant.index.queries import Queries

CERTAIN = 0.99  # the probability that what a reviewer decided is right, like a definition's
MARKS = "?!.,;:…\"'“”‘’()"  # at a word's ends: how it is typed, and no part of what is asked
OPENING = "\"'“‘("  # before a word: a point there is a number's, ".5 FTE"
MEND = "Mend it, or leave it out of [answer] reviewed."


@dataclass(frozen=True, slots=True)
class Decision:
    """What the documents say that answers a question, and which of them, any where none is named; asked with roles.

    Each text comes with what it meant where it stood, nothing where the row does not say.
    """

    evidence: tuple[tuple[str, tuple[str, ...]], ...]
    sources: frozenset[str]
    roles: frozenset[str] = frozenset()


Decisions = Mapping[str, Sequence[Decision]]  # of a question, in the order of their rows


class Reviewed:
    """The rows of a file, read again when it has changed; while it cannot be read, the last ones that could."""

    def __init__(self, path: Path | None) -> None:
        """Read the file, if there is to be one; raises ConfigError."""
        self._path = path
        self._read: tuple[object, Decisions] = (None, {})
        if path:
            self._read = _state(path), read_decisions(path)

    def decision(self, question: str, roles: frozenset[str]) -> Decision | None:
        """Return what was decided on a question of somebody with these roles.

        Nothing for a masked one, which others are once they are masked.
        """
        if is_masked(question):
            return None
        if self._path:
            with suppress(ConfigError):
                state = _state(self._path)
                if state != self._read[0]:  # assigned whole, since other threads ask meanwhile
                    self._read = state, self._read[1]  # a bad file is not read for every question
                    self._read = state, read_decisions(self._path)
        rows = self._read[1].get(_key(question), ())
        last = next((row for row in reversed(rows) if row.roles <= roles), None)
        return last if last and last.evidence else None


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return found.st_mtime_ns, found.st_size


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"the reviewed questions {path} cannot be read: {error.strerror}.", MEND)


def read_decisions(path: Path) -> Decisions:
    """Read a file of rows by their questions.

    Passed over is what was asked as of another day, or in a conversation that may decide what it means: asked again,
    that is not the same question. Raises ConfigError naming a bad line, and for a file that others may change.
    """
    try:
        with path.open("rb") as file:
            doubt, data = distrust(path, file.fileno()), file.read()
    except OSError as error:
        raise _unreadable(path, error) from error
    if doubt:
        raise ConfigError(f"the reviewed questions decide nothing: {doubt}.", f"Make them yours: chmod go-w {path}")
    found: dict[str, list[Decision]] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            row = json.loads(line) if line.strip() else {"question": ""}
            key = _key(f"{row.get('scenario') or ''} {row['question']}")
            evidence, roles, sources = (_texts(row.get(name)) for name in ("evidence", "roles", "doc"))
            means = tuple(map(_texts, row.get("means") or [()] * len(evidence)))
            said = tuple(zip(evidence, means, strict=True))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{path}, line {number}: this is no reviewed question.", MEND) from error
        if key and _is_alone(row) and not row.get("as_of"):
            decision = Decision(said, frozenset(sources), make_access(roles).roles)
            found.setdefault(key, []).append(decision)
    return found


def _is_alone(row: Mapping[str, Any]) -> bool:
    try:
        return stands_alone(str(row["question"]), history_from_json(row.get("history")))
    except UsageError:  # questions of a data set come with follow-ups that are no messages
        return False


def _texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts, or a single one, as question files have it."""
    listed = [value] if isinstance(value, str) else value or []
    if not isinstance(listed, list):
        raise TypeError("no list")
    return tuple(map(str, listed))


def _key(question: str) -> str:
    """Return a question without what makes no other one of it: case, blanks, and marks at the ends of words."""
    words = (word.rstrip(MARKS).lstrip(OPENING) for word in normalize("NFC", question).casefold().split())
    return " ".join(filter(None, words))


def reading_of(decision: Decision, access: Access, queries: Queries) -> Reading | None:
    """Return what was decided as it is quoted today; None where the documents no longer say all of it to who asks."""
    evidence: list[Evidence] = []
    for text, means in decision.evidence:
        if not (found := _quoted(text, means, decision.sources, access, queries)):
            return None
        evidence += [e for e in found if not any(overlap(e, known) for known in evidence)]
    hits = {e.hit.passage.id: e.hit for e in evidence}
    ranked = tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits.values(), 1))
    return Reading(tuple(evidence), ranked, CERTAIN)


def _quoted(
    text: str, means: tuple[str, ...], sources: frozenset[str], access: Access, queries: Queries
) -> Sequence[Evidence]:
    """Return the parts that a text is, where it means what it meant.

    Where that is not known, nothing if several places say it that mean different things, or two documents do and none
    was named.
    """
    places = [place for place in whole_places(text, sources, access, queries) if means in ((), place.means)]
    found = only_one(places)
    named = sources or len({place.hit.source for place in places}) == 1
    return list(_joined(found.parts)) if found and named else ()


def _joined(parts: Sequence[Evidence]) -> Iterator[Evidence]:
    """Yield sentences that follow one another together, items as one list, and rows, each under what leads in."""
    governors = {span for part in parts for span in part.governors}
    led = [part for part in parts if (part.start, part.end) not in governors]
    for kind, group in groupby(led, key=lambda part: (part.kind, part.lead)):
        alike = list(group)
        if kind[0] == "row" or len(alike) == 1:
            yield from alike
        else:
            yield joined(alike[0], alike[-1], "list" if kind[0] == "item" else "sentence")
