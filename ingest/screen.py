"""Documents screened before they are indexed: what speaks to an assistant, and not to people, never reaches one.

So does what nobody may read: secrets and personal numbers are masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import PurePath

from assistant.core.config import GuardsSection
from assistant.core.errors import DocumentRejected
from assistant.core.files import hash_file
from assistant.core.records import Document, Flag, Verdict
from assistant.guards.injection import ORDERS, Injection
from assistant.guards.rules import PATTERNS
from assistant.guards.run import Guards, Screened, masks_id
from assistant.index.schema import NewPassage
from assistant.models.encoder import Encode
from assistant.text.canonical import HEADING
from ingest.mask import masked_document

MASKED = "masked"  # why a document is reported of which nobody is shown all
NO_TITLE = "Untitled document"


class Screen:
    """Keeps what holds planted instructions out of the index, masks what nobody may read, and flags both.

    `id` names all that its judgement depends on: a document is read again when it changes; `masks` what is masked.
    """

    def __init__(self, settings: GuardsSection, encode: Encode) -> None:
        self._settings = settings
        self._encode = encode
        self.masks = masks_id(settings)
        files = " ".join(hash_file(path)[:12] for path in (ORDERS, PATTERNS))
        self.id = " ".join((*asdict(settings).values(), files, self.masks))

    def check_name(self, source: str) -> None:
        """Raise DocumentRejected for a file whose name would be masked: it goes with every passage to whoever asks."""
        if self._masked(source) != source:
            raise DocumentRejected("secrets", "The file's name holds a secret or an account number: rename the file.")

    def titled(self, document: Document) -> tuple[Document, list[Flag]]:
        """Return the document, with a neutral title if its title or its file's name is an order, and what is reported.

        Both go with every passage to whoever asks, and to other people's models: a title is masked as an answer is.
        """
        name = str(PurePath(document.source).with_suffix(""))
        told = replace(document, title=self._masked(document.title))
        if not self._orders.documents([f"{document.title}\n\n{name}"])[0].verdicts:
            return told, []
        title, path = self._orders.documents([document.title, name])
        found = [("title", v) for v in title.verdicts] + [("file name", v) for v in path.verdicts]
        orders = [(what, verdict) for what, verdict in found if verdict.guard == Injection.name]
        flags = [
            Flag(document.source, verdict.guard, f"the {what} is an order to an assistant. {verdict.reason}")
            for what, verdict in orders
        ]
        hidden = any(verdict.action != "allow" for _, verdict in orders)
        return replace(told, title=NO_TITLE) if hidden else told, flags

    def masked(self, document: Document, check: Callable[[], None]) -> tuple[Document, list[Flag]]:
        """Return the document with what nobody may read replaced by its kind, and how often and where that was.

        `check` is called now and then, and may raise.
        """
        told, spans = masked_document(document, self._values, check)
        if not spans:
            return told, []
        counts = Counter(span.kind for span in spans)
        kinds = ", ".join(f"{kind} ({count})" if count > 1 else kind for kind, count in counts.items())
        return told, [Flag(document.source, MASKED, f"Nobody is shown: {kinds}; from character {spans[0].start:,} on.")]

    def planted_headings(self, document: Document) -> frozenset[str]:
        """Return the headings that are orders, which no passage below them may carry."""
        found = filter(None, map(HEADING.match, document.text.split("\n")))
        headings = list(dict.fromkeys(match[2].strip() for match in found))
        screened = self._orders.documents(headings)
        return frozenset(heading for heading, found in zip(headings, screened, strict=True) if _planted(found))

    def __call__(self, document: Document, passages: Sequence[NewPassage]) -> tuple[list[NewPassage], list[Flag]]:
        """Return the passages that may be indexed, and what is to be reported of the others and of those."""
        screened = self._orders.documents([document.text[p.start : p.end] for p in passages])
        kept, flags = [], []
        for passage, found in zip(passages, screened, strict=True):
            planted = _planted(found)
            if not planted:
                kept.append(passage)
            flags += [_flag(document, passage, verdict, planted) for verdict in found.verdicts]
        return kept, flags

    def _masked(self, text: str) -> str:
        return self._values.output(text, (text,)).text

    @cached_property
    def _values(self) -> Guards:
        """What finds what is masked."""
        return Guards(replace(self._settings, injection="off"))

    @cached_property
    def _orders(self) -> Guards:
        """What finds orders, and the secrets that are to be told of and shown."""
        told = self._settings.secrets if self._settings.secrets == "flag" else "off"
        return Guards(replace(self._settings, secrets=told), self._encode)


def _planted(found: Screened) -> bool:
    return any(verdict.guard == Injection.name and verdict.action != "allow" for verdict in found.verdicts)


def _flag(document: Document, passage: NewPassage, verdict: Verdict, planted: bool) -> Flag:
    place = f"{' > '.join(passage.headings) or document.title} (character {passage.start:,})".strip()
    done = "left out of the index" if planted else "indexed all the same"
    return Flag(document.source, verdict.guard, f"{place}: a passage was {done}. {verdict.reason}")
