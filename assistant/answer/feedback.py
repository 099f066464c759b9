"""What askers say of answers: right, wrong, or not what was asked; a line of the log that points to the answer's.

The log knows roles and no names: an answer's ID, which only whoever got the answer was told, says whose it is. What
the documents say that is right is logged as its place and a hash, like the quotes of answers, and never as its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import hexdigits
from unicodedata import normalize

from assistant.answer.evidence import place, plain
from assistant.answer.question import ReportStage, encodable, no_report
from assistant.answer.read import evidence_in
from assistant.audit.ledger import ID_DIGITS
from assistant.audit.trail import Audit, remark_line
from assistant.core.errors import UsageError
from assistant.core.records import Access, Feedback, Hit, Quote
from assistant.guards.run import redacted_together
from assistant.index.catalog import Catalog

FEEDBACK = "feedback"  # the command of its lines
MAX_NOTE, MAX_QUOTE = 500, 1_000  # characters
LEAST_WORDS = 3  # of a quote: fewer stand anywhere
MOST_GIVEN = 5  # times that one answer is spoken of, by people who change their minds; the last one counts


def give(
    given: Feedback,
    access: Access,
    catalog: Catalog,
    audit: Audit | None,
    stage: ReportStage = no_report,
) -> str:
    """Log what an asker says of an answer, and return the ID of that line; raises UsageError, NotWritable."""
    if audit is None:
        raise UsageError("answers are not logged here, and have no ID.", "Set audit.enabled = true.")
    for name, text, most in (("word", given.note, MAX_NOTE), ("quote", given.quote, MAX_QUOTE)):
        if len(text) > most:
            raise UsageError(f"the {name} has {len(text):,} characters; the limit is {most:,}.")
    question = _question_of(given.answer, access, audit)
    quotes = [find_place(given.quote, access, catalog, stage)[0]] if given.quote.strip() else []
    *_, note = redacted_together([question, encodable(given.note).strip()])  # the one may name what the other holds
    return audit.append(remark_line(FEEDBACK, given.answer, given.opinion, access, note, quotes))


def find_place(text: str, access: Access, catalog: Catalog, stage: ReportStage = no_report) -> tuple[Quote, str]:
    """Return the sentences, items or rows in which a text stands, but for case and marks, and how they are said there.

    Raises UsageError if no document says it that `access` may see, and for a text that stands in several places, whole
    in none or in more than one, which do not mean the same.
    """
    words = re.findall(r"\w+", normalize("NFC", encodable(text)))  # as documents are kept
    folded = [word.casefold() for word in words]
    if len(words) < LEAST_WORDS:
        raise UsageError(f"{text[:40]!r} may stand anywhere.", "Give a whole sentence, as it stands there.")
    phrase = r"\W+".join(map(re.escape, words))
    said = re.compile(rf"(?<!\w){phrase}(?!\w)", re.IGNORECASE)  # no part of a longer number
    with catalog.snapshot():
        hits = catalog.queries.hits_naming(words, access)
    whole: dict[tuple[str, ...], Quote] = {}
    partly: dict[tuple[str, ...], Quote] = {}
    for hit in hits:
        stage("searching")
        for means, quote in _shown_places(said, hit):
            is_whole = [word.casefold() for word in re.findall(r"\w+", quote.quote)] == folded
            (whole if is_whole else partly).setdefault(means, quote)
    if not (found := whole or partly):
        cause = "no document that you may see says that, or too many do."
        raise UsageError(cause, "Copy a whole sentence, as it stands there.")
    if len(found) > 1:
        hint = "Copy more of it, from the heading or the lead-in above it on."
        raise UsageError("several places say that, and mean different things.", hint)
    (((_, *parts), quote),) = found.items()
    return quote, " ".join(parts)


def _shown_places(said: re.Pattern[str], hit: Hit) -> Iterator[tuple[tuple[str, ...], Quote]]:
    """Yield the parts of a passage in which a pattern matches, with what they mean there.

    What stands above the passage is looked at in its own.
    """
    passage = hit.passage
    if not (matches := list(said.finditer(passage.text))):
        return
    parts = evidence_in(hit)
    for match in matches:
        start, end = passage.start + match.start(), passage.start + match.end()
        if not (met := [part for part in parts if part.start < end and start < part.end]):
            continue
        first, last = min(part.start for part in met), max(part.end for part in met)
        where = hit.source, hit.title, passage.headings, passage.page, first, last, hit.document_sha256
        yield (place(hit), *map(plain, met)), Quote(1, hit.slice(first, last), *where)


def _question_of(id: str, access: Access, audit: Audit) -> str:
    """Return the question of an answer of that ID, as it is logged.

    Raises UsageError unless it was given to somebody with these roles, and may be spoken of.
    """
    is_id = len(id) == ID_DIGITS and set(id) <= set(hexdigits)
    lines = [entry for entry in audit.entries(id) if id in (entry.id, entry.raw.get("of"))] if is_id else []
    answer = next((entry for entry in lines if entry.id == id and entry.raw["answer_sha256"]), None)
    if answer is None or access.roles != set(answer.raw["roles"]):  # one sentence: IDs of others are not to be guessed
        hint = "Give the whole ID, and the roles that it was asked with."
        raise UsageError(f"no answer that you were given has the ID {id[:ID_DIGITS]!r}.", hint)
    if len(lines) > MOST_GIVEN:
        raise UsageError(f"{MOST_GIVEN} have been given on that answer already.", "The last one counts.")
    return str(answer.raw["question"])
