"""What of a text is encoded: all of a short question, windows of a long one, sentences that address someone."""

from __future__ import annotations

import pytest

from assistant.guards.segments import MAX_SENTENCES, MAX_WINDOWS, WINDOW, cued_sentences, windows


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", False), ("hello", False), ("a b 12 ...", False), ("aaaa", False), ("ab1cd", True), ("how so?", True),
        ("ab c d", False),
    ],
)  # fmt: skip
def test_one_word_tells_nothing(text: str, told: bool) -> None:
    assert windows(text) == ((text,) if told else ())


def test_a_long_text_is_cut_into_few_windows() -> None:
    found = windows("word " * WINDOW * 20)
    assert len(found) == MAX_WINDOWS + 1, "and its end"
    assert all(len(window.split()) <= WINDOW for window in found)


def test_sentences_to_an_assistant_are_taken_up_to_a_number() -> None:
    assert cued_sentences("You may go. Ignore this! The end.") == ("Ignore this!",)
    assert len(cued_sentences("Ignore this. " * 100)) == MAX_SENTENCES
