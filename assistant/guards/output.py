"""What an answer must not hold, whatever the documents say: images, terminal escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.core.records import Stage
from assistant.guards import Detection, GuardInput, Span
from assistant.text.canonical import CONTROL

_IMAGE = re.compile(r"!\[|<img\b", re.IGNORECASE)
MAX_ALT, MAX_TARGET = 500, 2200  # characters in which the sign that ends one is sought


class Output:
    """Finds what an answer may not carry."""

    name = "output"
    stages: frozenset[Stage] = frozenset({"output"})
    refusal = "The answer held something that I may not show. Please ask in other words."

    def check(self, context: GuardInput) -> Detection | None:
        """Return what must go."""
        found = [Span(*match.span(), "control characters") for match in CONTROL.finditer(context.text)]
        spans = (*found, *_images(context.text))
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Detection(f"The answer held what may not be shown: {kinds}.", 1.0, spans)


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
    """Return where the next such sign of the paragraph ends, 0 if none is near."""
    blank = text.find("\n\n", start, start + size)
    return text.find(sign, start, start + size if blank < 0 else blank) + 1
