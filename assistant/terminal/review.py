"""The review of feedback in the terminal: show one, read what becomes of it, go on to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from assistant.answer.feedback import find_place
from assistant.audit.trail import Audit
from assistant.core.errors import UsageError
from assistant.evaluate.feedback import Pending, QuotedText, drop, put_row, read_accepted, renewed, row_of
from assistant.index.catalog import Catalog
from assistant.terminal.line_input import read_plainly
from assistant.terminal.render import Renderer
from assistant.terminal.reports import feedback_report, gold_report

ACCEPT, NOTHING, DROP, LATER, QUIT = "y", "-", "n", "", "q"
KEYS = (
    "y accept · - accept that no document answers · n drop · Enter later · q stop · or paste the sentence that answers"
)
TAKEN = "y takes it · anything else: choose again"  # of two lines that were pasted the second takes nothing
STANDS = "A row of this answer is in the file: y or a sentence replaces it, n removes it, Enter leaves it."
UNKNOWN = "what is right is not known: paste the sentence that answers, or - if none does."


class Review:
    """Goes through feedback, and adds rows to a file."""

    def __init__(
        self,
        file: Path,
        catalog: Catalog,
        audit: Audit,
        view: Renderer,
        read: Callable[[], str] = read_plainly,
    ) -> None:
        """Name what is read and written; `read` gives a line, and raises EOFError at the end."""
        self._file = file
        self._catalog = catalog
        self._audit = audit
        self._view = view
        self._read = read

    def run(self, pending: Sequence[Pending]) -> None:
        """Ask what becomes of each until the end, or until it is enough, and say what was done."""
        done: Counter[str] = Counter()
        for number, waiting in enumerate(pending, 1):
            one = renewed(waiting, self._catalog.queries)
            self._view.show(feedback_report(one, number, len(pending)))
            if one.asked.id in read_accepted(self._file):
                self._view.note(STANDS)
            try:
                said = self._decide(one)
            except EOFError:
                break
            if said == QUIT:
                break
            done[said] += 1
        told = f"{done[ACCEPT]} accepted, {done[DROP]} dropped, {len(pending) - done[ACCEPT] - done[DROP]} left."
        self._view.note(f"{told} The rows are in {self._file}." if done[ACCEPT] else told)

    def _decide(self, one: Pending) -> str:
        """Do what the lines say until one of them makes sense; returns what was done."""
        self._view.note(KEYS)
        while True:
            said = self._read().strip()
            if said in (LATER, QUIT):
                return said
            try:
                if said == DROP:
                    put_row(self._file, one.asked.id, None)
                    drop(one, self._audit)
                    return DROP
                gold = self._gold(one, said)
                if said in (ACCEPT, NOTHING) or self._is_meant(gold):
                    if renewed(one, self._catalog.queries) != one:
                        raise UsageError("the documents have changed since this was shown.", "Stop, and begin again.")
                    put_row(self._file, one.asked.id, row_of(one, gold))
                    return ACCEPT
                self._view.note(KEYS)
            except UsageError as error:
                self._view.error(error.cause, error.hint)

    def _is_meant(self, gold: Sequence[QuotedText]) -> bool:
        """Show what a pasted text was found as, and ask whether that is right."""
        self._view.show(gold_report(gold))
        self._view.note(TAKEN)
        return self._read().strip() == ACCEPT

    def _gold(self, one: Pending, said: str) -> Sequence[QuotedText]:
        """Return what is right; raises UsageError where that is not known, or not to be found."""
        if said == NOTHING:
            return ()
        if said == ACCEPT:
            if one.gold is None:
                raise UsageError(UNKNOWN)
            return one.gold
        # A row must not say more than was asked as.
        quote, said = find_place(said, one.access, self._catalog)
        return (QuotedText(quote.source, quote.quote, said),)
