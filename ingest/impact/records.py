"""What an impact says: of documents, their sentences and terms, of facts that moved, and of answers.

Every text in these records is as it may be shown: masked, and only of documents that whoever asks may see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from assistant.core.records import Rejection, Status

PieceKind = Literal["heading", "sentence", "item", "row", "header", "code"]
FactKind = Literal[
    "number",
    "amount",
    "percentage",
    "duration",
    "date",
    "time",
    "obligation",
    "negation",
    "limit",
    "who",
    "unit",
    "name",
    "cell",
    "item",
    "definition",
    "statement",
]
Side = Literal["both", "old", "new"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its document something stands."""

    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """Words that both versions have, or one of them."""

    side: Side
    text: str


@dataclass(frozen=True, slots=True)
class TextChange:
    """A sentence, item, row or heading before and after, one of them empty; `place` is that of the new one, if any."""

    kind: PieceKind
    old: str
    new: str
    place: Place
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class TermChange:
    """A definition before and after, one of them empty."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class MetaChange:
    """What is said of a document under a key, before and after."""

    key: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that moved: `subject: old -> new`; `was` and `now` are the sentences that say it."""

    kind: FactKind
    subject: str
    old: str
    new: str
    source: str
    place: Place
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document that changed; `was` is its source name before, if that was another one.

    `passages` are how many were removed and added.
    """

    source: str
    title: str
    was: str
    meta: tuple[MetaChange, ...]
    texts: tuple[TextChange, ...]
    terms: tuple[TermChange, ...]
    passages: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents that whoever asks may see before, after or both.

    `hidden` are those that they see now and would not then, though the files are there: for another audience, or not in
    force on the day. A hidden document that they would see then is added to what they know.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    hidden: tuple[str, ...]
    changed: tuple[DocumentChange, ...]
    unchanged: int
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, and the source that it is of."""

    source: str
    quote: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as far as it is compared."""

    status: Status
    answer: str
    quotes: tuple[Quoted, ...]


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A question that is answered in another way; `id` is a golden line's, or that of a line of the log.

    `held` and `holds` tell of a golden answer whether its expectations held before and do so after.
    """

    id: str
    question: str
    asked_in: Literal["golden", "log"]
    old: Reply
    new: Reply
    held: bool | None = None
    holds: bool | None = None
    failures: tuple[str, ...] = ()

    @property
    def broke(self) -> bool:
        """Whether a golden answer held and does not any more."""
        return self.held is True and self.holds is False


@dataclass(frozen=True, slots=True)
class Answers:
    """How many golden lines and questions of the log were asked, how many of the former hold, and what changed."""

    golden: int = 0
    held: int = 0
    holds: int = 0
    recent: int = 0
    changed: tuple[AnswerChange, ...] = ()

    @property
    def broken(self) -> int:
        """How many golden answers held and do not any more."""
        return sum(change.broke for change in self.changed)


@dataclass(frozen=True, slots=True)
class Impact:
    """All that would change; `refused` tells that files were rejected, those too that are not told of."""

    documents: Documents
    answers: Answers
    rejected: tuple[Rejection, ...]
    refused: bool

    def to_json(self) -> Json:
        """Return the impact as `impact --json` prints it."""
        documents = asdict(self.documents)
        facts: Sequence[Json] = documents.pop("facts")
        return {
            "documents": {**documents, "changed": [_document(change) for change in documents["changed"]]},
            "facts": [_placed(fact) for fact in facts],
            "answers": {**asdict(self.answers), "broken": self.answers.broken},
            "rejected": [asdict(rejection) for rejection in self.rejected],
        }


def _document(raw: Json) -> Json:
    removed, added = raw["passages"]
    return {
        **raw,
        "texts": [_placed(text) for text in raw["texts"]],
        "passages": {"removed": removed, "added": added},
    }


def _placed(raw: Json) -> Json:
    """Say the place beside the rest, as citations do."""
    place = raw.pop("place")
    return {**raw, "headings": list(place["headings"]), "page": place["page"]}
