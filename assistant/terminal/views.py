"""What the renderer shows, as rich objects: answers, their sources, differences, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from assistant.core.records import Citation, EarlierQuote, Hit, Quote
from assistant.text.canonical import RULE, heading_path, printable
from assistant.text.prompts import KEY

if TYPE_CHECKING:
    from assistant.evaluate.golden import Outcome
    from ingest.impact.records import AnswerChange, DocumentChange, Fact, Reply, TextChange
    from ingest.lint.run import Place

HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)
LONGEST_SHOWN, SHOWN_BEFORE, SHOWN_AFTER = 1_000, 300, 600  # characters of a quote
AROUND = 600  # characters that are shown on either side of a quote
COMPARED = 500  # words of an answer; comparing takes a square of the time


class Indented:
    """Text set in by some columns; wrapped on a terminal, and whole lines in a pipe."""

    def __init__(self, text: Text, by: int) -> None:
        self._text = text
        self._by = by

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.soft_wrap:
            yield Padding(self._text, (0, 0, 0, self._by), expand=False)
            return
        for line in self._text.split("\n", allow_blank=True):
            yield Text.assemble(" " * self._by, line)


def numbers_table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        text = name == "what"
        table.add_column(name, justify="left" if text else "right", no_wrap=not text)
    return table


def finding_place(place: Place, source: str) -> Text:
    """Return a finding's quote with where it is, the document too where it is another than `source`."""
    where = [place.source] if place.source != source else []
    where += [f"line {place.line}"] if place.line else []
    where += [f"page {place.page}"] if place.page else []
    where += place.headings[-1:]
    return Text.assemble((f"{printable(' · '.join(where))}: ", "dim"), one_line(place.quote))


def outcome_lines(outcome: Outcome) -> Iterator[Text]:
    """Yield what was expected and came, and the answer before and now with the words that differ set off."""
    for failure in outcome.failures:
        yield Text.assemble(
            (f"{failure.check}: ", "bold"),
            "expected ",
            (one_line(failure.expected), "green"),
            ", got ",
            (one_line(failure.got), "red"),
        )
    recorded, now = outcome.golden.recorded.split(), outcome.answer.split()
    if recorded:
        yield Text.assemble(("was:   ", "dim"), _differing(recorded, now, "green"))
    yield Text.assemble(("now:   ", "dim"), _differing(now, recorded, "red") if recorded else one_line(outcome.answer))
    yield Text.assemble(("cites: ", "dim"), one_line(", ".join(outcome.sources) or "nothing"))


def _differing(words: Sequence[str], others: Sequence[str], style: str) -> Text:
    """Return words with those set off that the others do not have at that place."""
    compared = words[:COMPARED], others[:COMPARED]
    same = SequenceMatcher(None, *compared, autojunk=False).get_matching_blocks()
    kept = {at for block in same for at in range(block.a, block.a + block.size)}
    return Text(" ").join(Text(printable(word), "" if at in kept else style) for at, word in enumerate(words))


def facts_table(facts: Sequence[Fact]) -> Table:
    """Return facts that moved, each with where it stands."""
    table = Table(box=None, pad_edge=False)
    for name, style in (("where", ""), ("what", ""), ("now", "green"), ("then", "red")):
        table.add_column(name, style=style, overflow="fold")
    for fact in facts:
        where = " > ".join((fact.source, *fact.place.headings[-1:]))
        table.add_row(*map(safe, (where, one_line(fact.subject), one_line(fact.old), one_line(fact.new))))
    return table


def change_lines(change: DocumentChange) -> Iterator[Text]:
    """Yield what changed in a document: its data, its terms, and its texts with the words that differ set off."""
    for meta in change.meta:
        yield Text.assemble((f"{meta.key}: ", "bold"), _replaced(meta.old, meta.new))
    for term in change.terms:
        yield Text.assemble(("term ", "dim"), (f"{printable(term.name)}: ", "bold"), _replaced(term.old, term.new))
    yield from map(_text_line, change.texts)


def _text_line(change: TextChange) -> Text:
    marks = {"both": ("{}", ""), "old": ("[-{}-]", "green"), "new": ("{{+{}+}}", "red")}
    told = ((marks[words.side], printable(words.text)) for words in change.words)
    where = heading_path("", change.place.headings)
    name = f"{change.kind} ({printable(where)}): " if where else f"{change.kind}: "
    return Text.assemble((name, "dim"), Text(" ").join(Text(mark.format(text), style) for (mark, style), text in told))


def _replaced(old: str, new: str) -> Text:
    return Text.assemble((one_line(old) or "none", "green"), " -> ", (one_line(new) or "none", "red"))


def answer_lines(change: AnswerChange) -> Iterator[Text]:
    """Yield what failed of a golden answer that held, and an answer before and after with their quotes."""
    for failure in change.failures if change.broke else ():
        yield Text.assemble(("fails: ", "bold"), (one_line(failure), "red"))
    yield from _reply_lines("now:   ", change.old, "green")
    yield from _reply_lines("then:  ", change.new, "red")


def _reply_lines(name: str, reply: Reply, style: str) -> Iterator[Text]:
    yield Text.assemble((name, "dim"), (one_line(reply.answer) or reply.status, style))
    for quote in reply.quotes:
        yield Text.assemble(("cites: ", "dim"), f"“{one_line(quote.quote)}” ", (f"({printable(quote.source)})", "dim"))


def one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def calibration_line(found: Mapping[str, Any]) -> str:
    made = found["made"]
    return (
        f"answers from a probability of {found['threshold']:g}: of {found['questions']:,} questions "
        f"{found['answered']:,} were answered, {found['wrong']:,} of which the documents do not answer "
        f"(at most {found['bound']:.1%} with 95% confidence; max_risk {found['max_risk']:g}); by {made['by']}, "
        f"from {', '.join(made['from'])}"
    )


def safe(text: str) -> Text:
    """Make text of unknown origin harmless: no escapes, no markup."""
    return Text(printable(text))


def answer_text(text: str, style: str = "") -> Text:
    """Return an answer with its keys set off."""
    shown = Text(printable(text), style=style)
    shown.highlight_regex(KEY, "bold cyan")
    return shown


def sources_view(
    citations: Sequence[Citation | Quote], files: Mapping[str, str] | None = None, *, around: bool = False
) -> Group:
    """Return the numbered sources of an answer, each with its quote and what limits it; and what stands `around` it."""
    first = {c.key: c for c in reversed(citations)}
    return Group(*_sources([first[key] for key in sorted(first)], files or {}, around))


def _sources(citations: Sequence[Citation | Quote], files: Mapping[str, str], around: bool) -> Iterator[Any]:
    shown = {(c.document_sha256, c.start, c.end) for c in citations}
    for citation in citations:
        place = citation_place(citation)
        if address := files.get(citation.source):
            place.stylize(Style(link=address))
        yield Text.assemble((f"[{citation.key}] ", "bold cyan"), place, (_standing(citation), "dim"))
        rows = [line for line in citation.quote.splitlines() if not RULE.match(line)]  # a table's rule says nothing
        yield Indented(Text(f"“{printable(_shortened(chr(10).join(rows)))}”", style="italic"), 4)
        for excerpt in citation.context if isinstance(citation, Citation) else ():
            if not (around or excerpt.limits):
                continue
            sha256, start, end = citation.document_sha256, excerpt.start, excerpt.end
            if not any(sha256 == other and start < stop and begin < end for other, begin, stop in shown):
                shown.add((sha256, start, end))
                side = "before" if end <= citation.start else "after"
                told = " ".join(HEADING.sub(r"\1:", printable(excerpt.text)).split())
                yield Indented(Text.assemble((f"{side}: ", "dim italic"), (told, "dim")), 4)


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
        lines.append(Indented(Text(f"“{printable(_shortened(quote.quote))}”", style="italic"), 4))
        lines.append(Indented(citation_place(quote), 4))
    return Group(*lines)


def _shortened(quote: str) -> str:
    """Leave out the middle of a long quote: what governs it stands at its beginning, and what is told at its end."""
    if len(quote) <= LONGEST_SHOWN:
        return quote
    return f"{quote[:SHOWN_BEFORE].rsplit(None, 1)[0]} […] {quote[-SHOWN_AFTER:].split(None, 1)[-1]}"


def citation_place(citation: Citation | Quote) -> Text:
    """Return `Title > Heading, page N (source)`."""
    return _place(citation.title, citation.headings, citation.page, citation.source)


def hit_place(hit: Hit) -> Text:
    return _place(hit.title, hit.passage.headings, hit.passage.page, hit.source)


def _place(title: str, headings: Sequence[str], page: int | None, source: str) -> Text:
    where = f", page {page}" if page else ""
    return Text.assemble(
        (printable(heading_path(title, headings) + where), "bold"), (printable(f"  ({source})"), "dim")
    )


def surroundings(text: str, start: int, end: int, around: int = AROUND) -> Text:
    """Return text[start:end] set off, with about `around` characters on either side, cut at line starts."""
    begin, stop = max(0, start - around), min(len(text), end + around)
    if begin:
        begin = _after(text, begin, start)
    if stop < len(text):
        stop = _before(text, end, stop)
    return Text.assemble(
        ("…\n" if begin else "", "dim"),
        printable(text[begin:start]),
        (printable(text[start:end]), "bold reverse"),
        printable(text[end:stop]).rstrip(),
        ("\n…" if stop < len(text) else "", "dim"),
    )


def _after(text: str, begin: int, start: int) -> int:
    """Return the first start of a line at or after `begin`, or of a word where one long line goes on to `start`."""
    for mark in ("\n", " "):
        at = text.find(mark, begin - 1, start)
        if at >= 0:
            return at + 1
    return begin


def _before(text: str, end: int, stop: int) -> int:
    """Return the last end of a line at or before `stop`, or of a word where one long line goes on from `end`."""
    for mark in ("\n", " "):
        at = text.rfind(mark, end, stop + 1)
        if at >= 0:
            return at
    return stop
