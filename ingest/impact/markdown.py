"""An impact as the comment of a pull request: figures and duties in a table, all words and answers folded below it.

Texts of documents, questions and file names are escaped for both languages that a comment speaks, Markdown and HTML, so
that none can add a heading, a link, an image or a tag to it, nor call somebody by an @.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from assistant.core.files import write_report
from assistant.evaluate.report import table
from assistant.text.canonical import printable
from assistant.text.prompts import counted
from ingest.impact.records import AnswerChange, DocumentChange, Impact, Line, TextChange

MAX_COMMENT = 60_000  # characters; GitHub takes 65,536
LEFT_OUT = "\n{count:,} more parts are left out, for a comment has a limit; `assistant impact --json` has all.\n"
MARKED = {"old": "<del>{}</del>", "new": "<ins>{}</ins>"}
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
    for rejection in impact.rejected:
        yield f"Rejected: {escaped(rejection.source)}: {escaped(rejection.detail)}\n"
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


def _major(impact: Impact) -> Iterator[str]:
    """Yield a table of the texts in which a figure, a date or a duty changed."""
    found = [(change.source, text) for change in impact.documents.changed for text in change.texts]
    rows = [(_where(source, text), _line(text.words())) for source, text in found if text.severity == "major"]
    if rows:
        yield "#### Figures, dates and duties\n\n" + "\n".join(table(("where", "what"), rows)) + "\n"


def _where(source: str, text: TextChange) -> str:
    page = f"page {text.page}" if text.page else ""
    return ", ".join(escaped(part) for part in (source, *text.headings[-1:], page) if part)


def _folded(summary: str, lines: Iterable[str]) -> str:
    told = "\n".join(lines)
    return f"<details><summary>{summary}</summary>\n\n{told}\n\n</details>\n"


def _document(change: DocumentChange) -> str:
    counts = {"text": len(change.texts), "term": len(change.terms), "key": len(change.meta)}
    told = [counted(count, name) for name, count in counts.items() if count]
    was = f" (was {escaped(change.was)})" if change.was else ""
    summary = f"{escaped(change.source)}{was}: {', '.join(told) or 'its form'}"
    return _folded(summary, (f"- {_line(line)}" for line in change.lines()))


def _answer(change: AnswerChange) -> str:
    asked = f"- question {escaped(change.id)}: {escaped(change.question)}"
    return "\n  - ".join([asked, *map(_line, change.lines())]) + "\n"


def _line(parts: Line) -> str:
    return " ".join(MARKED.get(role, "{}").format(escaped(text)) for role, text in parts)
