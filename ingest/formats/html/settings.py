"""Bounds of what is read of HTML, and measures from which nothing is seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HtmlLimits:
    """Bounds of what is read of HTML, and measures from which nothing is seen."""

    max_depth: int = 500  # of elements: deeper ones are laid beside each other, as browsers do from 512 on
    max_nesting: int = 10  # of rules
    max_characters: int = 2_000_000  # of sheets: tinycss2 reads 300 kB a second
    # conditions x elements: css-inline tries from 10 (all hold) to 1,000 million a second
    max_tried: int = 1_000_000_000
    max_declared: int = 20_000_000  # properties x elements, each of which takes 60 bytes
    max_value: int = 500  # characters of an attribute, of a selector
    max_selector: int = 100_000  # characters of an attribute, of a selector
    max_tokens: int = 200  # of a value; a longer one says nothing about visibility
    head: int = 2_000  # characters in which a doctype is looked for
    comment_words: int = 3  # a shorter comment is not reported
    chunk: int = 2**20  # characters parsed at once
    far: float = 999.0  # pixels, beyond any page's edge
    least_opacity: float = 0.1
    piled: float = -0.5  # em between letters, from which they lie on each other
    window: float = 1280.0  # pixels
    nothing: float = 2.0  # pixels: one is what pages for screen readers leave


LIMITS = HtmlLimits()
