"""Questions on which a reviewer has decided: whoever asks one of them again, in the same words, gets what was decided.

`assistant feedback review` makes the file of rows that `[answer] reviewed` names; one may be written by hand, too. A
row is a question with the sentences that answer it, or the word that no document does. What is quoted is found anew in
what whoever asks may see, so a row opens nothing, and one whose sentence is gone decides nothing any more.

Other words are read like any question: what sounds like a row may want something else, and of five hundred such pairs
the likeness of two questions said no more than what the reader makes of the sentence (docs/log/experiments.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.answer.evidence import overlap
from assistant.answer.read import evidence_in
from assistant.answer.select import choose
from assistant.core.config import ReaderSection
from assistant.core.errors import UsageError
from assistant.core.records import Access, Evidence, Reading
from assistant.index.queries import Queries
from assistant.text.words import WORD

CERTAIN = 0.99  # the probability that what a reviewer decided is right, like a definition's
SOUGHT = 12  # words of a sentence, the last ones, by which its passage is found
MENDED = "Mend that line, or leave the file out of [answer] reviewed."


@dataclass(frozen=True, slots=True)
class Decision:
    """What the documents say that answers a question, nothing where they do not; `roles` are those of its asker."""

    evidence: tuple[str, ...]
    roles: frozenset[str]


class Reviewed:
    """The rows of a file, read again when it has changed; of no file, no rows."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read: tuple[object, Mapping[str, Decision]] = (None, {})

    def decision(self, question: str) -> Decision | None:
        """Return what was decided on a question; raises UsageError for a file that cannot be read."""
        if self._path is None:
            return None
        try:
            found = self._path.stat()
            state = found.st_mtime_ns, found.st_size
            if self._read[0] != state:  # one assignment, since other threads ask meanwhile
                self._read = state, read_decisions(self._path)
        except OSError as error:
            cause = f"the reviewed questions {self._path} cannot be read: {error.strerror}."
            raise UsageError(cause, "Make the file with `assistant feedback review`, or leave it out.") from error
        return self._read[1].get(_key(question))


def read_decisions(path: Path) -> dict[str, Decision]:
    """Read a file of rows by their questions, the last of several alike; raises UsageError naming a bad line, OSError.

    What was asked in a conversation, or as of another day, is not the same question when it is asked again.
    """
    found: dict[str, Decision] = {}
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
                if not row.get("history") and not row.get("as_of"):
                    found[_key(f"{row.get('scenario') or ''} {row['question']}")] = _decision(row)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise UsageError(f"{path}, line {number}: this is no reviewed question.", MENDED) from error
    return found


def _decision(row: Mapping[str, Any]) -> Decision:
    evidence = tuple(map(str, row.get("evidence") or ()))
    if row.get("answerable", bool(evidence)) != bool(evidence):
        raise ValueError("it is answerable by nothing")
    return Decision(evidence, frozenset(map(str, row.get("roles") or ())))


def _key(question: str) -> str:
    """Return the words of a question: how it is typed does not make it another one."""
    return " ".join(WORD.findall(question.casefold()))


def reading_of(decision: Decision, access: Access, queries: Queries, settings: ReaderSection) -> Reading | None:
    """Return what was decided as it is quoted today; None where the documents no longer say so to whoever asks.

    That no document answers holds for whoever sees no more than whoever asked did.
    """
    if not decision.evidence:
        return Reading((), (), 0.0) if access.roles <= decision.roles else None
    evidence: list[Evidence] = []
    for text in decision.evidence:
        if not (found := _quoted(text, access, queries, settings)):
            return None
        evidence += [e for e in found if not any(overlap(e, known) for known in evidence)]
    hits = {e.hit.passage.id: e.hit for e in evidence}
    ranked = tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits.values(), 1))
    return Reading(tuple(evidence), ranked, CERTAIN)


def _quoted(text: str, access: Access, queries: Queries, settings: ReaderSection) -> Sequence[Evidence]:
    """Return the parts of the first passage that says a text, as an answer quotes them."""
    said, words = _flat(text), WORD.findall(text)[-SOUGHT:]
    for hit in queries.hits_naming(words, access) if words else ():
        parts = evidence_in(hit)
        own = [part for part in parts if (flat := _flat(part.text)) in said or said in flat]
        if own:
            return choose(
                [replace(part, score=0.0 if part in own else -2 * settings.margin) for part in parts], settings
            )
    return ()


def _flat(text: str) -> str:
    return " ".join(text.split())
