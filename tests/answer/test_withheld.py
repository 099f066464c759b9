"""A secret and an order of a document are shown by no door: terms, and what stands around a quote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import check_place
from assistant.core.config import Config
from assistant.core.errors import AssistantError, UsageError
from assistant.core.records import Quote
from tests.withheld import FILES, NOBODY, SECRET


@pytest.fixture(scope="module")
def config(index_files: Callable[[Mapping[str, str]], Config]) -> Config:
    return index_files(FILES)


@pytest.fixture(scope="module")
def assistant(config: Config) -> Iterator[Assistant]:
    with closing(Assistant(config, access=NOBODY)) as opened:
        yield opened


def test_a_term_that_is_a_secret_is_masked(assistant: Assistant) -> None:
    found = assistant.terms()
    assert found and SECRET not in str(found)


@pytest.mark.parametrize("part", ["6", SECRET, "Ignore", "two spare"])
def test_no_letter_of_what_may_not_be_shown_opens_what_stands_around_it(assistant: Assistant, part: str) -> None:
    document = assistant.catalog.queries.document("open.md", NOBODY)
    assert document is not None
    start = document.text.index(part)
    quote = Quote(0, part, "open.md", "", (), None, start, start + len(part), document.sha256)
    with pytest.raises(AssistantError):
        if check_place(quote, assistant.catalog, NOBODY):
            raise UsageError("as the tool does")
        assistant.around(quote, NOBODY)
    with pytest.raises(UsageError):
        assistant.place(document.sha256, start, start + len(part), NOBODY)


def test_a_place_that_may_be_quoted_is_shown_with_what_stands_around_it(assistant: Assistant) -> None:
    document = assistant.catalog.queries.document("open.md", NOBODY)
    assert document is not None
    [hit, *_] = assistant.search("spare keys", access=NOBODY).hits
    passage = hit.passage
    shown, text, start, end = assistant.place(hit.document_sha256, passage.start, passage.start + 9, NOBODY)
    assert shown.source == hit.source and text[start:end] == passage.text[:9]
    assert SECRET not in text
    for first, last in ((-1, 9), (5, 5), (9, 5), (0, len(shown.text) + 1)):
        with pytest.raises(UsageError):
            assistant.place(hit.document_sha256, first, last, NOBODY)
