"""However a text is made, the guards that mask it take time in proportion to its length."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import thread_time

import pytest

from assistant.guards import GuardInput, Span
from assistant.guards.normalise import sentences, views, windows
from assistant.guards.output import Output
from assistant.guards.personal import Personal, personal_spans
from assistant.guards.run import mask, redacted
from assistant.guards.secrets import secret_spans
from assistant.models.logistic import hash_words

SMALL, LARGE = 10_000, 100_000
ALLOWED = 1.3 * LARGE / SMALL
FLOOR = 0.05  # seconds: below it a clock's noise and a cold cache are larger than what is measured
RUNS = 3

AWS = "AKIA" + "QWERTYUIOPASDFGH"
SHAPES = {
    "dots": ".",
    "addresses": "a@b.co,",
    "quoted addresses": '"a"@',
    "numbers of machines": "1.1.1.1,",
    "logins": "://a:b@c ",
    "logins in one word": "://a:b@c,",
    "images": "![](",
    "tags": "<img ",
    "terminal strings": "\x90",
    "AWS keys": f"{AWS},",
    "token beginnings": "ey-",
    "digits with dashes": "4111-",
    "digits with spaces": "12 3456 ",
    "national numbers": "44051401359 ",
    "account numbers": "DE89 ",
    "telephones": "020 7946 0958, ",
    "spelled digits": "one two ",
    "saying": "password is ",
    "naming": "pin passport 1",
    "lists": "dni1, 23 and ",
    "labels in a list": "nif1/nif2, nif3 ",
    "groups of numbers": "tc 1 A2 B-C.3 ",
    "what may have been found": "nif \0,",
    "cells": "account | 1234567 |\t",
    "items": "nif:\r\n- 12345\n\n1. ",
    "spaces at ends of lines": " \t\n",
    "emphasis": "**a _b` ",
    "owners": "account of a of b ",
    "lists of codes": "pin is 1234, 5678 and ",
    "lists of passwords": "password is hunter22, winter24 and ",
    "short words": "legal winner thank year ",
    "spaces": " ",
    "letters": "a",
    "marks": "e\u0301\u0327",
    "private keys": "-----BEGIN PRIVATE KEY-----",
    "links": "https://a.example/b?c=1 ",
}
PARTS: dict[str, Callable[[str], object]] = {
    "secrets": secret_spans,
    "personal data": personal_spans,
    "output": lambda text: Output().check(GuardInput(text, "output")),
    "windows": windows,
    "sentences": sentences,
    "views": views,
    "words": hash_words,
}  # fmt: skip


def seconds(part: Callable[[str], object], text: str) -> float:
    """Return the processor time of a run in its own thread, without what collecting garbage adds, as timeit does."""
    gc.disable()
    try:
        start = thread_time()
        part(text)
        return thread_time() - start
    finally:
        gc.enable()


def growth(part: Callable[[str], object], small: str, large: str) -> tuple[float, float]:
    """Return the least time of some runs at both sizes; one run is enough if it is below the floor or in proportion."""
    short = min(seconds(part, small) for _ in range(RUNS))
    long = seconds(part, large)
    for _ in range(RUNS - 1):
        if long <= max(FLOOR, ALLOWED * short):
            break
        short, long = max(short, seconds(part, small)), min(long, seconds(part, large))
    return short, long


def filled(shape: str, size: int) -> str:
    return (shape * (size // len(shape) + 1))[:size]


@pytest.mark.slow  # together half a minute, and rarely changed by a commit
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_ten_times_the_text_takes_about_ten_times_as_long(shape: str, part: str) -> None:
    short, long = growth(PARTS[part], filled(SHAPES[shape], SMALL), filled(SHAPES[shape], LARGE))
    assert long <= max(FLOOR, ALLOWED * short), f"{short:.4f} s and {long:.4f} s"


def test_a_key_and_a_word_that_never_end() -> None:
    key = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"  # the prefix apart, or scanners find it here
    for gap in ("", " "):
        short, long = growth(secret_spans, key + gap + "a" * SMALL, key + gap + "a" * LARGE)
        assert long <= max(FLOOR, ALLOWED * short)


def test_many_different_contacts_are_sought_in_the_sources() -> None:
    def check(text: str) -> object:
        return Personal().check(GuardInput(text, "output", sources=(f"b{text}",)))

    small, large = (" ".join(f"a{n}@b{n}.example" for n in range(size // 20)) for size in (SMALL, LARGE))
    short, long = growth(check, small, large)
    assert long <= max(FLOOR, ALLOWED * short)


def test_masking_many_spans() -> None:
    def masked(text: str) -> str:
        return mask(text, [Span(at, at + 2, "x") for at in range(0, len(text), 3)])

    short, long = growth(masked, "a" * SMALL, "a" * LARGE)
    assert long <= max(FLOOR, ALLOWED * short)


LISTS = [
    "accounts: 1234, ",
    "passports 1 and ",
    "licence 12345678/",
    "nif 12345 (a), ",
    "dni1 ",
    "tc A1-",
    "vat no\0, ",
    "account | 12345678 | ",
    "nif\r\n- 12345678\n\n",
    "account of **a** ",
    "pin 4821, 9932 and ",
    "1. 82345678\n",
]


@pytest.mark.parametrize("listed", [*LISTS, *(each.partition(" ")[2] for each in LISTS[:4])])
def test_a_list_of_numbers_that_never_ends(listed: str) -> None:
    assert seconds(redacted, filled(f"accounts: {listed}", 100) + filled(listed, 200_000)) < 10


def test_a_million_signs_are_masked_in_seconds() -> None:
    text = filled(f"Write to a@b.co about {AWS}, 10.0.0.1.\n", 1_000_000)
    assert seconds(redacted, text) < 30
