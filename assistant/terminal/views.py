"""What the renderer shows, as rich objects: answers, their sources, differences, tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from assistant.core.records import Citation, EarlierQuote, Flag, Hit, Quote
from assistant.text.canonical import HEADING, RULE, heading_path, printable
from assistant.text.prompts import KEY

if TYPE_CHECKING:
    from assistant.evaluate.golden import Outcome
    from ingest.impact.records import AnswerChange, DocumentChange, Reply, TextChange
    from ingest.lint.run import Place

ANSWER_LINES = 10  # of a terminal: what a plain answer takes at most, unless its own text is longer
QUOTE_CHARACTERS = 1_000  # that are shown of a quote where there is room
SEVERITY_STYLES = {"major": "bold", "moderate": "", "minor": "dim"}


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
    compared = words[:500], others[:500]  # comparing takes a square of the time
    same = SequenceMatcher(None, *compared, autojunk=False).get_matching_blocks()
    kept = {at for block in same for at in range(block.a, block.a + block.size)}
    return Text(" ").join(Text(printable(word), "" if at in kept else style) for at, word in enumerate(words))


def change_lines(change: DocumentChange) -> Iterator[Text]:
    """Yield what changed in a document: its data, its terms, and its texts with the words that differ set off."""
    for meta in change.meta:
        yield Text.assemble((f"{meta.key}: ", "bold"), _replaced(meta.old, meta.new))
    for term in change.terms:
        yield Text.assemble(("term ", "dim"), (f"{printable(term.name)}: ", "bold"), _replaced(term.old, term.new))
    yield from map(_text_line, sorted(change.texts, key=lambda text: list(SEVERITY_STYLES).index(text.severity)))


def _text_line(change: TextChange) -> Text:
    """Return a text with its edits marked: [-old-] {+new+}, in bold where it is a figure or a duty."""
    where = heading_path("", change.headings)
    parts = [Text(f"{change.kind} ({printable(where)}):" if where else f"{change.kind}:", "dim")]
    for edit in change.edits:
        if edit.op == "equal":
            parts.append(Text(printable(edit.new)))
            continue
        bold = "" if edit.type == "text" else "bold "
        sides = (("[-{}-]", edit.old, "green"), ("{{+{}+}}", edit.new, "red"))
        parts += [Text(mark.format(printable(text)), bold + style) for mark, text, style in sides if text]
    return Text(" ").join([Text(change.severity, SEVERITY_STYLES[change.severity]), *parts])


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
    citations: Sequence[Citation | Quote],
    files: Mapping[str, str] | None = None,
    *,
    around: bool = False,
    lines: int | None = None,
    width: int = 80,
) -> Group:
    """Return the numbered sources of an answer, each with its place, its quote and what limits it.

    `around` adds, once, what else stands around the quotes. With `lines`, a quote that its statement already repeats is
    left out, and the others are shortened to take about so many in all.
    """
    first = {c.key: c for c in reversed(citations)}
    shown = [first[key] for key in sorted(first)]
    length = QUOTE_CHARACTERS
    if lines is not None:
        quoted = [c for c in shown if not _is_repeated(c)]
        each = max(1, (lines - len(shown)) // max(1, len(quoted)))
        length, shown = each * (width - 8), [replace(c, quote="") if _is_repeated(c) else c for c in shown]
    return Group(*_sources(shown, files or {}, around, length))


def _is_repeated(citation: Citation | Quote) -> bool:
    """Tell whether the statement is the quote, but for a list's mark."""
    if not isinstance(citation, Citation):
        return False
    return citation.claim.split() in ((words := citation.quote.split()), words[1:])


def _sources(
    citations: Sequence[Citation | Quote], files: Mapping[str, str], around: bool, length: int
) -> Iterator[Any]:
    shown = {(c.document_sha256, c.start, c.end) for c in citations}
    for citation in citations:
        place = citation_place(citation)
        if address := files.get(citation.source):
            place.stylize(Style(link=address))
        yield Text.assemble((f"[{citation.key}] ", "bold cyan"), place, (_standing(citation), "dim"))
        if citation.quote:
            yield Indented(Text(f"“{_shortened(plain_text(citation.quote), length)}”", style="italic"))
        for excerpt in citation.context if isinstance(citation, Citation) else ():
            if not (around or excerpt.limits):
                continue
            sha256, start, end = citation.document_sha256, excerpt.start, excerpt.end
            if not any(sha256 == other and start < stop and begin < end for other, begin, stop in shown):
                shown.add((sha256, start, end))
                side = "but" if excerpt.limits else "before" if end <= citation.start else "after"
                yield Indented(Text.assemble((f"{side}: ", "dim italic"), (plain_text(excerpt.text), "dim")))


def plain_text(text: str) -> str:
    """Return canonical text as people read it: without the marks of headings, and a table's row as its cells."""
    lines = (line for line in printable(text).splitlines() if line.strip() and not RULE.match(line))
    return "\n".join(_plain_line(line) for line in lines)


def _plain_line(line: str) -> str:
    if heading := HEADING.fullmatch(line):
        return f"{heading[2]}:"
    if line.startswith("|") and line.rstrip().endswith("|"):
        return " · ".join(cell for cell in map(str.strip, line.strip("| ").split("|")) if cell)
    return line


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
    where = f", page {page}" if page else ""
    return Text.assemble(
        (printable(heading_path(title, headings) + where), "bold"), (printable(f"  ({source})"), "dim")
    )


def quote_in_context(text: str, start: int, end: int, around: int = 600) -> Text:
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
