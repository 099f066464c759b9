"""Where names occur in many texts: every word sequence is looked up once, however many names there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from assistant.text.words import WORD, stem

Phrase = tuple[str, ...]


def phrase(name: str) -> Phrase:
    """Return a name's words as `occurrences` compares them: without case and endings."""
    return tuple(stem(match.group()) for match in WORD.finditer(name))


def occurrences(text: str, wanted: Collection[Phrase]) -> Iterator[tuple[Phrase, int, int]]:
    """Yield (phrase, start, end) of each place where one of the phrases stands."""
    sizes = sorted({len(one) for one in wanted})
    found = [(stem(match.group()), match.start(), match.end()) for match in WORD.finditer(text)]
    words = [word for word, _, _ in found]
    for at in range(len(words)):
        for size in sizes:
            same = tuple(words[at : at + size])
            if len(same) == size and same in wanted:
                yield same, found[at][1], found[at + size - 1][2]
