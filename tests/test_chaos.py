"""Disasters: each ends in the right answer, or in one plain sentence whose cure works; never a traceback."""

from __future__ import annotations

import itertools
import json
import multiprocessing as mp
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.core.config import Config
from assistant.core.records import IngestReport
from assistant.index import vectors
from assistant.index.schema import FILE_NAME
from ingest import build
from tests import chaos_worker
from tests.manifests import access_toml
from tune.graphs.install import install

ASK = "What is the limit for a hotel night?"
QUOTE = "The limit for a hotel night is 140 euros."
FILES = {
    "travel.md": f"# Travel Policy\n\n## Hotels\n\n{QUOTE} A higher price needs the approval of the Finance Manager.\n",
    "words.md": "# Words\n\n**Quiet hours** means the hours from 22:00 to 07:00.\n",
    "access.toml": access_toml({"pay.md": "managers"}),
    "pay.md": "# Pay\n\nThe pay of a senior engineer is 71,000 euros.\n",
    **{f"room{i}.md": f"# Room {i}\n\nRoom {i} holds box {i + 40}.\n" for i in range(8)},
}
CHANGED = "# Room 1\n\nRoom 1 holds box 99.\n"
READING = {
    "ask": ["ask", ASK, "--json"],
    "search": ["search", ASK, "--json"],
    "chat": ["chat"],
    "status": ["status"],
    "verify": ["verify", "answer.json"],
    "terms": ["terms", "--json"],
    "log": ["log"],
    "unbroken": ["log", "--verify"],
}
WRITING = {"forget": ["forget", "room3.md"], "ingest": ["ingest", "docs"]}
BY_CHROMA = "[retrieval]\nfull_scan = 0\n"  # as an index of many passages is searched
CODES = {0, 2, 3, 5, 6, 7}
SLOW = pytest.mark.slow
OTHER_SIGNALS = (signal.SIGTERM, signal.SIGKILL)
TIMEOUT_SECONDS = 60.0
COMMAND = [sys.executable, "-m", "assistant"]
ALONE = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}

Damage = Callable[["Place"], None]


@dataclass(frozen=True)
class Done:
    code: int | None  # None: it hangs
    out: str
    err: str

    def check(self, name: str) -> None:
        """Fail unless this is a right answer, or one plain sentence."""
        assert self.code in CODES, (name, self)
        assert "Traceback" not in self.err and "This is a bug" not in self.err, (name, self)
        if self.code not in (0, 3) and name != "status":
            last = self.err.splitlines()[-1:]
            assert name == "chat" or (last and last[0].startswith("Error: ")), (name, self)
            assert name == "chat" or self.err.count("Error: ") == 1, (name, self)
        if self.code == 0 and name == "ask":
            assert json.loads(self.out)["citations"][0]["quote"].startswith(QUOTE)
        if self.code == 0 and name in ("ask", "search"):
            assert {hit["text"] for hit in json.loads(self.out)["hits"]} <= TEXTS
        assert self.code != 3 or name not in ("ask", "search"), (name, self)
        assert name != "chat" or "Error: " in self.err or QUOTE in self.out


@dataclass(frozen=True)
class Place:
    """A folder with documents, an index, and the commands that are run in it."""

    folder: Path
    context: ForkServerContext

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @property
    def catalog(self) -> Path:
        return self.index / FILE_NAME

    @property
    def generation(self) -> Path:
        return next((self.index / vectors.FOLDER).iterdir())

    def vector_file(self, name: str) -> Path:
        return next(self.generation.rglob(name))

    def run(self, commands: dict[str, list[str]]) -> dict[str, Done]:
        """Run commands side by side, each in a process of its own."""
        for path in (self.folder / f"{name}.{end}" for name in commands for end in ("in", "out", "err")):
            path.unlink(missing_ok=True)
        processes = {
            name: self.context.Process(target=chaos_worker.run, args=(arguments, self.folder, f"{ASK}\n", name))
            for name, arguments in commands.items()
        }
        for process in processes.values():
            process.start()
        for process in processes.values():
            process.join(TIMEOUT_SECONDS)
            process.kill()
        return {name: self._done(name, process.exitcode) for name, process in processes.items()}

    def _done(self, name: str, code: int | None) -> Done:
        out, err = ((self.folder / f"{name}.{end}").read_text(encoding="utf-8") for end in ("out", "err"))
        return Done(None if code == -signal.SIGKILL else code, out, err)

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.catalog)) as db, db:
            for statement in statements:
                assert db.execute(statement).rowcount

    def cure(self, told: str) -> None:
        """Do what an error says: delete what it names, then ingest."""
        for name in re.findall(r"\b[Dd]elete (/\S+)|generation (/\S+) .*delete that folder", told):
            path = Path(next(filter(None, name)))
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for name, done in self.run({"ingest": WRITING["ingest"]}).items():
            assert done.code == 0, (name, done)
        for name, done in self.run({"ask": READING["ask"], "status": READING["status"]}).items():
            assert done.code == 0, (name, done)
            done.check(name)


TEXTS: set[str] = set()


@pytest.fixture(scope="module")
def context() -> Iterator[ForkServerContext]:
    """What processes are forked from: everything imported, and no thread started."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
            patch.setenv(name, "1")
        context = mp.get_context("forkserver")
        context.set_forkserver_preload(chaos_worker.PRELOAD)
        yield context


@pytest.fixture(scope="module")
def sound(
    context: ForkServerContext, encoder: Any, models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Place:
    """A sound index, its vectors flushed to all the files that Chroma has; two lines in its log."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "docs").mkdir()
    for name, text in FILES.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
        os.utime(folder / "docs" / name, ns=(10**18, 10**18))
    config = (
        f'[index]\ndata = "index"\nlock_seconds = 1\n[models]\ndir = {json.dumps(str(models_dir))}\n'
        f'[generator]\nruntime = "none"\n[encoder]\nthreads = 1\n{BY_CHROMA}'
    )
    (folder / "config.toml").write_text(config, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(vectors.HNSW, "sync_threshold", 5)
        patch.setitem(vectors.HNSW, "batch_size", 5)
        from assistant.core.config import load_config

        settings = load_config(folder / "config.toml")
        build.ingest([folder / "docs"], settings, encoder)
    place = Place(folder, context)
    for done in (place.run({"ask": READING["ask"]})["ask"] for _ in range(2)):
        (folder / "answer.json").write_text(done.out, encoding="utf-8")
    with closing(sqlite3.connect(place.catalog)) as db:
        TEXTS.update(body for (body,) in db.execute("SELECT body FROM words"))
    TEXTS.add(CHANGED.strip())
    return place


@pytest.fixture
def place(sound: Place, tmp_path: Path) -> Place:
    folder = tmp_path / "place"
    shutil.copytree(sound.folder, folder)
    # The files are known by their path, and nothing need be read again.
    with closing(sqlite3.connect(folder / "index" / FILE_NAME)) as db, db:
        for table, column in (("sources", "path"), ("sources", "root"), ("audience", "path")):
            db.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(sound.folder), str(folder)))
    return Place(folder, sound.context)


def cut(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def flip(path: Path, at: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 4
    path.write_bytes(content)


def replace_by_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def replace_by_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("a file is in the way", encoding="utf-8")


DISASTERS: dict[str, Callable[[Place], object]] = {
    "the catalog is empty": lambda p: cut(p.catalog, 0),
    "the catalog is cut in half": lambda p: cut(p.catalog, 0.5),
    "the catalog is gone": lambda p: p.catalog.unlink(),
    "the catalog is no database": lambda p: p.catalog.write_bytes(b"no database" * 1000),
    "all vectors are gone": lambda p: shutil.rmtree(p.index / vectors.FOLDER),
    "the generation is gone": lambda p: shutil.rmtree(p.generation),
    "the generation is empty": lambda p: (g := p.generation, shutil.rmtree(g), g.mkdir()),
    "the generation is a file": lambda p: replace_by_file(p.generation),
    "the generation never was": lambda p: p.sql("UPDATE meta SET value = 'generation-x' WHERE key = 'generation'"),
    "another encoder": lambda p: p.sql("UPDATE meta SET value = 'f00d' WHERE key = 'encoder'"),
    "a newer schema": lambda p: p.sql("UPDATE meta SET value = '99' WHERE key = 'schema'"),
    "an older schema": lambda p: p.sql("UPDATE meta SET value = '0' WHERE key = 'schema'"),
    "a document's text has changed": lambda p: p.sql("UPDATE documents SET text = replace(text, '140', '149')"),
    "a passage's words have changed": lambda p: p.sql("UPDATE words_content SET c2 = replace(c2, '140', '149')"),
    "headings are no JSON": lambda p: p.sql("UPDATE passages SET headings = replace(headings, '[', '{')"),
    "metadata lacks a key": lambda p: p.sql("UPDATE sources SET meta = replace(meta, 'owner', 'ownfr')"),
    "text is no UTF-8": lambda p: p.sql("UPDATE documents SET title = CAST(x'ff' AS TEXT)"),
    "a table is gone": lambda p: p.sql("DROP TABLE terms"),
    "a vector has changed": lambda p: flip(p.vector_file("data_level0.bin"), 0.5),
    "the links between vectors are cut": lambda p: cut(p.vector_file("link_lists.bin"), 0.3),
    "the vectors' names have changed": lambda p: flip(p.vector_file("index_metadata.pickle"), 0.5),
    "Chroma's database is cut in half": lambda p: cut(p.vector_file("chroma.sqlite3"), 0.5),
    "Chroma's database is a folder": lambda p: replace_by_folder(p.vector_file("chroma.sqlite3")),
}
OF_CHROMA = [name for name in DISASTERS if "vector" in name or "generation" in name or "Chroma" in name]
# What is not part of the index: its cure is in its sentence, and an ingest neither needs it nor mends it.
BESIDE: dict[str, Damage] = {
    "the log is no UTF-8": lambda p: flip_bit_8(p.index / "audit.jsonl"),
    "a line of the log lacks its time": lambda p: edit(p.index / "audit.jsonl", '"time"', '"tame"'),
    "the log's head is no text": lambda p: flip_bit_8(p.index / "audit.head"),
    "the log is a folder": lambda p: replace_by_folder(p.index / "audit.jsonl"),
    "the log's lock is a folder": lambda p: replace_by_folder(p.index / ".audit.lock"),
    "the ingest's lock is a folder": lambda p: replace_by_folder(p.index / "ingest.lock"),
    "the calibration is a list": lambda p: edit(p.index / "confidence.json", "", "[]"),
    "the index is a file": lambda p: replace_by_file(p.index),
}


def flip_bit_8(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] |= 128
    path.write_bytes(content)


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new) if old else new, encoding="utf-8")


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW) if i % 12 else name for i, name in enumerate(DISASTERS)]
)
def test_a_damaged_index_answers_rightly_or_says_what_mends_it(place: Place, name: str, small: bool) -> None:
    if small:
        edit(place.folder / "config.toml", BY_CHROMA, "")
    DISASTERS[name](place)
    found = place.run(READING)
    for command, done in found.items():
        done.check(command)
    if small and name in OF_CHROMA:  # which a small index answers without
        assert found["ask"].code == 0
    else:
        assert found["ask"].code == 5 or name == "metadata lacks a key"
    assert found["status"].code == 5
    place.run({"forget": WRITING["forget"]})["forget"].check("forget")
    place.cure(found["ask"].err + found["status"].out)


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW) if i % 8 else name for i, name in enumerate(BESIDE)])
def test_what_is_damaged_beside_the_index_is_one_sentence(place: Place, name: str) -> None:
    BESIDE[name](place)
    for commands in (READING, WRITING):
        for command, done in place.run(commands).items():
            done.check(command)


def test_a_restriction_that_got_lost_is_found(place: Place) -> None:
    place.sql("UPDATE sources SET open = 1 WHERE source = 'pay.md'")
    done = place.run({"status": READING["status"]})["status"]
    assert done.code == 5 and "who may see 'pay.md', or when, is told in two ways" in " ".join(done.out.split())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("CHAOS_SEEDS", "10"))))
def test_random_damage(place: Place, seed: int) -> None:
    rng = random.Random(seed)
    files = [path for path in place.index.rglob("*") if path.is_file() and "audit" not in path.name]
    files.sort(key=lambda path: path.name)  # their folders have random names
    path = rng.choice([place.catalog] * 4 + files)
    content = bytearray(path.read_bytes())
    start = rng.randrange(max(1, len(content)))
    length = rng.choice([0, 1, 1, 16, 4096])
    content[start:] = content[start:][:0] if not length else rng.randbytes(length) + content[start + length :]
    path.write_bytes(content)
    found = place.run(READING)
    for command, done in found.items():
        done.check(command)
    for command, done in place.run(WRITING).items():
        done.check(command)


# --- the world around it ------------------------------------------------------------------------------------------


@contextmanager
def mounted(*arguments: str | Path) -> Iterator[None]:
    """Mount something while the block runs; skip the test where that is not allowed."""
    if not shutil.which("mount") or subprocess.run(["mount", *arguments], capture_output=True).returncode:
        pytest.skip("this needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", arguments[-1]], check=True)


def test_a_read_only_folder_is_one_sentence(place: Place) -> None:
    with mounted("--bind", place.index, place.index):
        subprocess.run(["mount", "-o", "remount,bind,ro", place.index], check=True)
        for commands in (READING, WRITING):
            for command, done in place.run(commands).items():
                done.check(command)
                assert "cannot be written" in done.err + done.out or command in ("log", "unbroken")
    place.cure("")


def test_a_full_disk_is_one_sentence_and_room_is_the_cure(place: Place) -> None:
    shutil.rmtree(place.index)
    place.index.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=400k", "tmpfs", place.index):
        done = place.run({"ingest": WRITING["ingest"]})["ingest"]
        done.check("ingest")
        assert done.code == 5 and "Make room on the disk" in done.err
        subprocess.run(["mount", "-o", "remount,size=20m", place.index], check=True)
        place.cure("")
        subprocess.run(["dd", "if=/dev/zero", f"of={place.index / 'filler'}"], capture_output=True)
        for command, done in place.run(READING | {"forget": WRITING["forget"]}).items():
            done.check(command)
        (place.index / "filler").unlink()
        place.cure("")


@pytest.mark.parametrize(
    "closed",
    [
        "<&- >&- 2>&-",
        ">/dev/full",
        "| true",
        *(pytest.param(s, marks=SLOW) for s in ("<&-", ">&-", "2>&-", "2>/dev/full")),
    ],
)
def test_closed_and_full_streams(place: Place, closed: str) -> None:
    for arguments in (["ask", ASK], ["ask", ASK, "--config", "nowhere"]):
        command = " ".join(f"'{part}'" for part in (*COMMAND, *arguments))
        done = subprocess.run(
            ["sh", "-c", f"({command}; echo $? > code) {closed}"],
            cwd=place.folder,
            env=ALONE,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=TIMEOUT_SECONDS,
            preexec_fn=chaos_worker.limit,
        )
        code = int((place.folder / "code").read_text())
        assert code == (2 if "nowhere" in arguments else 5 if closed == ">/dev/full" else 0)
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert place.run({"ask": READING["ask"]})["ask"].code == 0


@pytest.mark.parametrize(
    "world",
    [
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"COLUMNS": "1"},
        {"HOME": "/nowhere", "TMPDIR": "/nowhere"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_a_strange_environment_changes_no_answer(place: Place, world: dict[str, str]) -> None:
    done = subprocess.run([*COMMAND, "ask", ASK], cwd=place.folder, env=ALONE | world, capture_output=True, timeout=60)
    assert done.returncode == 0 and f"“{QUOTE}" in done.stdout.decode() and not done.stderr


def test_a_folder_whose_name_is_no_utf8_is_wrong_usage(place: Place) -> None:
    for arguments, code in ((["ingest", "docs"], 2), (["ask", ASK], 5), (["status"], 5)):
        done = subprocess.run(
            [*COMMAND, *arguments, "--data", b"nix\xff"], cwd=place.folder, env=ALONE, capture_output=True, timeout=60
        )
        assert done.returncode == code and b"Traceback" not in done.stderr
    assert not (place.folder / os.fsdecode(b"nix\xff")).exists()


@pytest.mark.parametrize("name", [signal.SIGINT, *(pytest.param(s, marks=SLOW) for s in OTHER_SIGNALS)])
@pytest.mark.parametrize(
    "arguments",
    [["ask", ASK], ["ingest", "docs"], *(pytest.param(c, marks=SLOW) for c in (["chat"], WRITING["forget"]))],
)
def test_a_signal_at_any_moment_loses_nothing(place: Place, name: signal.Signals, arguments: list[str]) -> None:
    (place.folder / "docs" / "room1.md").write_text(CHANGED, encoding="utf-8")
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=place.folder,
        env=ALONE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(random.uniform(0.1, 0.9))
    process.send_signal(name)
    _, err = process.communicate(timeout=TIMEOUT_SECONDS)
    assert "Traceback" not in err and "bug" not in err
    assert process.returncode in (0, -name, *([130] if name is signal.SIGINT else [])), err
    place.cure("")


def test_two_ingests_and_a_question_at_once(place: Place) -> None:
    (place.folder / "docs" / "room1.md").write_text(CHANGED, encoding="utf-8")
    found = place.run({"one": WRITING["ingest"], "two": WRITING["ingest"], "ask": READING["ask"]})
    found["ask"].check("ask")
    assert found["ask"].code == 0
    assert {found["one"].code, found["two"].code} <= {0, 2} and 0 in (found["one"].code, found["two"].code)
    place.cure("")


# --- models ---------------------------------------------------------------------------------------------------------


def test_a_model_that_its_runtime_refuses_is_damaged(place: Place, models_dir: Path) -> None:
    """Its files have the sizes that its manifest says: only opening it tells."""
    models = place.folder / "models"

    def build(folder: Path) -> None:
        (folder / "genai_config.json").write_bytes(b"\x80")

    install(models, "mine", "runtime", None, {}, build)
    edit(place.folder / "config.toml", str(models_dir), str(models))
    edit(place.folder / "config.toml", '"none"', '"onnx"\nmodel = "mine"')
    done = place.run({"ask": READING["ask"]})["ask"]
    done.check("ask")
    assert done.code == 5 and "cannot be opened" in done.err and f"Delete the folder {models / 'mine'}" in done.err


@pytest.mark.parametrize(
    "told",
    [
        '{"serving": ["../x"]}',
        *(pytest.param(told, marks=SLOW) for told in ("", "{", "[]", '{"serving": [5]}', '{"serving": ["gone"]}')),
    ],
)
def test_what_was_promoted_cannot_be_told(place: Place, models_dir: Path, told: str) -> None:
    models = place.folder / "models"
    models.mkdir()
    (models / "promoted.json").write_text(told, encoding="utf-8")
    edit(place.folder / "config.toml", str(models_dir), str(models))
    edit(place.folder / "config.toml", '"none"', '"onnx"')
    for command, done in place.run({"ask": READING["ask"], "status": READING["status"]}).items():
        done.check(command) if command == "ask" else None
        assert done.code == 5


# --- clocks ---------------------------------------------------------------------------------------------------------


def test_no_change_is_missed_whatever_the_clocks_say(
    make_config: Callable[..., Config],
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock runs backwards; files are of 1970 and of the future; each change keeps the size."""
    backwards = itertools.count(2_000_000_000 * 10**9, -(10**9))
    monkeypatch.setattr(time, "time", lambda: next(backwards) / 10**9)
    monkeypatch.setattr(time, "time_ns", lambda: next(backwards))
    config, root = make_config(), write_files({"travel.md": "# Travel\n\nThe limit for a hotel night is 140 euros.\n"})
    run_ingest(config, root)
    for euros, mtime_ns in ((141, 0), (142, 1), (143, 4 * 10**18), (144, 10**18), (145, 0)):
        path = root / "travel.md"
        path.write_text(f"# Travel\n\nThe limit for a hotel night is {euros} euros.\n", encoding="utf-8")
        os.utime(path, ns=(mtime_ns, mtime_ns))
        assert run_ingest(config, root).updated == ("travel.md",)
        with closing(Assistant(config)) as assistant:
            answer = assistant.answer(ASK)
        assert f"{euros} euros" in answer.text and min(answer.timings.values()) >= 0
    assert run_ingest(config, root).seconds >= 0


def test_a_far_past_has_no_documents_in_force_but_undated_ones(place: Place) -> None:
    done = place.run({"ask": [*READING["ask"], "--as-of", "0001-01-01"]})["ask"]
    assert done.code == 0 and QUOTE in done.out
