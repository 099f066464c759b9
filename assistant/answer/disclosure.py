"""What may be shown of the documents, which are masked when they are read, and told back of what an asker said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assistant.answer.evidence import plain, quote_text
from assistant.audit.trail import Audit, terms_line
from assistant.core.config import Config, GuardsSection
from assistant.core.errors import IndexMismatch
from assistant.core.records import Access, Answer, Evidence, Hit, Meta, Quote, Term, Turn, Verdict
from assistant.guards.run import Guards, masks_id, redacted_with, values_together
from assistant.index.catalog import MASKS, Catalog
from assistant.text.words import normalise_term


def permitted(evidence: Sequence[Evidence], guards: Guards) -> tuple[tuple[Evidence, ...], tuple[Verdict, ...]]:
    """Return the evidence that may be quoted, and what the guards say of all of it: of the quote and how it is said."""
    kept, verdicts = [], list[Verdict]()
    for one in evidence:
        said = guards.output(f"{plain(one)}\n{quote_text(one)}", (one.hit.before + one.hit.passage.text,))
        verdicts += said.verdicts
        kept += [one] if said.action == "allow" else []
    return tuple(kept), tuple(verdicts)


def check_masked(catalog: Catalog, settings: GuardsSection) -> None:
    """Raise IndexMismatch for an index with documents that were masked by other settings, or by other rules."""
    if catalog.meta(MASKS) not in (None, "", masks_id(settings)):
        cause = "what is masked in documents was decided by other settings of [guards] than today's, or other rules."
        hint = "Read them again: assistant ingest PATH, for every folder that is indexed; --prune if files are gone."
        raise IndexMismatch(cause, hint)


def open_index(config: Config) -> Catalog:
    """Open an index that may be shown; raises IndexMissing, IndexMismatch, NotWritable."""
    catalog = Catalog.open(config.data)
    check_masked(catalog, config.guards)
    return catalog


def values_said(history: Sequence[Turn], question: str, about: str) -> dict[str, str]:
    """Return what is masked in what an asker says, by its kind: what one of their texts names the next may hold."""
    said = [turn.content for turn in history if turn.role == "user"]
    return values_together([[*said, question], *([about, text] for text in (*said, question) if about)])


def told_turns(history: Sequence[Turn], values: Mapping[str, str]) -> list[Turn]:
    """Return a conversation with what its asker said masked."""
    return [
        replace(turn, content=redacted_with(turn.content, values)) if turn.role == "user" else turn for turn in history
    ]


def told_back(answer: Answer, before: Sequence[str], values: Mapping[str, str]) -> Answer:
    """Return an answer with what its asker said masked; `before` are the questions before it.

    A word that was misspelt may name what the question holds, as it was read.
    """
    values = {**values, **values_together([[*before, answer.asked], [answer.about, answer.asked]])}
    question, asked, about = (redacted_with(said, values) for said in (answer.question, answer.asked, answer.about))
    return replace(answer, question=question, asked=asked, about=about)


def shown_meta(meta: Meta, guards: Guards) -> Meta:
    """Return what is said of a document as far as it may be shown: unlike its title it was not screened before."""
    said = (meta.policy_id, meta.version, meta.supersedes, meta.owner)
    screened = guards.documents([value or "" for value in said])
    policy_id, version, supersedes, owner = (
        masked_text(value, guards) if value and all(verdict.action == "allow" for verdict in found.verdicts) else None
        for value, found in zip(said, screened, strict=True)
    )
    return replace(meta, policy_id=policy_id, version=version, supersedes=supersedes, owner=owner)


def shown_owner(found: Hit | Quote, access: Access, catalog: Catalog, guards: Guards) -> str:
    """Return who owns a document, as far as that may be shown; "" where nobody says so."""
    meta = catalog.queries.meta_of(found.source, found.document_sha256, access)
    return (shown_meta(meta, guards).owner if meta else "") or ""


def masked_text(text: str, guards: Guards) -> str:
    """Mask in a document's text what may not be shown."""
    return guards.output(text, (text,)).text


def show_terms(
    name: str, config: Config, catalog: Catalog, access: Access, audit: Audit | None
) -> list[tuple[Term, str, str]]:
    """Return (term, source, document title) of every definition of a name, or of all names if it is empty."""
    with catalog.snapshot():
        found = list(catalog.queries.terms(access, [normalise_term(name)] if name else None))
        if audit:
            audit.append(terms_line(name, found, access, catalog, config))
    return found
