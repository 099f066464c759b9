"""Secrets of a text: what looks like one wherever it stands, and what a text calls one."""

from __future__ import annotations

from assistant.core.records import Stage
from assistant.guards import Detection, GuardInput, Span, merge_spans
from assistant.guards.normalized_with_offsets import normalize_with_offsets
from assistant.guards.secrets.named import named_spans
from assistant.guards.secrets.shapes import shape_spans


def secret_spans(text: str) -> tuple[Span, ...]:
    """Return the secrets of a text, left to right, none inside another."""
    read = normalize_with_offsets(text)
    lower = read.lower()
    found = (*shape_spans(read.text, lower), *named_spans(read.text, lower))
    return merge_spans(read.span(span.start, span.end, span.kind) for span in found)


class Secrets:
    """Finds keys, tokens and passwords."""

    name = "secrets"
    stages: frozenset[Stage] = frozenset({"input", "document", "output"})
    refusal = "This holds a key or a password. Please ask again without it, and have it changed if others saw it."

    def check(self, context: GuardInput) -> Detection | None:
        """Return the secrets of the text."""
        spans = secret_spans(context.text)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Detection(f"It holds a secret: {kinds}.", 1.0, spans)
