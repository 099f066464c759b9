"""What the renderer shows: answers, their sources, lists, and how an answer came about, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from assistant.answer.context import by_key, excerpts_once
from assistant.answer.outcomes import worded_line
from assistant.answer.proof.citations import focuses
from assistant.core.errors import did_you_mean
from assistant.core.records import Answer, Citation, EarlierQuote, Flag, Hit, IndexInfo, Quote, Rejection
from assistant.text.canonical import heading_path, plain_text, printable
from assistant.text.prompts import KEY, counted

Item = TypeVar("Item")
Addresses = Mapping[tuple[str, str], str]  # of documents, by source and SHA-256

METHODS = {"dense": "by meaning", "lexical": "by its words", "term": "by a term"}

ANSWER_LINES = 10  # of a terminal: what a plain answer takes at most, unless its own text is longer
MANY = 20  # items of a list that are shown
QUOTE_CHARACTERS = 1_000  # that are shown of a quote where there is room


class Indented:
    """Text set in by some columns; wrapped on a terminal, and whole lines in a pipe."""

    def __init__(self, text: Text, by: int = 4) -> None:
        self._text = text
        self._by = by

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.soft_wrap:
            yield Padding(self._text, (0, 0, 0, self._by), expand=False)
            return
        for line in self._text.split("\n", allow_blank=True):
            yield Text.assemble(" " * self._by, line)


def first_of(items: Sequence[Item], shown: Callable[[Item], RenderableType]) -> Iterator[RenderableType]:
    """Yield the first twenty of a list as they are shown, and how many more there are."""
    yield from map(shown, items[:MANY])
    if len(items) > MANY:
        yield Text(f"... and {len(items) - MANY:,} more; see --json.", style="dim")


def rejection_line(item: Rejection) -> Text:
    """Return a file that was rejected, and why."""
    source = printable(item.source), "bold"
    return Text.assemble(("rejected ", "red"), source, f": {printable(item.detail)} [{item.reason}]")


def one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def safe(text: str) -> Text:
    """Make text of unknown origin harmless: no escapes, no markup."""
    return Text(printable(text))


def answer_text(answer: Answer) -> Text:
    """Return an answer with its keys set off, and what its quotes were picked for."""
    shown = Text(printable(answer.text), style="" if answer.status == "answered" else "yellow")
    shown.highlight_regex(KEY, "bold cyan")
    if answer.worded_by:
        shown.highlight_words(
            [one for s in answer.sentences if s.check == "unchecked" for one in s.text.split("\n")], "italic"
        )
    else:
        shown.highlight_words([one_line(focus) for focus in focuses(answer.citations)], "bold")
    return shown


def sources_view(
    citations: Sequence[Citation | Quote],
    files: Addresses | None = None,
    *,
    around: bool = False,
    lines: int | None = None,
    width: int = 80,
) -> Group:
    """Return the numbered sources of an answer, each with its place, its quote and what limits it.

    `around` adds, once, what else stands around the quotes. With `lines`, a quote that its statement already repeats is
    left out, and the others are shortened to take about so many in all.
    """
    shown = by_key(citations)
    length = QUOTE_CHARACTERS
    if lines is not None:
        quoted = [c for c in shown if not c.is_repeated]
        each = max(1, (lines - len(shown)) // max(1, len(quoted)))
        length, shown = each * (width - 8), [replace(c, quote="") if c.is_repeated else c for c in shown]
    return Group(*_sources(shown, files or {}, around, length))


def _sources(citations: Sequence[Citation | Quote], files: Addresses, around: bool, length: int) -> Iterator[Any]:
    for citation, excerpts in zip(citations, excerpts_once(citations, around=around), strict=True):
        place = citation_place(citation)
        if address := files.get((citation.source, citation.document_sha256)):
            place.stylize(Style(link=printable(address)))  # rich writes it as it is
        yield Text.assemble((f"[{citation.key}] ", "bold cyan"), place, (_standing(citation), "dim"))
        if citation.quote:
            yield Indented(Text(f"“{_shortened(plain_text(citation.quote), length)}”", style="italic"))
        for excerpt in excerpts:
            side = "but" if excerpt.limits else "before" if excerpt.end <= citation.start else "after"
            yield Indented(Text.assemble((f"{side}: ", "dim italic"), (plain_text(excerpt.text), "dim")))


def _standing(citation: Citation | Quote) -> str:
    """Say since when a document holds that supersedes another, and how sure OCR was of a scanned page."""
    if not isinstance(citation, Citation):
        return ""
    since = f", in force since {citation.since}" if citation.since else ""
    return since + (f", read by OCR, {citation.ocr:.0%} sure" if citation.ocr is not None else "")


def earlier_view(quotes: Sequence[EarlierQuote]) -> Group:
    """Return what earlier versions said."""
    lines: list[Text | Indented] = []
    for quote in quotes:
        lines.append(Text.assemble(("Until ", "yellow"), (quote.until, "bold yellow"), (" it was:", "yellow")))
        lines.append(Indented(Text(f"“{_shortened(plain_text(quote.quote))}”", style="italic")))
        lines.append(Indented(citation_place(quote)))
    return Group(*lines)


def _shortened(quote: str, length: int = QUOTE_CHARACTERS) -> str:
    """Leave out the middle of a long quote: its condition stands at its beginning, and what it says at its end."""
    if len(quote) <= length:
        return quote
    head = length // 3
    return f"{quote[:head].rsplit(None, 1)[0]} […] {quote[head - length :].split(None, 1)[-1]}"


def citation_place(citation: Citation | Quote) -> Text:
    """Return `Title > Heading, page N (source)`."""
    return _place(citation.title, citation.headings, citation.page, citation.source)


def flag_lines(flags: Sequence[Flag]) -> Iterator[Text]:
    """Yield each passage that was withheld, then one line a kind for what else was found in documents."""
    withheld = [flag for flag in flags if flag.reason == "injection"]
    for flag in withheld:
        yield Text.assemble(("withheld ", "bold red"), (printable(flag.source), "bold"), f": {printable(flag.detail)}")
    kinds: dict[str, list[Flag]] = {}
    for flag in flags:
        if flag not in withheld:
            kinds.setdefault(flag.reason, []).append(flag)
    for reason, found in sorted(kinds.items(), key=lambda kind: len(kind[1])):
        first = Text.assemble((printable(found[0].source), "bold"), f": {printable(found[0].detail)} [{reason}]")
        more = f"{len(found):,} notes [{reason}]; the first: " if len(found) > 1 else ""
        yield Text.assemble(("note ", "yellow"), more, first)


def hit_place(hit: Hit) -> Text:
    return _place(hit.title, hit.passage.headings, hit.passage.page, hit.source)


def _place(title: str, headings: Sequence[str], page: int | None, source: str) -> Text:
    where = heading_path(title, headings, page)
    return Text.assemble((printable(where), "bold"), (printable(f"  ({source})"), "dim"))


def quote_in_context(text: str, start: int, end: int, around: int = 600) -> Text:
    """Return text[start:end] set off, with about `around` characters on either side, cut at line starts."""
    begin, stop = max(0, start - around), min(len(text), end + around)
    before, after = text[begin:start], text[end:stop]
    if begin:  # at the first start of a line, or of a word in one long line
        before = before[before.find("\n") + 1 or before.find(" ") + 1 :]
    if stop < len(text):
        after = after[: max(after.rfind("\n"), 0) or max(after.rfind(" "), 0) or None]
    return Text.assemble(
        ("…\n" if begin else "", "dim"),
        printable(before),
        (printable(text[start:end]), "bold reverse"),
        printable(after).rstrip(),
        ("\n…" if stop < len(text) else "", "dim"),
    )


def role_hints(known: Collection[str], asked: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each role that no document is for; for whoever may ask as anybody, not for clients."""
    for role in sorted(set(asked) - set(known)):
        yield f"No document is for the role {role!r}{did_you_mean(role, known)}."


def index_size(index: IndexInfo) -> str:
    """Return how many documents and passages there are for whoever asks."""
    return f"{counted(index.documents, 'document')}, {counted(index.passages, 'passage')}"


def why(answer: Answer, threshold: float) -> Iterator[str]:
    """Yield the steps as sentences; `threshold` is the least probability with which a question is answered."""
    yield f"You may see {index_size(answer.index)}."
    if answer.hits:
        best = "; ".join(map(_found, answer.hits[:3]))
        yield f"{counted(len(answer.hits), 'passage')} found and read; the best: {best}."
    else:
        yield "No passage was found."
    chance = f"Estimated chance that these passages answer it: {answer.confidence:.0%} ({threshold:.0%} needed)."
    yield "A guard refused it." if answer.status == "blocked" else chance
    yield from _worded(answer)
    for verdict in answer.verdicts:
        yield f"The {verdict.guard} guard, on the {verdict.stage}: {verdict.reason} ({verdict.action})."
    slowest = sorted(((ms, name) for name, ms in answer.timings.items() if name != "total"), reverse=True)
    times = ", ".join(f"{name} {ms / 1000:.1f} s" for ms, name in slowest[:3])
    yield f"It took {answer.timings['total'] / 1000:.1f} s ({times})."
    if answer.log_id:
        yield f"The log has it as {answer.log_id}."


def _found(hit: Hit) -> str:
    how = " and ".join(METHODS[method] for method in hit.methods)
    place = " > ".join(dict.fromkeys((hit.title, *hit.passage.headings[-1:])))
    return f"{place}, {how}" if how else place


def _worded(answer: Answer) -> Iterator[str]:
    if answer.worded_by:
        yield worded_line(answer)
    elif answer.citations:
        yield "It is in the documents' own words."
    elif answer.closest:
        yield "It shows the closest passages instead; they may not answer the question."
    if answer.earlier:
        yield f"An earlier version, in force until {answer.earlier[0].until}, said otherwise."
