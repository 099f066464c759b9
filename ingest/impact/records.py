"""What an impact says: of documents, their texts and terms, and of answers.

Every text in these records is as it may be shown: masked, and only of documents that whoever asks may see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from assistant.core.records import Rejection, Status
from assistant.text.canonical import heading_path
from assistant.text.quantities import QuantityKind

PieceKind = Literal["heading", "sentence", "item", "row", "header", "code"]
ChangeType = QuantityKind | Literal["duty", "audience", "term", "text"]
Operation = Literal["equal", "insert", "delete", "replace"]
ChangeSeverity = Literal["major", "moderate", "minor"]

Line = list[tuple[str, str]]  # what a report says in a line: (role, text), of the roles strong, dim, old, new or none

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """A span of a text before and after, and what sort of thing it is; one side is empty where `op` says so."""

    op: Operation
    type: ChangeType
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TextChange:
    """A sentence, item, row or heading before and after, one of them empty; its place is that of the new one, if any.

    It is major where a figure, a date or a duty differs, moderate where it is a name, a term or whom a rule binds.
    """

    kind: PieceKind
    severity: ChangeSeverity
    old: str
    new: str
    headings: tuple[str, ...]
    page: int | None
    edits: tuple[Edit, ...]

    @property
    def place(self) -> str:
        """The headings above it, and its page."""
        return heading_path("", self.headings, self.page)

    def words(self, kept: int = 12) -> Line:
        """Return the words that changed, and so many unchanged ones on either side of them."""
        found: Line = []
        for edit in self.edits:
            if edit.op != "equal":
                found += [("old", edit.old), ("new", edit.new)]
                continue
            words = edit.new.split()
            found.append(("", " ".join([*words[:kept], "…", *words[-kept:]] if len(words) > 2 * kept else words)))
        return [part for part in found if part[1]]


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

    def lines(self) -> Iterator[Line]:
        """Yield what changed: what is said of it, its terms, and its texts, the gravest first."""
        for name, old, new in (
            *((meta.key, meta.old, meta.new) for meta in self.meta),
            *((f"term {term.name}", term.old, term.new) for term in self.terms),
        ):
            yield [("strong", f"{name}:"), *((role, text) for role, text in (("old", old), ("new", new)) if text)]
        for text in sorted(self.texts, key=lambda text: get_args(ChangeSeverity).index(text.severity)):
            where = f" ({text.place})" if text.place else ""
            yield [("dim", f"{text.severity} {text.kind}{where}:"), *text.words()]


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

    @property
    def counts(self) -> dict[ChangeSeverity, int]:
        """How many texts changed, by severity."""
        texts = Counter(text.severity for change in self.changed for text in change.texts)
        return {severity: texts[severity] for severity in get_args(ChangeSeverity)}


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

    def lines(self) -> Iterator[Line]:
        """Yield what failed of a golden answer that held, and the answer before and after with its quotes."""
        if self.broke:
            yield from ([("strong", "fails:"), ("", failure)] for failure in self.failures)
        for name, reply in (("now:", self.old), ("then:", self.new)):
            yield [("dim", name), ("", reply.answer or reply.status)]
            yield from ([("dim", "cites:"), ("", f"“{q.quote}”"), ("dim", f"({q.source})")] for q in reply.quotes)


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
    """All that would change; `refused` tells that files were rejected, those too that are not said of."""

    documents: Documents
    answers: Answers
    rejected: tuple[Rejection, ...]
    refused: bool

    def to_json(self) -> Json:
        """Return the impact as `impact --json` prints it."""
        return {
            "documents": {
                **asdict(self.documents),
                "changed": [_document(change) for change in self.documents.changed],
            },
            "texts": self.documents.counts,
            "answers": {**asdict(self.answers), "broken": self.answers.broken},
            "rejected": [asdict(rejection) for rejection in self.rejected],
        }

    def headline(self) -> str:
        """Say in a sentence or three how much would change."""
        documents, answers = self.documents, self.answers
        counts = {name: len(getattr(documents, name)) for name in ("changed", "added", "removed", "hidden")}
        counts["unchanged"] = documents.unchanged
        said = [
            f"Documents: {_listed(counts, 'changed')}.",
            f"Texts that changed: {_listed(documents.counts, 'major')}.",
        ]
        if answers.golden:
            said.append(
                f"Golden answers: {answers.holds:,} of {answers.golden:,} would hold, {answers.held:,} hold now."
            )
        if asked := answers.golden + answers.recent:
            said.append(f"Answers that would differ: {len(answers.changed):,} of {asked:,}.")
        if self.rejected:
            said.append(f"Files rejected: {len(self.rejected):,}.")
        return " ".join(said)


def _listed(counts: Mapping[Any, int], always: str) -> str:
    """Write counts in a line, those of nothing left out but for one."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count or name == always)


def _document(change: DocumentChange) -> Json:
    removed, added = change.passages
    return {**asdict(change), "passages": {"removed": removed, "added": added}}
