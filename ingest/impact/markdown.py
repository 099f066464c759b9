"""An impact as the comment of a pull request: figures and duties in a table, all words and answers folded below it.

Texts of documents, questions and file names are escaped for both languages that a comment speaks, Markdown and HTML, so
that none can add a heading, a link, an image or a tag to it, nor call somebody by an @.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from assistant.core.files import write_report
from assistant.core.records import Rejection
from assistant.evaluate.report import table
from assistant.text.canonical import heading_path, printable
from ingest.impact.records import AnswerChange, DocumentChange, Edit, Impact, Reply, TextChange

MAX_COMMENT = 60_000  # characters; GitHub takes 65,536
LEFT_OUT = "\n{count:,} more parts are left out, for a comment has a limit; `assistant impact --json` has all.\n"
KEPT_WORDS = 12  # of what is unchanged, on either side of what is not
MARKS = {ord(mark): f"&#{ord(mark)};" for mark in "\\`*_[]<>&|~$^"}
# Between the sign and the name a comment that nobody sees: what looks for names finds none.
MARKS |= {ord(mark): f"&#{ord(mark)};<!-- -->" for mark in "@#"}
LINKS = (("://", "&#58;//"), ("www.", "www&#46;"), ("WWW.", "WWW&#46;"))


def write_comment(path: Path, impact: Impact) -> None:
    """Write an impact as a comment; raises UsageError if that cannot be written."""
    write_report(path, comment(impact).encode(), "--markdown")


def comment(impact: Impact) -> str:
    """Return an impact as Markdown, within what a comment may hold."""
    told: list[str] = []
    room, left = MAX_COMMENT, 0
    for part in _parts(impact):
        if len(part) > room:
            left += 1
        else:
            told.append(part)
            room -= len(part)
    return "\n".join(told) + (LEFT_OUT.format(count=left) if left else "")


def escaped(text: str) -> str:
    """Make a text of unknown origin say in Markdown and in HTML what it says, in one line."""
    text = " ".join(printable(text).split()).translate(MARKS)
    for link, plain in LINKS:
        text = text.replace(link, plain)
    return text


def _parts(impact: Impact) -> Iterator[str]:
    documents, answers = impact.documents, impact.answers
    yield f"### What these files would change\n\n{impact.headline()}\n"
    yield from _named("Rejected", impact.rejected)
    if broken := [change for change in answers.changed if change.broke]:
        yield "#### Golden answers that would not hold any more\n"
        yield from map(_answer, broken)
    yield from _major(impact)
    for name, sources in (("Added", documents.added), ("Removed", documents.removed), ("Hidden", documents.hidden)):
        if sources:
            yield f"{name}: {', '.join(map(escaped, sources))}\n"
    yield from map(_document, documents.changed)
    if others := [change for change in answers.changed if not change.broke]:
        yield _folded(f"{len(others):,} more answers would differ", map(_answer, others))


def _named(name: str, rejected: Iterable[Rejection]) -> Iterator[str]:
    for rejection in rejected:
        yield f"{name}: {escaped(rejection.source)}: {escaped(rejection.detail)}\n"


def _major(impact: Impact) -> Iterator[str]:
    """Yield a table of the texts in which a figure, a date or a duty changed."""
    found = [(change.source, text) for change in impact.documents.changed for text in change.texts]
    rows = [(_where(source, text), _edits(text)) for source, text in found if text.severity == "major"]
    if rows:
        yield "#### Figures, dates and duties\n\n" + "\n".join(table(("where", "what"), rows)) + "\n"


def _where(source: str, text: TextChange) -> str:
    page = f", page {text.page}" if text.page else ""
    heading = f", {escaped(text.headings[-1])}" if text.headings else ""
    return f"{escaped(source)}{heading}{page}"


def _folded(summary: str, lines: Iterable[str]) -> str:
    told = "\n".join(lines)
    return f"<details><summary>{summary}</summary>\n\n{told}\n\n</details>\n"


def _document(change: DocumentChange) -> str:
    counts = {"text": len(change.texts), "term": len(change.terms), "key": len(change.meta)}
    told = [f"{count:,} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    was = f" (was {escaped(change.was)})" if change.was else ""
    return _folded(f"{escaped(change.source)}{was}: {', '.join(told) or 'its form'}", _lines(change))


def _lines(change: DocumentChange) -> Iterator[str]:
    for meta in change.meta:
        yield f"- {meta.key}: {_both(meta.old, meta.new)}"
    for term in change.terms:
        yield f"- term {escaped(term.name)}: {_both(term.old, term.new)}"
    yield from map(_text, change.texts)


def _text(change: TextChange) -> str:
    page = f", page {change.page}" if change.page else ""
    where = escaped(heading_path("", change.headings)) + page
    return f"- {change.kind}{f' ({where})' if where else ''}: {_edits(change)}"


def _edits(change: TextChange) -> str:
    return " ".join(map(_edit, change.edits))


def _edit(edit: Edit) -> str:
    if edit.op != "equal":
        return _both(edit.old, edit.new)
    words = edit.new.split()
    return escaped(" ".join([*words[:KEPT_WORDS], "…", *words[-KEPT_WORDS:]] if len(words) > 2 * KEPT_WORDS else words))


def _both(old: str, new: str) -> str:
    return " ".join((f"<del>{escaped(old)}</del>" * bool(old), f"<ins>{escaped(new)}</ins>" * bool(new))).strip()


def _answer(change: AnswerChange) -> str:
    failures = "".join(f"\n  - fails: {escaped(failure)}" for failure in change.failures if change.broke)
    asked = f"- question {escaped(change.id)}: {escaped(change.question)}"
    return f"{asked}{failures}\n  - now: {_reply(change.old)}\n  - then: {_reply(change.new)}\n"


def _reply(reply: Reply) -> str:
    quotes = "; ".join(f"{escaped(quote.source)}: “{escaped(quote.quote)}”" for quote in reply.quotes)
    return f"{reply.status}. {escaped(reply.answer)} {f'<br>{quotes}' if quotes else ''}".strip()
