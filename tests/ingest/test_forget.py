"""What is forgotten is nowhere in the data folder, and the rest still answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.core.config import Config
from assistant.core.errors import IndexMissing, UsageError
from assistant.index.catalog import Catalog
from ingest.moves_and_removals import forget

SECRET = "Zanzibarite invoices are paid by Quuxley within 17 days.\n\n**Frobnitz** means a zanzibarite unit.\n"
KEPT = "# Parking\n\nVisitors park in bay 7 for at most three hours.\n"
TRACES = (b"anzibarite", b"uuxley", b"robnitz", b"zanzibarit")  # the last as the word index stems it


def traces(folder: Path) -> list[str]:
    """Name the files that hold a trace of the document's words."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(trace in path.read_bytes().lower() for trace in TRACES)]


@pytest.fixture
def config(
    make_config: Callable[..., Config], write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> Config:
    config = make_config()
    filler = {f"rules/{n}.md": f"# Rule {n}\n\nTeam {n} keeps {n} spare keys in room {n}.\n" for n in range(40)}
    files = {"pay/invoices.md": f"# Paying\n\n{SECRET}", "parking.md": KEPT, **filler}
    run_ingest(config, write_files(files))
    return config


def test_no_byte_of_the_text_stays(config: Config) -> None:
    assistant = Assistant(config, audit=True)
    assert "Quuxley" in assistant.answer("Within how many days are zanzibarite invoices paid?").text
    assistant.close()
    (config.data / "audit.jsonl").unlink()  # what people asked is theirs, not the document's
    assert traces(config.data)
    assert forget(["pay/invoices.md"], config) == ["pay/invoices.md"]
    assert traces(config.data) == []
    after = Assistant(config)
    assert "bay 7" in after.answer("Where do visitors park?").text
    assert after.answer("Within how many days are zanzibarite invoices paid?").status == "abstained"
    assert after.catalog.info().documents == 41
    after.close()


def test_a_document_that_another_file_holds_stays_for_that_file(
    config: Config, write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> None:
    run_ingest(config, write_files({"copy.md": f"# Paying\n\n{SECRET}"}))
    forget(["pay/invoices.md"], config)
    assistant = Assistant(config)
    [first, *_] = assistant.answer("Within how many days are zanzibarite invoices paid?").citations
    assert first.source == "copy.md"
    assistant.close()


def test_a_name_in_several_roots_is_not_forgotten_in_all(
    config: Config, tmp_path: Path, run_ingest: Callable[..., Any]
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "parking.md").write_text("# Parking\n\nBicycles are kept in bay 9.\n", encoding="utf-8")
    run_ingest(config, tmp_path / "other")
    ours, theirs = str(tmp_path / "docs" / "parking.md"), str(tmp_path / "other" / "parking.md")
    with pytest.raises(UsageError, match=r"2 documents are called 'parking\.md': ") as error:
        forget(["pay/invoices.md", "parking.md"], config)
    assert ours in error.value.cause and theirs in error.value.cause and "path" in error.value.hint
    assert len(Catalog.open(config.data).sources()) == 43
    assert forget([theirs], config) == ["parking.md"]
    assert ours in Catalog.open(config.data).sources()
    assert forget(["parking.md"], config) == ["parking.md"]


def test_an_unknown_name_tells_of_no_other_documents(config: Config) -> None:
    with pytest.raises(UsageError) as error:
        forget(["zzzzzz"], config)
    assert "rules/" not in str(error.value) and len(str(error.value)) < 120


def test_an_unknown_name_changes_nothing(config: Config, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no 'pay/invoice\.md' \(did you mean 'pay/invoices\.md'"):
        forget(["parking.md", "pay/invoice.md"], config)
    assert len(Catalog.open(config.data).sources()) == 42
    with pytest.raises(IndexMissing):
        forget(["parking.md"], Config(base=tmp_path / "elsewhere"))


def test_a_glob_names_many(config: Config) -> None:
    assert forget(["rules/1*.md", "parking.md"], config) == [
        "parking.md",
        *(f"rules/{n}.md" for n in (1, *range(10, 20))),
    ]
    with pytest.raises(UsageError, match="holds no"):
        forget(["rules/z*"], config)


def test_a_glob_is_one_of_the_manifests_and_of_one_root(
    config: Config, tmp_path: Path, run_ingest: Callable[..., Any]
) -> None:
    for name in ("[ru]les/9.md", "[ru]les/r.md", "r/r.md"):
        (tmp_path / "other" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "other" / name).write_text(f"# A rule\n\nThe rule of {name} is strict.\n", encoding="utf-8")
    run_ingest(config, tmp_path / "other")
    assert forget(["[ru]les/*"], config) == ["[ru]les/9.md", "[ru]les/r.md"]
    with pytest.raises(UsageError, match=r"documents are called '\*\*/\?\.md': "):
        forget(["**/?.md"], config)
