"""The documents as a linter sees them: every one with what it defines, its headings and its standing."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from assistant.core.records import Document, Meta, Term
from assistant.index.schema import SourceRow
from assistant.models.encoder import Encode
from assistant.text.canonical import HEADING, Block, blocks
from assistant.text.words import WORD, stem

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")  # worst first
Span = tuple[int, int]
OF_CONTRACTS = ("this agreement", "these terms", "this contract")


@dataclass(frozen=True)
class Policy:
    """A document under one of its sources; `links` and `anchors` as in `ingest.formats.Parsed`, `lines` as in its file.

    `indexed` are the spans of its passages: what the guards took for orders is in its text, and in none of them.
    `unmasked` is what its file says, where its text is masked and the file was read for links.
    """

    document: Document
    terms: Sequence[Term]
    indexed: Sequence[Span]
    row: SourceRow
    links: Sequence[tuple[str, int]] = ()
    anchors: Sequence[str] = ()
    lines: str = ""
    unmasked: str = ""

    @property
    def path(self) -> Path:
        return Path(self.row.path)

    @property
    def root(self) -> Path:
        return Path(self.row.root)

    @property
    def source(self) -> str:
        return self.document.source

    @property
    def text(self) -> str:
        return self.document.text

    @property
    def meta(self) -> Meta:
        return self.document.meta

    @cached_property
    def blocks(self) -> list[Block]:
        return list(blocks(self.text))

    @cached_property
    def words(self) -> list[tuple[str, int, int]]:
        """(stem, start, end) of each word."""
        return [(stem(match.group()), *match.span()) for match in WORD.finditer(self.text)]

    @cached_property
    def headings(self) -> list[tuple[int, int, str]]:
        """(offset, level, text) of each heading."""
        found = [(b, HEADING.match(self.text, b.start, b.end)) for b in self.blocks if b.kind == "heading"]
        return [(block.start, block.level, match[2]) for block, match in found if match]

    def block_at(self, offset: int) -> Span:
        """Return the block that begins at an offset, or holds it; an empty span behind the last one."""
        at = bisect.bisect_right(self.blocks, offset, key=lambda block: block.end)
        return (self.blocks[at].start, self.blocks[at].end) if at < len(self.blocks) else (0, 0)

    def headings_above(self, offset: int) -> tuple[str, ...]:
        """Return the headings above an offset, the highest first."""
        above: dict[int, str] = {}
        for start, level, text in self.headings:
            if start > offset:
                break
            above = {**{known: title for known, title in above.items() if known < level}, level: text}
        return tuple(above.values())

    def page(self, offset: int) -> int | None:
        """Return the page of an offset, counted from 1; None for a document without pages."""
        return bisect.bisect_right(self.document.pages, offset) or None

    @cached_property
    def is_contract(self) -> bool:
        """Say whether it is an agreement, whose words and limits are for those who agree to it."""
        text = self.text.casefold()
        return sum(map(text.count, OF_CONTRACTS)) >= 3  # times that it speaks of itself

    def is_indexed(self, start: int, end: int) -> bool:
        """Say whether all of a span, but for white space, is indexed."""
        at = start
        for first, last in self.indexed[bisect.bisect_right(self.indexed, start, key=lambda span: span[1]) :]:
            if at >= end or self.text[at : min(first, end)].strip():
                break
            at = max(at, last)
        return not self.text[at:end].strip()

    def in_force(self, day: str) -> bool:
        """Say whether it is in force on an ISO day."""
        return (self.meta.effective or "") <= day and not self.expired(day)

    def expired(self, day: str) -> bool:
        return self.meta.expires is not None and self.meta.expires < day


@dataclass(frozen=True)
class Corpus:
    """All documents that may be looked at, the files of those that may not, and the day on which they are."""

    policies: Sequence[Policy]
    hidden: Collection[Path]
    today: str
    encode: Encode

    @cached_property
    def in_force(self) -> list[Policy]:
        return [policy for policy in self.policies if policy.in_force(self.today)]

    @cached_property
    def by_id(self) -> Mapping[str, list[Policy]]:
        """The documents of each policy id, in capitals."""
        found: dict[str, list[Policy]] = {}
        for policy in self.policies:
            if policy.meta.policy_id:
                found.setdefault(policy.meta.policy_id.upper(), []).append(policy)
        return found


@dataclass(frozen=True, slots=True)
class Fault:
    """What a rule found at text[start:end] of a document, empty where its metadata are at fault.

    `other` is the place that it clashes with. What is not `certain` does not follow from the documents: it is a note,
    whatever else its rule finds.
    """

    message: str
    policy: Policy
    start: int = 0
    end: int = 0
    other: tuple[Policy, int, int] | None = None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class LintRule:
    """A check over all documents, and how grave what it finds is; by its code it is switched off.

    One that `compares_meanings` needs models.
    """

    code: str
    severity: Severity
    summary: str
    check: Callable[[Corpus], Iterator[Fault]]
    compares_meanings: bool = False

    def severity_of(self, fault: Fault) -> Severity:
        """Return how grave a fault is."""
        return self.severity if fault.certain else "note"
