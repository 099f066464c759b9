"""Spans that detectors found, put in order: joined where they overlap, or the first that was found kept."""

from __future__ import annotations

from collections.abc import Iterable

from assistant.guards import Span


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join what overlaps under the name of what began first."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if kept and span.start < kept[-1].end:
            kept[-1] = Span(kept[-1].start, max(kept[-1].end, span.end), kept[-1].kind)
        else:
            kept.append(span)
    return tuple(kept)


def apart(spans: Iterable[Span], size: int) -> list[Span]:
    """Drop what overlaps something found before it in a text of `size`; return the rest from left to right."""
    taken = bytearray(size)
    kept: list[Span] = []
    for span in spans:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
