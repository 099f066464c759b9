"""One question, by one person, now: what is asked, alone or together with the question before it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

from assistant.core.errors import UsageError
from assistant.core.records import MAX_QUESTION, Access, IndexInfo, Turn, Verdict
from assistant.text.words import STOP_WORDS, VERBS, WORD, stem

OPENS_FOLLOW_UP = ("and ", "or ", "what about ", "how about ", "even ", "same ", "in that case", "does that ")
ANAPHORS = frozenset("it its they them their those these that this he she ones same".split())
MAY_REFER = ANAPHORS | frozenset("one there him her".split())  # or not: "Is there one?"
# With these, and no verb, begins what is no question without the one before: "For contractors?".
PREPOSITIONS = frozenset("for in at on with without during after before within from to under by per not if".split())
ASKS = frozenset("who what when where how which".split())  # alone or with one more word: "Who approves?"
ASKING = "|".join(sorted(ASKS | VERBS | frozenset("why whom whose until till".split())))
# Where a second question begins: "how many days, and who decides?"
SECOND_HALF = re.compile(rf"(?:(?<=\?)\s++|,?(?<!\s)\s++and\s++|,\s++)(?=(?:{ASKING})\b)", re.IGNORECASE)
ASKS_SOMETHING = re.compile(rf"\b(?:{ASKING})\b", re.IGNORECASE)
LEAST_HALF = 2  # content words of a half that asks something of its own: "and until when?" does not
MAX_ABOUT = 200  # characters that somebody may say of themselves
MAX_TURNS = 20  # the last ones of a conversation: what a question refers to is not further back
MAX_TURN = 16_000  # characters; a question may have 4,000, and masking makes it longer
MOST_BEFORE = 3  # questions of a conversation from which the next one takes its subject
SHORT_QUESTION = 3  # content words below which a question may not stand alone
LEAST_MISSPELT, MOST_MISSPELT = 5, 8  # letters of a word that is looked up, and such words of a question
LONG_QUESTION = 6  # content words from which one stands alone even where it says "it"

ReportStage = Callable[[str], None]  # is told what is going on: "searching", "reading", "wording"


def no_report(stage: str) -> None:
    """Be told what is going on, and tell nobody."""


class StageTimer:
    """Times the stages, in milliseconds."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages[name] = round(self._stages.get(name, 0.0) + (time.perf_counter() - began) * 1000, 2)

    def timings(self) -> Mapping[str, float]:
        """Return the stages' times, and that of all since the timer was made."""
        return {**self._stages, "total": round((time.perf_counter() - self._began) * 1000, 2)}


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question with what decides its answer: the turns before it, who asks and as of when, and the index.

    `verdicts` are what the guards said of it so far, `about` what whoever asks said of themselves.
    """

    question: str
    history: Sequence[Turn]
    access: Access
    index: IndexInfo
    timer: StageTimer
    report: ReportStage
    k: int
    verdicts: tuple[Verdict, ...] = ()
    typed: str = ""  # the question before its words were respelt, where they were
    about: str = ""

    def as_told(self, asked: str) -> str:
        """Return a question as somebody asks it who says who they are: "Contractor, Leeds. How many days do I get?"."""
        return f"{self.about}. {asked}" if self.about else asked


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A way in which a question may be meant: alone, or `joined` to the question before it."""

    text: str
    joined: bool = False


def checked_question(question: str) -> str:
    """Return a question as it is asked; raises UsageError for an empty or endless one."""
    question = encodable(question).strip()
    if not question:
        raise UsageError("the question is empty.", "Ask something, e.g. assistant ask 'Who approves travel?'")
    if len(question) > MAX_QUESTION:
        raise UsageError(f"the question has {len(question):,} characters; the limit is {MAX_QUESTION:,}.")
    return question


def checked_about(about: str) -> str:
    """Return what somebody says of themselves, in one line; raises UsageError for a story."""
    about = " ".join(encodable(about).split()).rstrip(".")
    if len(about) > MAX_ABOUT:
        cause = f"what is said about whoever asks has {len(about):,} characters; the limit is {MAX_ABOUT:,}."
        raise UsageError(cause, 'Say what decides, like "contractor, London office".')
    return about


def encodable(text: str) -> str:
    """Return a text without lone surrogates and null characters, which no model and no file takes."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def respelt(question: str, knows: Callable[[str], bool], written: Callable[[str], str]) -> str:
    """Return a question with its misspelt words as the documents write them.

    A word is looked up that the encoder does not know as a word, the first few; `written` returns "" for one that the
    documents have or that is like none of theirs.
    """
    words = dict.fromkeys(word for word in WORD.findall(question) if len(word) >= LEAST_MISSPELT and word.isalpha())
    unknown = [word for word in words if not word.isupper() and not (knows(word) or knows(stem(word)))][:MOST_MISSPELT]
    meant = {word: found for word in unknown if (found := written(word))}
    return WORD.sub(lambda match: meant.get(match.group(), match.group()), question)


def recent(history: Sequence[Turn], most: int = MAX_TURNS) -> Sequence[Turn]:
    """Return the last turns of a conversation; raises UsageError if one of them has more than MAX_TURN characters."""
    history = history[-most:]
    if (longest := max((len(turn.content) for turn in history), default=0)) > MAX_TURN:
        cause = f"a message of the history has {longest:,} characters; the limit is {MAX_TURN:,}."
        raise UsageError(cause, "Shorten that message, or leave it out.")
    return [replace(turn, content=encodable(turn.content).strip()) for turn in history]


def questions_before(history: Sequence[Turn]) -> list[str]:
    """Return the questions of a conversation that alone decide what the next one may mean; the log holds no others."""
    asked = [turn.content.strip() for turn in history if turn.role == "user" and turn.content.strip()]
    return asked[-MOST_BEFORE:]


def phrasings(question: str, history: Sequence[Turn]) -> tuple[Phrasing, ...]:
    """Return the ways in which a question may be meant, the likeliest first.

    A whole question is asked alone. One that says "it", or has few words, is asked alone and then, where that is not
    answered, with the one before it. A fragment, "And in Utrecht?", "Who approves it?", is asked with the one before.
    """
    return _phrasings(question, [asked[:MAX_QUESTION] for asked in questions_before(history)])


def subject_of(question: str) -> frozenset[str]:
    """Return the stems of what a whole clause is about; none of one that refers back, or has no verb."""
    words = [word.casefold() for word in WORD.findall(question)]
    referring = {word for before, word in pairwise(["", *words]) if not (word == "there" and before in VERBS)}
    is_clause = not VERBS.isdisjoint(words) and MAY_REFER.isdisjoint(referring)
    return frozenset(map(stem, _own_words(question))) if is_clause else frozenset()


def _phrasings(question: str, asked: Sequence[str]) -> tuple[Phrasing, ...]:
    alone = Phrasing(question)
    if not asked:
        return (alone,)
    words = [word.casefold() for word in WORD.findall(question)]
    refers_back = not ANAPHORS.isdisjoint(words) and len(_content_words(question)) < LONG_QUESTION
    own_words = _own_words(question)
    short = len(own_words) < SHORT_QUESTION
    opens_as_follow_up = question.casefold().startswith(OPENS_FOLLOW_UP)
    if not (refers_back or short or opens_as_follow_up):
        return (alone,)
    before = _phrasings(asked[-1], asked[:-1])[0].text
    joined = Phrasing(f"{before} {question}", joined=True)
    if opens_as_follow_up:
        return (joined,) if short else (joined, alone)
    fragment = short and (refers_back or _is_fragment(words) or not own_words)
    return (joined,) if fragment else (alone, joined)


def halves(question: str) -> tuple[str, str] | None:
    """Return the two questions that one asks, None where it asks one."""
    for match in reversed(list(SECOND_HALF.finditer(question))):
        first, second = question[: match.start()].rstrip(" ,?"), question[match.end() :]
        whole = min(len(_own_words(half)) for half in (first, second)) >= LEAST_HALF
        if whole and ASKS_SOMETHING.search(first):
            return f"{first}?", second
    return None


def _is_fragment(words: Sequence[str]) -> bool:
    """Tell a part of a question, by its words in small letters, from a whole one."""
    if words[:1] and words[0] in PREPOSITIONS:
        return VERBS.isdisjoint(words)
    return len(words) <= 2 and words[:1] != [] and words[0] in ASKS


def _content_words(question: str) -> list[str]:
    return [word for word in WORD.findall(question) if word.casefold() not in STOP_WORDS]


def _own_words(question: str) -> list[str]:
    """Return the content words but what is counted: "how many days" asks of no days."""
    words = WORD.findall(question)
    counted = {at + n for at, pair in enumerate(pairwise(words)) if _counts(*pair) for n in (1, 2)}
    return _content_words(" ".join(word for at, word in enumerate(words) if at not in counted))


def _counts(first: str, second: str) -> bool:
    return first.casefold() == "how" and second.casefold() in ("many", "much")


def repeats_last_answer(text: str, question: str, history: Sequence[Turn]) -> bool:
    """Tell whether the last answer has said a text, to somebody who asks on with words of their own."""
    last = next((turn.content for turn in reversed(history) if turn.role == "assistant"), "")
    own_words = _own_words(question)
    return bool(own_words) and " ".join(text.split()) in " ".join(last.split())
