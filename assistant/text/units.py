"""What may be quoted of canonical text, and what governs it: a lead-in, a question, a table's columns.

A sentence, item or row may say the opposite of what is meant without what stands above it: "Employees must not:",
"Until 2019 the following applied:", "May interns use the drone?". Everything here is spans of the text, unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.text.canonical import MAX_LEAD, Block, Kind, blocks, item_body, sentences

Span = tuple[int, int]

INTRODUCING = frozenset({"following", "follows", "these", "below", "table"})  # without a colon
CLOSING = "\"'”’)]*"  # behind what ends a sentence
# "1.", "a)", "(b)" before an item, "1.1" before a clause of it
MARKER = re.compile(r"(?P<open>\()?(?P<mark>[a-z]|\d{1,3})[.)](?P<behind>[\d ])?")
MAX_LABEL, LABEL_WORDS = 80, 5  # characters of a line that heads others, and words of one without a colon
MAX_CLAUSE = 100  # characters of "1. Prohibited", which heads "1.1 Lifting persons"


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, list item or table row; `lead` is what it stands under, a table's header row for a row.

    `also` are the other spans to be said with it, in their order: a question above a lead-in, what introduces a table,
    and the items above an item of a list in a list.
    """

    start: int
    end: int
    kind: Kind
    lead: Span | None = None
    also: tuple[Span, ...] = ()


def units(text: str, start: int = 0, end: int | None = None) -> list[Unit]:
    """List what may be quoted from text[start:end], in order."""
    scope = _Scope(text)
    found = list(blocks(text, start, end))
    following = [*found[1:], None]
    return [unit for block, after in zip(found, following, strict=False) for unit in scope.units_of(block, after)]


class _Scope:
    """What governs the block that comes next; a heading ends it all."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._leave()

    def _leave(self) -> None:
        self._previous: Block | None = None
        self._question: Span | None = None  # that stands alone, until the next one
        self._phrase: Span | None = None  # with a colon, right above
        self._label: Span | None = None  # a short line that stands alone, until the next one
        self._leads: dict[int, Span | None] = {}  # of a list by level: its lead-in, then the items above
        self._marker = ""  # of the item before
        self._clauses: dict[str, Span] = {}  # by number
        self._header: Span | None = None
        self._caption: Span | None = None

    def units_of(self, block: Block, following: Block | None) -> Iterator[Unit]:
        """Yield the units of a block."""
        if block.kind == "heading":
            self._leave()
            return
        if block.kind == "row":
            yield from self._row(block, following)
        elif block.kind == "item":
            yield from self._item(block)
        elif block.kind == "paragraph":
            yield from self._paragraph(block)
        elif block.kind == "code":
            yield self._unit((block.start, block.end), "code", self._question, self._phrase, self._label)
        if block.kind != "paragraph":
            self._phrase = None
        self._previous = block

    def _unit(self, span: Span, kind: Kind, *above: Span | None) -> Unit:
        """Make a unit under the spans that are there, in the order of the text."""
        chain = sorted(set(filter(None, above)))
        return Unit(*span, kind, chain[0] if chain else None, tuple(chain[1:]))

    def _row(self, block: Block, following: Block | None) -> Iterator[Unit]:
        begins = self._previous is None or self._previous.kind not in ("row", "rule")
        headed = following is not None and following.kind == "rule"  # the rest of a table that was cut has none
        if begins or headed:
            self._header = _near(block.start, block.end) if headed else None
            self._caption = self._introduction() if begins else None
        if self._header != (block.start, block.end):
            also = sorted({span for span in (self._question, self._caption) if span})
            yield Unit(block.start, block.end, "row", self._header, tuple(also))

    def _item(self, block: Block) -> Iterator[Unit]:
        if (self._previous is None or self._previous.kind != "item") and not self._continues(block):
            self._leads = {0: self._introduction()}
        above = [lead for level in range(block.level + 1) if (lead := self._leads.get(level))]
        body = item_body(self._text, block)
        self._leads = {level: lead for level, lead in self._leads.items() if level <= block.level}
        spans = sentences(self._text, body, block.end)
        self._leads[block.level + 1] = _near(body, block.end) or _near(*spans[-1])  # "You must not:" ends a long item
        marker = MARKER.match(self._text, block.start)
        self._marker = marker["mark"] if marker else ""
        if marker and not marker["open"] and marker["behind"] == " " and block.end - body <= MAX_CLAUSE:
            self._clauses[self._marker] = (body, block.end)
        for span in spans:
            yield self._unit(span, "item", self._question, *above)

    def _continues(self, block: Block) -> bool:
        """Tell whether an item goes on with the letters or numbers of one before the paragraph above it."""
        marker = MARKER.match(self._text, block.start)
        mark = marker["mark"] if marker else ""
        if not mark or not self._marker or mark.isdigit() != self._marker.isdigit():
            return False
        return int(mark) == int(self._marker) + 1 if mark.isdigit() else ord(mark) == ord(self._marker) + 1

    def _paragraph(self, block: Block) -> Iterator[Unit]:
        spans = sentences(self._text, block.start, block.end)
        if self._is_label(block, spans):
            self._phrase = None
            if self._text[block.end - 1] != ":":  # what asks may go on with "Only:"
                self._question = None
            yield self._unit((block.start, block.end), "paragraph", self._label)  # or it is what the one above heads
            self._label = block.start, block.end
            return
        question, clause = self._question, self._clause_of(block)
        asked = False
        for span in spans:
            asked = self._ends(span, "?")
            if asked:
                question = _near(*span)
                yield Unit(*span, "paragraph")
            else:
                yield self._unit(span, "paragraph", question, clause, self._phrase, self._label)
        if not asked and question != self._question:
            question = None  # it was answered in its paragraph
        self._question = question
        self._phrase = _near(*spans[-1]) if self._text[spans[-1][1] - 1] == ":" else None

    def _is_label(self, block: Block, spans: Sequence[Span]) -> bool:
        """Tell a short line that heads what follows: "Not reimbursable:", "Forbidden gifts"."""
        if block.end - block.start > MAX_LABEL or "\n" in self._text[block.start : block.end]:
            return False
        if self._text[block.end - 1] == ":":
            return len(spans) == 1
        line = self._text[block.start : block.end]
        ends = line.endswith(tuple(f".!?;,…{CLOSING}".replace("*", "")))
        return len(line.split()) <= LABEL_WORDS and line[0].isupper() and not ends

    def _ends(self, span: Span, *signs: str) -> bool:
        """Tell whether a span ends with one of the signs, but for quotation marks and brackets."""
        return self._text[slice(*span)].rstrip(CLOSING).endswith(signs)

    def _clause_of(self, block: Block) -> Span | None:
        """Return the clause that a numbered paragraph belongs to, "1. Prohibited" above "1.1 Lifting persons"."""
        marker = MARKER.match(self._text, block.start)
        numbered = marker is not None and not marker["open"] and (marker["behind"] or "").isdigit()
        clause = self._clauses.get(marker["mark"]) if marker and numbered else None
        return clause if clause and not self._ends(clause, ".", "!") else None

    def _introduction(self) -> Span | None:
        """Return the last sentence of the paragraph before a list or table if it introduces that."""
        if self._previous is None or self._previous.kind != "paragraph":
            return None
        start, end = sentences(self._text, self._previous.start, self._previous.end)[-1]
        states = self._ends((start, end), ".", "!") and self._text[start] not in "(["
        if self._label == (start, end):
            self._label = None  # it heads the list or table alone
        words = (word.strip(f",.:;{CLOSING}") for word in self._text[start:end].lower().split())
        return None if states and INTRODUCING.isdisjoint(words) else _near(start, end)


def _near(start: int, end: int) -> Span | None:
    """Return the span of what introduces others, unless it is too long to be said with each of them."""
    return (start, end) if end - start <= MAX_LEAD else None
