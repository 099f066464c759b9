"""Passages screened before they are indexed: what speaks to an assistant, and not to people, never reaches one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from assistant.core.catalog import NewPassage
from assistant.core.config import GuardsSection
from assistant.core.encoder import Encode
from assistant.core.registry import hash_file
from assistant.core.types import Document, Flag, Verdict
from assistant.guards.injection import ORDERS, Injection
from assistant.guards.run import Guards


class Screen:
    """Keeps passages with planted instructions out of the index, and flags those and passages with secrets.

    `id` names all that its judgement depends on, but for the rules: a document is read again when it changes.
    """

    def __init__(self, settings: GuardsSection, encode: Encode) -> None:
        self._settings = settings
        self._encode = encode
        self.id = f"{settings.injection} {settings.secrets} {hash_file(ORDERS)[:12]}"

    def __call__(self, document: Document, passages: Sequence[NewPassage]) -> tuple[list[NewPassage], list[Flag]]:
        """Return the passages that may be indexed, and what is to be reported of the others and of those."""
        screened = self._guards.documents([document.text[p.start : p.end] for p in passages])
        kept, flags = [], []
        for passage, found in zip(passages, screened, strict=True):
            planted = any(v.guard == Injection.name and v.action != "allow" for v in found.verdicts)
            if not planted:
                kept.append(passage)
            flags += [_flag(document, passage, verdict, planted) for verdict in found.verdicts]
        return kept, flags

    @cached_property
    def _guards(self) -> Guards:
        return Guards(self._settings, self._encode)


def _flag(document: Document, passage: NewPassage, verdict: Verdict, planted: bool) -> Flag:
    place = f"{' > '.join(passage.headings) or document.title} (character {passage.start:,})".strip()
    done = "left out of the index" if planted else "indexed all the same"
    return Flag(document.source, verdict.guard, f"{place}: a passage was {done}. {verdict.reason}")
