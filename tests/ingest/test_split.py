from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.core.config import IngestSection
from assistant.core.records import Document
from assistant.text.canonical import HEADING, blocks
from ingest.split import split

SENTENCE = st.integers(1, 40).map(lambda n: " ".join(["word"] * n).capitalize() + ".")
BLOCK = st.one_of(
    st.sampled_from(["# One", "## Two", "### Three", "## Two again"]),
    st.lists(SENTENCE, min_size=1, max_size=12).map(" ".join),
    st.lists(SENTENCE.map(lambda s: f"- {s}"), min_size=1, max_size=12).map("\n".join),
    st.integers(1, 40).map(lambda n: "| A | B |\n|---|---|\n" + "\n".join(f"| {i} | value {i} |" for i in range(n))),
)
SETTINGS = IngestSection(passage_words=40, passage_max_words=60)


def document(text: str, pages: tuple[int, ...] = ()) -> Document:
    return Document("d", "d.md", "Title", text, "text/markdown", "0" * 64, pages)


@settings(max_examples=150)
@given(st.lists(BLOCK, max_size=12).map("\n\n".join))
def test_passages_cover_every_word_once_and_never_cross_a_heading(text: str) -> None:
    passages = split(document(text), SETTINGS, "sha")
    at = 0
    for p in passages:
        assert not text[at : p.start].strip(), "words between passages"
        assert p.start < p.end <= len(text)
        kinds = [b.kind for b in blocks(text, p.start, p.end)]
        body = [i for i, kind in enumerate(kinds) if kind != "heading"]
        assert not body or "heading" not in kinds[body[0] :], "a heading inside a passage's body"
        at = p.end
    assert not text[at:].strip()


@settings(max_examples=100)
@given(st.lists(BLOCK, min_size=1, max_size=12).map("\n\n".join))
def test_headings_are_the_path_to_the_passage(text: str) -> None:
    for p in split(document(text), SETTINGS, "sha"):
        lines = [HEADING.match(line) for line in text[: p.end].splitlines()]
        path: list[tuple[int, str]] = []
        for match in filter(None, lines):
            path = [entry for entry in path if entry[0] < len(match[1])] + [(len(match[1]), match[2])]
        assert p.headings == tuple(name for _, name in path)


def test_a_long_table_repeats_its_header_in_what_is_embedded() -> None:
    rows = "\n".join(f"| role {i} | may approve up to {i} thousand pounds in one purchase |" for i in range(30))
    passages = split(document(f"# Limits\n\nThe limits are:\n\n| Role | Limit |\n|---|---|\n{rows}"), SETTINGS, "sha")
    assert len(passages) > 2
    assert all("| Role | Limit |" in p.embed_text for p in passages)
    assert passages[0].embed_text.startswith("Title > Limits\nThe limits are:")


def test_a_passages_own_headings_are_embedded_once() -> None:
    (passage,) = split(document("# Travel\n\n## Hotels\n\nBook them early.\n"), SETTINGS, "sha")
    assert passage.embed_text == "Title > Travel > Hotels\nBook them early."
    (passage,) = split(document("# Travel\n"), SETTINGS, "sha")
    assert passage.embed_text == "Title > Travel"


def test_a_passage_knows_its_page() -> None:
    text = "First page text.\n\n# Two\n\nSecond page text."
    pages = [p.page for p in split(document(text, (0, 18)), SETTINGS, "sha")]
    assert pages == [1, 2]


def test_same_text_and_headings_share_a_vector_key() -> None:
    one, two = (split(document("# A\n\nSame."), SETTINGS, sha)[0].vector for sha in ("x", "x"))
    assert one == two and split(document("# A\n\nSame."), SETTINGS, "y")[0].vector != one
