"""Runs the guards as the settings say: finds, then lets through, masks or refuses, and says why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from assistant.core.config import GuardsSection
from assistant.core.files import hash_file
from assistant.core.records import Action, Stage, Verdict
from assistant.guards import Detection, Guard, GuardInput, Span, merge_spans
from assistant.guards.injection import Injection
from assistant.guards.output import Output
from assistant.guards.personal import Personal
from assistant.guards.rules import PERSONAL, SECRETS, names_value
from assistant.guards.secrets import Secrets

if TYPE_CHECKING:
    from assistant.models.encoder import Encode

GUARDS: Mapping[str, type[Guard]] = {
    "injection": Injection, "secrets": Secrets, "personal": Personal, "output": Output
}  # fmt: skip
MASKING = (Secrets.name, Personal.name, Output.name)  # what they find has a place
REFUSALS = frozenset(guard.refusal for guard in GUARDS.values())
MASKED = re.compile(r"\[[^\[\]]+ removed\]")  # what `mark` writes
QUESTION_MARKS = frozenset("?？؟")
CLAUSES = re.compile(r"[,;.!]\s+|\b(?:is|are|was|were)\b[\s:]*|['’]s\s+", re.IGNORECASE)  # where an answer may begin
MOST_CLAUSES = 12  # of an answer
LONGEST_NAME = 160  # characters: a name stands at the end of what asks for a value, or introduces it
WORDS = re.compile(r"[^\W_]+")
LEAST_SIGNS = 3  # of a value that is sought in other texts: what reaches into the next one may be a digit there
MOST_BETWEEN, MOST_PARTS = 3, 8  # signs between the parts of a value, and such parts: "533-380-006", "Sunfl0wer!x"
KEPT = GuardsSection(injection="off", output="off", personal="redact", secrets="redact")


@dataclass(frozen=True, slots=True)
class Screened:
    """A text after the guards, masked where they say so; `refusal` is what the user is told instead of an answer.

    `spans` are what was masked, in the text as it was before.
    """

    text: str
    verdicts: tuple[Verdict, ...] = ()
    refusal: str = ""
    spans: tuple[Span, ...] = ()

    @property
    def action(self) -> Action:
        """The strongest action of the verdicts."""
        taken = {verdict.action for verdict in self.verdicts}
        return "block" if "block" in taken else "redact" if "redact" in taken else "allow"


class Guards:
    """Every guard that is not off, with what its setting does."""

    def __init__(self, settings: GuardsSection, encode: Encode | None = None) -> None:
        """Load what is switched on; `encode` gives the vectors that the models read. Raises ModelDamaged."""
        self._encode = encode
        actions = {name: str(getattr(settings, name)) for name in GUARDS}
        self._guards = [(guard(), actions[name]) for name, guard in GUARDS.items() if actions[name] != "off"]

    def input(self, question: str) -> Screened:
        """Screen a question before anything is looked up."""
        return self._screen(GuardInput(question, "input", self._encode))

    def output(self, text: str, sources: Sequence[str]) -> Screened:
        """Screen an answer, given the texts that it was worded from."""
        return self._screen(GuardInput(text, "output", sources=sources))

    def documents(self, passages: Sequence[str]) -> list[Screened]:
        """Screen passages before they are indexed; what is to be encoded of them goes through the encoder at once."""
        contexts = [GuardInput(passage, "document", self._encode) for passage in passages]
        self._encode_together(contexts)
        return [self._screen(context) for context in contexts]

    def screen(self, text: str, stage: Stage) -> Screened:
        """Screen a text at a stage, without sources."""
        if stage == "document":
            return self.documents([text])[0]
        return self.input(text) if stage == "input" else self.output(text, ())

    def _encode_together(self, contexts: Sequence[GuardInput]) -> None:
        injection = next((guard for guard, _ in self._guards if isinstance(guard, Injection)), None)
        if self._encode is None or injection is None:
            return
        opened = [context.open_pieces(injection.orders) for context in contexts]
        if pieces := [piece for found in opened for piece, _ in found]:
            vectors, at = self._encode(pieces), 0
            for context, found in zip(contexts, opened, strict=True):
                context.vectors = vectors[at : at + len(found)]
                at += len(found)

    def _screen(self, context: GuardInput) -> Screened:
        verdicts: list[Verdict] = []
        masked: list[Span] = []
        refusal = ""
        for guard, setting in self._guards:
            if context.stage not in guard.stages or (finding := guard.check(context)) is None:
                continue
            action = _action(setting, finding)
            verdicts.append(Verdict(guard.name, context.stage, action, finding.reason, finding.score))
            if action == "block":
                refusal = refusal or guard.refusal
            # A question that is refused is told back as it was asked; a document's text may be shown all the same.
            if action == "redact" or (action == "block" and context.stage == "output"):
                masked += finding.spans
        return Screened(mask(context.text, masked), tuple(verdicts), refusal, tuple(masked))


def _action(setting: str, finding: Detection) -> Action:
    """Return what a setting does about a finding; what has no place cannot be masked, so it is refused."""
    if setting == "flag":
        return "allow"
    return "redact" if setting == "redact" and finding.spans else "block"


def redacted(text: str) -> str:
    """Mask the personal data and secrets of what is written to a file, whatever the settings say of showing it."""
    return Guards(KEPT).input(text).text


def redacted_together(texts: Sequence[str]) -> list[str]:
    """Mask texts that follow one another as `redacted` does, and what one names and the next one holds, in all."""
    values = values_together([texts])
    return [redacted_with(text, values) for text in texts]


def redacted_with(text: str, values: Mapping[str, str]) -> str:
    """Mask a text as `redacted` does, and values that were found in others."""
    return mask_values(redacted(text), values)


def values_together(readings: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return what is to be masked in texts that are read one behind the other: its letters and digits, and its kind.

    The one before may name what the next one holds: "What is my passport number?", "Yes, it is 533380006".
    """
    values: dict[str, str] = {}
    for reading in readings:
        texts = [text for text in reading if text]
        values |= _found_in(texts)
        for before, text in pairwise(texts):
            name = _as_label(before[-LONGEST_NAME:])
            if names_value(name):
                for clause in dict.fromkeys((text, *CLAUSES.split(text)[:MOST_CLAUSES])):
                    values |= _found_in((name, clause))
    return values


def _found_in(texts: Sequence[str]) -> dict[str, str]:
    values = dict[str, str]()
    begins = list(accumulate((len(text) + 1 for text in texts), initial=0))
    for span in Guards(KEPT).input(" ".join(texts)).spans:
        held = ((text, at) for text, at in zip(texts, begins, strict=False) if span.meets(at, at + len(text)))
        values |= {signs_of(text[max(span.start - at, 0) : span.end - at]): span.kind for text, at in held}
    return {value: kind for value, kind in values.items() if len(value) >= LEAST_SIGNS}


def _as_label(text: str) -> str:
    """Return a question as what stands before its answer."""
    end = next((at for at in range(len(text), 0, -1) if text[at - 1].isalnum()), 0)
    return text if QUESTION_MARKS.isdisjoint(text[end:]) else f"{text[:end]}:"


def signs_of(value: str) -> str:
    """Return what is the same in all ways to write a value: "533-380-006", "533380006"."""
    return "".join(filter(str.isalnum, value)).casefold()


def mask_values(text: str, values: Mapping[str, str]) -> str:
    """Replace values that were found elsewhere, named by their signs, wherever whole words are just these."""
    longest = max(map(len, values), default=0)
    words = [(*word.span(), signs_of(word[0])) for word in WORDS.finditer(text)] if longest else []
    found = list[Span]()
    for at, (start, end, said) in enumerate(words):
        if said in values:
            found.append(Span(start, end, values[said]))
        for after, beyond, signs in words[at + 1 : at + MOST_PARTS]:
            said += signs
            if after - end > MOST_BETWEEN or len(said) > longest:
                break
            end = beyond
            if said in values:
                found.append(Span(start, end, values[said]))
    return mask(text, merge_spans(found))


def is_masked(text: str) -> bool:
    """Tell whether anything was masked in a text."""
    return MASKED.search(text) is not None


@cache
def masks_id(settings: GuardsSection) -> str:
    """Name what is masked in documents by these settings: what was masked by others is not to be shown."""
    masks = [str(getattr(settings, name) in ("redact", "block")) for name in MASKING]
    return " ".join((*masks, *(hash_file(path)[:12] for path in (PERSONAL, SECRETS))))


def shows(masked: str, text: str) -> bool:
    """Tell whether a text is another one, or that with parts masked."""
    first, *others = MASKED.split(masked)
    if not others:
        return masked == text
    at = len(first) if text.startswith(first) else -1
    for part in others[:-1]:
        found = text.find(part, at + 1) if at >= 0 else -1
        at = found + len(part) if found >= 0 else -1
    return at >= 0 and text.endswith(others[-1]) and len(text) - len(others[-1]) > at


def mark(kind: str) -> str:
    """Return what stands in the place of what was masked."""
    return f"[{kind} removed]"


def mask_part(text: str, start: int, end: int, spans: Iterable[Span]) -> str:
    """Return text[start:end] with what of these spans of the text lies in it replaced by its kind."""
    inside = (span for span in spans if span.meets(start, end))
    moved = [Span(max(span.start, start) - start, min(span.end, end) - start, span.kind) for span in inside]
    return mask(text[start:end], moved)


def mask(text: str, spans: Sequence[Span]) -> str:
    """Replace each span by its kind, like `[e-mail removed]`; where spans overlap the first names the whole."""
    parts: list[str] = []
    at = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= at:
            parts += [text[at : span.start], mark(span.kind)]
        at = max(at, span.end)
    return "".join(parts) + text[at:]
