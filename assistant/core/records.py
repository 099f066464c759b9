"""The records that flow through the assistant; frozen, and with derived properties only.

Offsets are characters, half-open, into `Document.text`; scores are higher-is-better; times are milliseconds unless a
name says otherwise.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from assistant.core.errors import UsageError

Status = Literal["answered", "abstained", "blocked"]
Method = Literal["dense", "lexical", "term"]
Stage = Literal["input", "document", "output"]
Action = Literal["allow", "redact", "block"]
Opinion = Literal["right", "wrong", "not-asked"]  # of an answer, by whoever asked
Check = Literal["quote", "agrees", "unchecked"]
Audience = tuple[str, ...] | None  # roles; None is everyone, and an empty tuple nobody
Progress = Callable[[str, float, float], None]  # takes the stage of long work, how much is done, of how much


MAX_QUESTION = 4_000  # characters, of one that is asked and of one before it, in its phrasings and in the log


def no_progress(stage: str, done: float, total: float) -> None:
    """Ignore the progress of long work."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What an organisation says about a document: in front matter or `access.toml`, the audience in that alone.

    Dates are ISO `YYYY-MM-DD`; `review` is the day by which somebody has to look at it again.
    """

    policy_id: str | None = None
    version: str | None = None
    effective: str | None = None
    expires: str | None = None
    supersedes: str | None = None
    review: str | None = None
    owner: str | None = None
    classification: str | None = None
    audience: Audience = None


@dataclass(frozen=True, slots=True)
class Document:
    """One document's canonical text.

    The text is plain, with one block a paragraph: `#` headings, `- ` or `1. ` list items, `| a | b |` table rows, code
    indented by four spaces. Links and emphasis are reduced to their text; `emphases` are the spans the author set off
    (bold, italic, `<dt>`), which is where definitions start. `pages[i]` is the offset at which page i + 1 begins; `ocr`
    are the pages that were read by OCR, with its confidence in each.
    """

    id: str
    source: str
    title: str
    text: str
    media_type: str
    sha256: str
    pages: tuple[int, ...] = ()
    meta: Meta = field(default_factory=Meta)
    emphases: tuple[tuple[int, int], ...] = ()
    ocr: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """Something taken out of, or wrong with, a document that was indexed all the same."""

    source: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of a document, or a part of one; `text == document.text[start:end]`."""

    id: int
    document_id: str
    text: str
    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A defined term; `definition == document.text[start:end]`. A scope of `document` holds in that document only."""

    name: str
    aliases: tuple[str, ...]
    definition: str
    document_id: str
    start: int
    end: int
    scope: Literal["organisation", "document"] = "organisation"


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage with where it comes from; `before` is what stands above it in its section."""

    passage: Passage
    score: float
    rank: int
    methods: tuple[Method, ...]
    source: str
    title: str
    document_sha256: str
    before: str = ""

    @property
    def begin(self) -> int:
        """Where in the document what is known of it begins."""
        return self.passage.start - len(self.before)

    def slice(self, start: int, end: int) -> str:
        """Return the document's text at [start, end), as far as it stands in the passage or right before it."""
        if start >= self.passage.start:  # what is above may be long
            return self.passage.text[start - self.passage.start : max(0, end - self.passage.start)]
        return (self.before + self.passage.text)[max(0, start - self.begin) : max(0, end - self.begin)]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence, list item, table row, list or definition that the reader picked; offsets are into the document.

    `lead` is the span, in the passage or before it, of what it stands under: a list's lead-in, a table's header row, a
    question, or the name of the term that is defined; `also` are the others, as in `Unit`. A sentence may be several,
    up to a short paragraph; then `focus` is the span of the one that was picked. A note is what a mark in other
    evidence refers to.
    """

    hit: Hit
    start: int
    end: int
    text: str
    score: float
    kind: Literal["sentence", "item", "row", "list", "definition", "note"] = "sentence"
    lead: tuple[int, int] | None = None
    also: tuple[tuple[int, int], ...] = ()
    focus: tuple[int, int] | None = None

    @property
    def lead_text(self) -> str:
        """The text of the lead, empty without one."""
        return self.hit.slice(*self.lead) if self.lead else ""

    @property
    def governors(self) -> list[tuple[int, int]]:
        """The spans that it stands under, in the order of the document."""
        return sorted((*self.also, *((self.lead,) if self.lead else ())))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader found: evidence best first, the hits reordered, and the probability that the evidence is right.

    `closest` is what a person should look at if it is not. `features` are what the probability was computed from, by
    name; empty where a definition answers or nothing was found.
    """

    evidence: tuple[Evidence, ...]
    hits: tuple[Hit, ...]
    probability: float
    features: Mapping[str, float] = field(default_factory=dict)
    closest: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one guard says of a text at one stage."""

    guard: str
    stage: Stage
    action: Action
    reason: str
    score: float


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a document says at [start, end); personal data and secrets in it are masked.

    An excerpt that `limits` the quote (an exception, a replacement) is always shown with it, any other on request.
    """

    start: int
    end: int
    text: str
    limits: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence of an answer and the verbatim quote that proves it; `context` is shown with it (context.py).

    `focus` is the sentence or item of the quote for which it was picked, where it has others beside it. `since` is the
    ISO day from which its document holds, where that supersedes another. `ocr` is the confidence with which its page
    was read by OCR, None for text.
    """

    key: int
    claim: str
    quote: str
    source: str
    title: str
    headings: tuple[str, ...]
    page: int | None
    start: int
    end: int
    document_sha256: str
    supported: bool
    score: float
    context: tuple[Excerpt, ...] = ()
    focus: str = ""
    since: str = ""
    ocr: float | None = None

    @property
    def is_repeated(self) -> bool:
        """Whether the statement ends with its quote, but for a list's mark: what it stands under may come before."""
        said, words = self.claim.split(), self.quote.split()
        return any(said[-len(end) :] == end for end in (words, words[1:]) if end)


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim quote that is near the question, and is not claimed to answer it."""

    key: int
    quote: str
    source: str
    title: str
    headings: tuple[str, ...]
    page: int | None
    start: int
    end: int
    document_sha256: str

    @property
    def is_repeated(self) -> bool:
        """False: nothing is stated from it."""
        return False


@dataclass(frozen=True, slots=True)
class EarlierQuote(Quote):
    """What a version said that held until a day (ISO), and holds no more."""

    until: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, and the keys of the quotes that carry it.

    `check` says what is known of it: it is its `quote`; its figures, names and roles stand in the passages that it
    names or in the question (`agrees`); or one of them does not, and stands in another passage (`unchecked`).
    """

    text: str
    keys: tuple[int, ...]
    check: Check


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which generator was asked."""

    id: str
    runtime: str


NO_MODEL = ModelInfo("none", "none")


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """Which index a question was asked of, and how much of it whoever asks may see."""

    generation: str
    documents: int
    passages: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer above the quotes that it is made of or that carry it, or that the documents do not answer.

    `sentences` are what the text is made of; `worded_by` is the model that wrote them, None where they are quotes.
    """

    question: str
    status: Status
    text: str
    confidence: float
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    verdicts: tuple[Verdict, ...]
    model: ModelInfo
    index: IndexInfo
    timings: Mapping[str, float]
    sentences: tuple[Sentence, ...] = ()
    worded_by: str | None = None
    closest: tuple[Quote, ...] = ()
    earlier: tuple[EarlierQuote, ...] = ()
    asked: str = ""  # the question with its misspelt words as the documents write them, where it has some
    about: str = ""  # what whoever asks said of themselves, for whom it was answered
    log_id: str = ""  # of its line in the log, where there is one

    @property
    def sources(self) -> Sequence[Citation | Quote]:
        """What is shown beneath the answer: what proves it, or else what came closest."""
        return self.citations or self.closest


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """What a saved answer says and quotes; `faults` are what it holds that no answer does."""

    status: str
    text: str
    citations: tuple[Citation, ...]
    closest: tuple[Quote, ...]
    earlier: tuple[EarlierQuote, ...]
    faults: tuple[str, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    worded_by: str | None = None
    asked: tuple[str, ...] = ()  # the question as it was typed and understood, and who asks


@dataclass(frozen=True, slots=True)
class Feedback:
    """What an asker says of an answer, by its ID in the log: a word, and what the documents say that is right."""

    answer: str
    opinion: Opinion
    note: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The passages that a search found, in the index that was asked."""

    query: str
    hits: tuple[Hit, ...]
    index: IndexInfo
    timings: Mapping[str, float]
    asked: str = ""  # as an answer's

    @property
    def status(self) -> Status:
        """`answered` if anything was found, for exit codes."""
        return "answered" if self.hits else "abstained"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation, or the instruction before it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A file that could not be indexed; `reason` is a code, `detail` a plain sentence."""

    source: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest did. `passages` and `terms` count the whole index afterwards."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: int
    removed: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    flagged: tuple[Flag, ...]
    passages: int
    terms: int
    seconds: float
    missing: int = 0
    embedded: int = 0
    opened: tuple[str, ...] = ()  # which more may see than before


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, and as of which day (ISO date): what may be retrieved at all, whoever the `asker` is by name."""

    roles: frozenset[str] = frozenset()
    as_of: str = ""
    asker: str = field(default="", compare=False)  # what is kept for some roles is the same for all who have them


def make_access(roles: Sequence[str] = (), as_of: str = "") -> Access:
    """Return who asks; `as_of` is today unless given. Raises UsageError for a day that is not YYYY-MM-DD."""
    today = datetime.date.today()
    try:
        day = datetime.date.fromisoformat(as_of) if as_of else today
    except ValueError:
        day = None
    if day is None or (as_of and day.isoformat() != as_of):  # it reads 20240101 and 2024-W01-1, too
        raise UsageError(f"the day must be a date YYYY-MM-DD, not {as_of!r}.", f"For example {today}.")
    return Access(frozenset(role.strip().lower() for role in roles if role.strip()), day.isoformat())


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model folder's manifest: what it is, what made it, and the SHA-256 of every file in it."""

    id: str
    kind: Literal["encoder", "reader", "base", "adapter", "merged", "gptq", "runtime"]
    path: str
    parent_id: str | None
    files: Mapping[str, str]
    settings: Mapping[str, str]
