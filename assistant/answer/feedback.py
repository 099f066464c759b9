"""What askers say of answers: right, wrong, or not what was asked; a line of the log that points to the answer's.

The log knows roles and no names: an answer's ID, which only whoever got the answer was told, says whose it is. What
the documents say that is right is logged as its place and a hash, like the quotes of answers, and never as its text.
"""

from __future__ import annotations

import re
from string import hexdigits

from assistant.answer.disclosure import withheld_spans
from assistant.answer.places import Place, only_one, pattern_of, places_in
from assistant.answer.question import encodable
from assistant.audit.ledger import ID_DIGITS
from assistant.audit.trail import Audit, remark_line
from assistant.core.errors import UsageError
from assistant.core.records import Access, Feedback, Quote
from assistant.guards.run import Guards
from assistant.index.catalog import Catalog

FEEDBACK = "feedback"  # the command of its lines
MAX_NOTE, MAX_QUOTE = 500, 1_000  # characters
LEAST_WORDS = 3  # of a quote: fewer stand anywhere
MOST_GIVEN = 5  # times that one answer is spoken of, by people who change their minds; the last one counts


def give(given: Feedback, access: Access, catalog: Catalog, guards: Guards, audit: Audit | None) -> str:
    """Log what an asker says of an answer, and return the ID of that line; raises UsageError, NotWritable."""
    if audit is None:
        raise UsageError("answers are not logged here, and have no ID.", "Set audit.enabled = true.")
    for name, text, most in (("word", given.note, MAX_NOTE), ("quote", given.quote, MAX_QUOTE)):
        if len(text) > most:
            raise UsageError(f"the {name} has {len(text):,} characters; the limit is {most:,}.")
    _check_asked(given.answer, access, audit)
    quotes = [quote_at(find_place(given.quote, access, catalog, guards))] if given.quote.strip() else []
    return audit.append(
        remark_line(FEEDBACK, given.answer, given.opinion, access, encodable(given.note).strip(), quotes)
    )


def find_place(text: str, access: Access, catalog: Catalog, guards: Guards) -> Place:
    """Return the sentences, items or rows in which a text stands, but for case and marks.

    Raises UsageError if no document says it that `access` may see, or if what it says there may not be shown: both
    are told alike, so that nobody can guess at what is masked. So is a text that stands in several places, whole in
    none or in more than one, which do not mean the same.
    """
    words = re.findall(r"\w+", encodable(text).casefold())
    if len(words) < LEAST_WORDS:
        raise UsageError(f"{text[:40]!r} may stand anywhere.", "Give a whole sentence, as it stands there.")
    said = pattern_of(words, r"\W+", re.IGNORECASE)
    with catalog.snapshot():
        hits = catalog.queries.hits_naming(words, access)
    places = [place for place in places_in(said, hits) if _may_be_shown(place, guards)]
    whole = [place for place in places if re.findall(r"\w+", quote_at(place).quote.casefold()) == words]
    if not (chosen := whole or places):
        raise UsageError("no document that you may see says that.", "Copy a whole sentence, as it stands there.")
    if (place := only_one(chosen)) is None:
        hint = "Copy more of it, from the heading or the lead-in above it on."
        raise UsageError("several places say that, and mean different things.", hint)
    return place


def quote_at(place: Place) -> Quote:
    """Return the parts that hold a place's text, as a quote."""
    hit, passage = place.hit, place.hit.passage
    start, end = min(part.start for part in place.parts), max(part.end for part in place.parts)
    where = hit.source, hit.title, passage.headings, passage.page, start, end, hit.document_sha256
    return Quote(1, hit.slice(start, end), *where)


def _may_be_shown(place: Place, guards: Guards) -> bool:
    """Tell whether nothing is masked in a place: neither in its parts nor in what was matched, which says as much."""
    quote = quote_at(place)
    start, end = min(place.start, quote.start), max(place.end, quote.end)
    own = start >= place.hit.passage.start  # what stands above is screened in its own passage
    return own and not any(span.meets(start, end) for span in withheld_spans(place.hit, guards))


def _check_asked(id: str, access: Access, audit: Audit) -> None:
    """Raise UsageError unless an answer has that ID, was given to somebody with these roles, and may be spoken of."""
    is_id = len(id) == ID_DIGITS and set(id) <= set(hexdigits)
    lines = [entry for entry in audit.entries(id) if id in (entry.id, entry.raw.get("of"))] if is_id else []
    answer = next((entry for entry in lines if entry.id == id and entry.raw["answer_sha256"]), None)
    if answer is None or access.roles != set(answer.raw["roles"]):  # one sentence: IDs of others are not to be guessed
        hint = "Give the whole ID, and the roles that it was asked with."
        raise UsageError(f"no answer that you were given has the ID {id[:ID_DIGITS]!r}.", hint)
    if len(lines) > MOST_GIVEN:
        raise UsageError(f"{MOST_GIVEN} have been given on that answer already.", "The last one counts.")
