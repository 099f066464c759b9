"""What lint reports holds no secret, no order to an assistant and nothing of what whoever asks may not see."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict

import pytest

from assistant.contract import dumps
from assistant.core.config import Config
from assistant.core.records import Document, Meta, no_progress
from assistant.index.schema import SourceRow
from ingest.lint.corpus import Policy
from ingest.lint.run import RULES, lint, linter_index, open_models
from tests.withheld import FILES, NOBODY, SECRET


@pytest.fixture(scope="module")
def config(index_files: Callable[[Mapping[str, str]], Config]) -> Config:
    return index_files(FILES)


def linted(config: Config) -> str:
    report = lint(config, NOBODY, RULES, open_models(config))
    assert report.findings
    return dumps([asdict(finding) for finding in report.findings])


def test_lint_masks_and_withholds_in_messages_and_headings_too(config: Config) -> None:
    told = linted(config)
    assert "TOQ" in told and "withheld" in told
    assert SECRET not in told and "previous instructions" not in told
    assert "Embargo" not in told and "XQZ" not in told


def test_lint_says_the_same_of_links_to_what_is_hidden_and_to_nothing(config: Config) -> None:
    told = linted(config)
    assert "board/plan.md leads nowhere" in told and "board/none.md leads nowhere" in told


def test_a_link_below_what_is_masked_is_found_where_it_stands(
    index_files: Callable[[Mapping[str, str]], Config],
) -> None:
    text = f"# Keys\n\n{'The key is ' + SECRET + '. ' * 3}\n\nStaff must not smoke.\n\nSee [it](gone.md) for more.\n"
    config = index_files({"a.md": text})
    report = lint(config, NOBODY, RULES, open_models(config))
    (place,) = [finding.place for finding in report.findings if finding.code == "link-dead"]
    assert place.quote == "See it for more."


def test_lint_of_files_masks_what_an_ingest_would(
    index_files: Callable[[Mapping[str, str]], Config],
) -> None:
    config = index_files({"a.md": "# Rule\n\nAll is said.\n"})
    codes = "# The alarm code is 48299\n\nThe alarm codes:\n\n- [48299](48299.md)\n\n"
    text = f"{codes}## Passport number\n\n[533380006](a.md)\n"
    (config.base / "new.md").write_text(text, encoding="utf-8")
    with linter_index([config.base / "new.md"], config, no_progress) as (scratch, _):
        told = linted(scratch)
    assert told.count("leads nowhere") == 2 and "[code removed]" in told
    assert "48299" not in told and "533380006" not in told
    indexed = linted(index_files({"new.md": text}))
    assert indexed.count("leads nowhere") == 2 and "48299" not in indexed and "533380006" not in indexed


def test_lint_reads_no_file_that_is_not_what_was_indexed(index_files: Callable[[Mapping[str, str]], Config]) -> None:
    changed = index_files({"a.md": "# Rule\n\nThe TOQ decides.\n\n[x](gone.md)\n", "b.md": "# B\n\n[y](gone.md)\n"})
    docs = changed.base / "docs"
    assert linted(changed).count("gone.md leads nowhere") == 2
    (docs / "a.md").write_text("# Rule\n\n[z](layoffs.md)\n", encoding="utf-8")
    (docs / "b.md").unlink()
    os.mkfifo(docs / "b.md")
    told = linted(changed)
    assert "TOQ" in told and "layoffs" not in told and "gone.md" not in told


def test_what_is_indexed_in_part_is_not_quoted() -> None:
    text = "A withheld. B indexed."
    document = Document(id="x", source="x.md", title="", text=text, media_type="text/markdown", sha256="x")
    row = SourceRow("/x.md", "/", "x.md", "x", 0, 0, 0, "x", Meta())
    half = Policy(document, terms=(), indexed=[(text.index("B"), len(text))], row=row)
    assert half.is_indexed(text.index("B"), len(text)) and half.is_indexed(text.index(" B"), len(text))
    assert not half.is_indexed(0, len(text)) and not half.is_indexed(0, 5)


def test_a_long_link_stops_nothing(index_files: Callable[[Mapping[str, str]], Config]) -> None:
    assert "leads nowhere" in linted(index_files({"a.md": f"# L\n\nSee [x]({'a' * 300}.md).\n"}))
