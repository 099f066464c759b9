"""What an answer must not hold: the assistant's own instructions, addresses from nowhere, images, terminal escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.core.records import Stage
from assistant.guards import Detection, GuardInput, Span, in_sources, merge_spans
from assistant.text.canonical import CONTROL
from assistant.text.prompts import NOT_FOUND, SYSTEM

GRAM = 6  # words in a row that nobody writes by chance
CANARIES = (NOT_FOUND,)  # what only the prompt says in these letters

_WORD = re.compile(r"\w+")
_IMAGE = re.compile(r"!\[|<img\b", re.IGNORECASE)
MAX_ALT, MAX_TARGET = 500, 2200  # characters in which the sign that ends one is sought
_URL = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)[^\s<>\"'`]+|\b(?:data|javascript|vbscript):[^\s<>\"']+", re.I)
_TRAILING = ".,;:!?)]}*_"


class Output:
    """Finds what neither the documents say nor an answer may carry."""

    name = "output"
    stages: frozenset[Stage] = frozenset({"output"})
    refusal = "The answer held something that I may not show. Please ask in other words."

    def __init__(self, prompt: str = SYSTEM, canaries: tuple[str, ...] = CANARIES) -> None:
        self._grams = frozenset(gram for gram, _, _ in _grams(prompt))
        self._canaries = canaries

    def check(self, context: GuardInput) -> Detection | None:
        """Return what must go, image before the address in it."""
        sources = "\n".join(context.sources)
        found = [Span(*match.span(), "control characters") for match in CONTROL.finditer(context.text)]
        found += _images(context.text)
        found += _unsourced_links(context.text, sources)
        found += self._leaks(context.text, sources)
        spans = merge_spans(found)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Detection(f"The answer held what no cited document says or what may not be shown: {kinds}.", 1.0, spans)

    def _leaks(self, text: str, sources: str) -> Iterator[Span]:
        """Yield what repeats the prompt and no source."""
        repeated = [found for found in _grams(text) if found[0] in self._grams]
        in_sources = frozenset(gram for gram, _, _ in _grams(sources)) if repeated else frozenset()
        for gram, start, end in repeated:
            if gram not in in_sources:
                yield Span(start, end, "instructions of the assistant")
        for canary in self._canaries:
            if canary not in sources:
                yield from (
                    Span(*match.span(), "instructions of the assistant")
                    for match in re.finditer(re.escape(canary), text)
                )


def _grams(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    found = list(_WORD.finditer(text))
    words = [match.group().casefold() for match in found]
    grams = zip(*(words[at:] for at in range(GRAM)), strict=False)
    for gram, first, last in zip(grams, found, found[GRAM - 1 :], strict=False):
        yield gram, first.start(), last.end()


def _images(text: str) -> Iterator[Span]:
    """Yield `![alt](address)`, `![alt][name]`, `![alt]` and `<img ...>`."""
    for match in _IMAGE.finditer(text):
        if match.group() != "![":
            end = _past(text, ">", match.end(), MAX_TARGET)
        elif end := _past(text, "]", match.end(), MAX_ALT):
            closing = {"(": ")", "[": "]"}.get(text[end : end + 1])
            end = max(end, _past(text, closing, end, MAX_TARGET)) if closing else end
        if end:
            yield Span(match.start(), end, "image")


def _past(text: str, sign: str, start: int, size: int) -> int:
    """Return where the next such sign ends, 0 if none is near."""
    return text.find(sign, start, start + size) + 1


def _unsourced_links(text: str, sources: str) -> Iterator[Span]:
    links = [(match.start(), match.group().rstrip(_TRAILING)) for match in _URL.finditer(text)]
    known = in_sources((link for _, link in links), sources)
    yield from (Span(start, start + len(link), "link") for start, link in links if link not in known)
