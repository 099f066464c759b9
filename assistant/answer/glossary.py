"""The glossary as it is shown: masked as a quote is, and logged."""

from __future__ import annotations

from dataclasses import replace

from assistant.answer.disclosure import masked_text
from assistant.audit.trail import Audit, terms_line
from assistant.core.config import Config
from assistant.core.records import Access, Term
from assistant.guards.run import Guards
from assistant.index.catalog import Catalog
from assistant.text.words import normalise_term


def _masked(term: Term, guards: Guards) -> Term:
    """Mask what may not be shown in a definition and in what it is of."""
    name, definition = masked_text(term.name, guards), masked_text(term.definition, guards)
    aliases = tuple(masked_text(alias, guards) for alias in term.aliases)
    return replace(term, name=name, aliases=aliases, definition=definition)


def show_terms(
    name: str, config: Config, catalog: Catalog, access: Access, guards: Guards, audit: Audit | None
) -> list[tuple[Term, str, str]]:
    """Return (term, source, document title) of every definition of a name, or of all names if it is empty."""
    with catalog.snapshot():
        found = [
            (_masked(term, guards), source, title)
            for term, source, title in catalog.terms(access, [normalise_term(name)] if name else None)
        ]
        if audit:
            audit.append(terms_line(name, found, access, catalog, config))
    return found
