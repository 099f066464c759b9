"""Evidence -> what is said: each piece of evidence as its quote, on a line of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answer.evidence import said_once
from assistant.answer.proof.citations import answer_text, cite, statements
from assistant.core.records import Citation, Evidence, Sentence, Verdict


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said above the citations: their own statements, unless a model `worded` other sentences."""

    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    verdicts: tuple[Verdict, ...]
    worded_by: str | None = None

    @property
    def text(self) -> str:
        """The answer in one text, with keys."""
        return answer_text(self.said, worded=self.worded_by is not None)

    @property
    def said(self) -> tuple[Sentence, ...]:
        """The sentences of the answer."""
        return self.sentences or statements(self.citations)


def phrase(evidence: Sequence[Evidence], verdicts: tuple[Verdict, ...] = ()) -> Wording:
    """Answer with all of the evidence, in its order."""
    return Wording((), tuple(cite(key, e) for key, e in enumerate(said_once(evidence), 1)), verdicts)
