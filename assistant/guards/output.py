"""What an answer must not hold: the assistant's own instructions, addresses from nowhere, images, terminal escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.core.types import Stage
from assistant.guards import Context, Finding, Span
from assistant.prompts import NOT_FOUND, SYSTEM

GRAM = 6  # words in a row that nobody writes by chance
CANARIES = (NOT_FOUND,)  # what only the prompt says in these letters

_WORD = re.compile(r"\w+")
_IMAGE = re.compile(r"!\[[^\]]{0,500}\](?:\([^)\s]{0,2000}[^)]{0,200}\)|\[[^\]]{0,200}\])?|<img\b[^>]{0,2000}>", re.I)
_URL = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)[^\s<>\"'`]+|\b(?:data|javascript|vbscript):[^\s<>\"']+", re.I)
_ESCAPE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,4096}"
    "(?:\x07|\x1b\\\\|\x9c)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_TRAILING = ".,;:!?)]}*_"


class Output:
    """Finds what neither the documents say nor an answer may carry."""

    name = "output"
    stages: frozenset[Stage] = frozenset({"output"})
    refusal = "The answer held something that I may not show. Please ask in other words."

    def __init__(self, prompt: str = SYSTEM, canaries: tuple[str, ...] = CANARIES) -> None:
        self._grams = frozenset(gram for gram, _, _ in _grams(prompt))
        self._canaries = canaries

    def check(self, context: Context) -> Finding | None:
        """Return what must go, image before the address in it."""
        given = "\n".join(context.sources)
        found = [Span(*match.span(), "control characters") for match in _ESCAPE.finditer(context.text)]
        found += [Span(*match.span(), "image") for match in _IMAGE.finditer(context.text)]
        found += _foreign_links(context.text, given)
        found += self._leaks(context.text, given)
        spans = _merged(found)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Finding(f"The answer held what no cited document says or what may not be shown: {kinds}.", 1.0, spans)

    def _leaks(self, text: str, given: str) -> Iterator[Span]:
        """Yield what repeats the prompt and no source."""
        in_sources = frozenset(gram for gram, _, _ in _grams(given))
        for gram, start, end in _grams(text):
            if gram in self._grams and gram not in in_sources:
                yield Span(start, end, "instructions of the assistant")
        for canary in self._canaries:
            if canary not in given:
                yield from (
                    Span(*match.span(), "instructions of the assistant")
                    for match in re.finditer(re.escape(canary), text)
                )


def _grams(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    words = [(match.group().casefold(), match.start(), match.end()) for match in _WORD.finditer(text)]
    for at in range(len(words) - GRAM + 1):
        taken = words[at : at + GRAM]
        yield tuple(word for word, _, _ in taken), taken[0][1], taken[-1][2]


def _foreign_links(text: str, given: str) -> Iterator[Span]:
    for match in _URL.finditer(text):
        url = match.group().rstrip(_TRAILING)
        if url not in given:
            yield Span(match.start(), match.start() + len(url), "link")


def _merged(spans: list[Span]) -> tuple[Span, ...]:
    """Join what overlaps under the name of what began first."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if kept and span.start < kept[-1].end:
            kept[-1] = Span(kept[-1].start, max(kept[-1].end, span.end), kept[-1].kind)
        else:
            kept.append(span)
    return tuple(kept)
