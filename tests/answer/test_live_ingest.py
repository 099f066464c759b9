"""An assistant that is open while the documents change: each question sees one state, and the next one the newest."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from assistant.answer.assistant import Assistant
from assistant.core.config import Config, RetrievalSection
from assistant.core.errors import UsageError
from assistant.core.records import Answer, IngestReport, Turn, make_access
from assistant.models.encoder import Encoder
from ingest.build import ingest
from tests.fakes import ScriptedModel
from tests.manifests import access_toml

LIMIT = "# Travel Policy\n\nThe limit for a hotel night is {} euros.\n"
HOTEL = "What is the limit for a hotel night?"
OTHER = {"leave.md": "# Leave\n\nFull-time employees have 27 days of annual leave a year.\n"}

Write = Callable[[dict[str, str]], Path]
Run = Callable[..., IngestReport]


@pytest.fixture
def config(make_config: Callable[..., Config]) -> Config:
    return make_config(retrieval=RetrievalSection(full_scan=0))


@pytest.fixture
def docs(write_files: Write, config: Config, run_ingest: Run) -> Path:
    root = write_files({"travel.md": LIMIT.format(100), **OTHER})
    run_ingest(config, root)
    return root


def set_limit(docs: Path, euros: int) -> None:
    (docs / "travel.md").write_text(LIMIT.format(euros), encoding="utf-8")


def quotes(answer: Answer) -> list[str]:
    assert answer.status == "answered", answer.text
    return [citation.quote for citation in answer.citations]


def test_the_next_question_sees_the_new_state_again_and_again(config: Config, docs: Path, run_ingest: Run) -> None:
    with closing(Assistant(config)) as assistant:
        generations = set()
        for euros in (100, 110, 120, 130, 140):
            set_limit(docs, euros)
            (docs / f"new{euros}.md").write_text(f"# Note {euros}\n\nNote {euros} is on file.\n", encoding="utf-8")
            run_ingest(config, docs)
            answer = assistant.answer(HOTEL)
            assert quotes(answer)[0].startswith(f"The limit for a hotel night is {euros} euros.")
            assert not [
                hit for hit in answer.hits if "hotel" in hit.passage.text and str(euros) not in hit.passage.text
            ]
            assert "dense" in answer.hits[0].methods and "lexical" in answer.hits[0].methods
            assert answer.index.documents == answer.index.passages == len(list(docs.iterdir()))
            generations.add(answer.index.generation)
        assert len(generations) == 5


def test_an_ingest_by_another_process_is_seen(config: Config, docs: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        f'[index]\ndata = "{config.data}"\n[models]\ndir = "{config.models_dir}"\n[generator]\nruntime = "none"\n',
        encoding="utf-8",
    )
    code = "from assistant.cli import main; main()"
    command = [sys.executable, "-c", code, "ingest", str(docs), "--config", str(tmp_path / "config.toml")]
    with closing(Assistant(config)) as assistant:
        assert "100 euros" in quotes(assistant.answer(HOTEL))[0]
        set_limit(docs, 222)
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        assert "222 euros" in quotes(assistant.answer(HOTEL))[0]


def test_a_removed_or_restricted_document_is_gone_from_the_next_question(
    config: Config, docs: Path, run_ingest: Run
) -> None:
    with closing(Assistant(config)) as assistant:
        assert assistant.answer(HOTEL).hits[0].source == "travel.md"
        (docs / "access.toml").write_text(access_toml({"travel.md": "finance"}), encoding="utf-8")
        assert run_ingest(config, docs).embedded == 0
        answer = assistant.answer(HOTEL)
        assert answer.status == "abstained" and "hotel" not in " ".join(hit.passage.text for hit in answer.hits)
        assert "100 euros" in quotes(assistant.answer(HOTEL, access=make_access(("finance",))))[0]
        (docs / "travel.md").unlink()
        (docs / "access.toml").write_text(access_toml({}), encoding="utf-8")
        run_ingest(config, docs, prune=True)
        assert assistant.answer(HOTEL, access=make_access(("finance",))).status == "abstained"


def test_an_index_that_was_made_anew_is_the_one_that_is_read(config: Config, docs: Path, run_ingest: Run) -> None:
    with closing(Assistant(config)) as assistant:
        quote = assistant.answer(HOTEL).citations[0]
        place = quote.document_sha256, quote.start, quote.end
        assert assistant.place(*place, make_access())[1]
        shutil.rmtree(config.data)
        (docs / "access.toml").write_text(access_toml({"travel.md": "finance"}), encoding="utf-8")
        run_ingest(config, docs)
        with pytest.raises(UsageError):
            assistant.place(*place, make_access())
        assert assistant.answer(HOTEL).status == "abstained"
        assert "100 euros" in quotes(assistant.answer(HOTEL, access=make_access(("finance",))))[0]


def test_a_question_that_is_being_worded_while_its_document_changes_is_answered_from_what_stands_there_now(
    config: Config, docs: Path, run_ingest: Run
) -> None:
    """The generator takes seconds; two ingests finish meanwhile, and the old revision is deleted."""

    def reply(messages: Sequence[Turn]) -> str:
        for euros in (110, 120):
            set_limit(docs, euros)
            run_ingest(config, docs)
        return "The limit for a hotel night is 100 euros [1]."

    with closing(Assistant(config, model=ScriptedModel(reply, "The limit for a hotel night is 120 euros [1]."))) as a:
        answer = a.answer(HOTEL)
        assert quotes(answer) == ["The limit for a hotel night is 120 euros."] and not answer.worded_by
        assert "the documents changed meanwhile" in [verdict.reason for verdict in answer.verdicts]
        answer = a.answer(HOTEL)
        assert quotes(answer) == ["The limit for a hotel night is 120 euros."] and answer.worded_by


@pytest.mark.parametrize("step", ["searching", "reading"])
def test_a_question_that_is_being_searched_sees_one_state(
    config: Config, docs: Path, run_ingest: Run, step: str
) -> None:
    def change(stage: str) -> None:
        if stage == step:
            set_limit(docs, 110)
            run_ingest(config, docs)

    with closing(Assistant(config)) as assistant:
        assistant.answer(HOTEL)
        answer = assistant.answer(HOTEL, stage=change)
        assert "100 euros" in quotes(answer)[0] and "100 euros" in answer.hits[0].passage.text
        assert "110 euros" in quotes(assistant.answer(HOTEL))[0]


def test_questions_asked_all_through_many_ingests_never_mix_two_states(
    config: Config, docs: Path, encoder: Encoder
) -> None:
    """Two documents always say the same number; an answer that saw two numbers saw two states."""
    pair = {"travel.md": "hotel night", "berlin.md": "Berlin hotel night"}

    def write(number: int) -> None:
        for name, what in pair.items():
            (docs / name).write_text(f"# {what}\n\nThe limit for a {what} is {number} euros.\n", encoding="utf-8")
        ingest([docs], config, encoder)

    def keep_writing() -> Iterator[None]:
        for number in range(201, 207):
            yield write(number)

    write(200)
    failures: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            for _ in keep_writing():
                pass
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=work)
    seen = set()
    with closing(Assistant(config)) as assistant:
        thread.start()
        while not done.is_set():
            answer = assistant.search("limit for a hotel night")
            told = {w for hit in answer.hits for w in hit.passage.text.split() if w.isdigit() and w.startswith("20")}
            assert len(told) == 1, told
            assert answer.index.documents == 3 and len(answer.hits) == 3
            seen |= told
        thread.join()
        assert not failures
        assert "206 euros" in assistant.search("limit for a hotel night").hits[0].passage.text
    assert len(seen) > 1


def test_a_closed_assistant_lets_go_of_its_models_at_once(config: Config, docs: Path) -> None:
    """Nothing may wait for the garbage: it does not count what a model holds, which is hundreds of megabytes."""
    assistant = Assistant(config)
    assistant.answer(HOTEL)
    gone = weakref.ref(assistant)
    gc.collect()
    gc.disable()
    try:
        assistant.close()
        del assistant
        assert gone() is None
    finally:
        gc.enable()
