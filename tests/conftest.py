"""Real models, made once; real indexes, made in temporary folders."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from platformdirs import user_cache_path

from assistant.answer.assistant import Assistant
from assistant.cli import main
from assistant.core.config import AnswerSection, Config, EncoderSection, GeneratorSection, IndexSection, ModelsSection
from assistant.core.files import PACKAGED
from assistant.core.records import IngestReport, make_access
from assistant.models.cross_encoder import CrossEncoder, open_reader
from assistant.models.encoder import GUARD_ENCODER, Encoder, open_encoder
from assistant.models.onnx_session import OPT_OUT
from assistant.models.registry import Registry, packaged_models
from tests.commands import Done, Run
from tests.office_files import FILES

ROOT = Path(__file__).parent.parent
CORPORA = ROOT / "corpora"
# Of the tests of real models, those that the default run keeps: an ingest and its answers, from Python and the command.
TWINS = (
    "tests/answer/test_live_ingest.py::test_an_ingest_by_another_process_is_seen",
    "tests/cli/test_cli.py::test_ask_",
    "tests/cli/test_cli.py::test_ingest_",
    "tests/cli/test_cli.py::test_search_shows_passages",
    "tests/cli/test_cli.py::test_verify_",
)
os.environ.update(OPT_OUT)  # for what tests open, and their forked processes preload, by themselves


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of the packaged models; in a source tree they are made if they are not in the cache."""
    from tune.graphs.packaged import link_models

    packaged = packaged_models()
    return packaged if packaged.parent == PACKAGED and packaged.is_dir() else link_models()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need real models."""
    for item in items:
        if "real_encoder" in getattr(item, "fixturenames", ()) and not item.nodeid.startswith(TWINS):
            item.add_marker(pytest.mark.models)


@pytest.fixture(scope="session")
def real_encoder(models_dir: Path) -> Encoder:
    return open_encoder(Registry(models_dir), Config().encoder)


@pytest.fixture(scope="session")
def encoder(real_encoder: Encoder) -> Encoder:
    """What texts are encoded by; a module of recipe tests has another (`fakes.encoder`)."""
    return real_encoder


@pytest.fixture(scope="session")
def guard_encoder(models_dir: Path) -> Encoder:
    """Open what the guards' models read."""
    return open_encoder(Registry(models_dir), EncoderSection(), GUARD_ENCODER)


@pytest.fixture(scope="session")
def cross_encoder(models_dir: Path) -> CrossEncoder:
    return open_reader(Registry(models_dir), Config().encoder)


@pytest.fixture
def make_config(tmp_path: Path, models_dir: Path) -> Callable[..., Config]:
    """Make a configuration with its index under tmp_path and, unless said otherwise, no generator."""

    def make(name: str = "index", runtime: str = "none", **sections: Any) -> Config:
        return Config(
            index=IndexSection(data=str(tmp_path / name), lock_seconds=0.2),
            models=ModelsSection(dir=str(models_dir)),
            generator=GeneratorSection(runtime=runtime),
            base=tmp_path,
            **sections,
        )

    return make


@pytest.fixture
def run_ingest(encoder: Encoder) -> Callable[..., IngestReport]:
    """Run the real recipe."""

    def run(config: Config, *paths: Path, **options: Any) -> IngestReport:
        from ingest.build import ingest

        return ingest(list(paths), config, encoder, **options)

    return run


@pytest.fixture
def write_files(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Write files under tmp_path/docs and return that folder."""

    def write(files: dict[str, str]) -> Path:
        root = tmp_path / "docs"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    return write


@pytest.fixture
def make_assistant(
    make_config: Callable[..., Config],
    write_files: Callable[[dict[str, str]], Path],
    run_ingest: Callable[..., IngestReport],
) -> Iterator[Callable[..., Assistant]]:
    """Ingest files and open an assistant on them, as `roles`, on the day `as_of`; the rest are settings of [answer]."""
    opened: list[Assistant] = []

    def make(
        files: dict[str, str], *, roles: tuple[str, ...] = (), as_of: str = "", model: Any = None, **answer: Any
    ) -> Assistant:
        config = make_config(answer=AnswerSection(**answer))
        run_ingest(config, write_files(files))
        assistant = Assistant(config, access=make_access(roles, as_of), model=model)
        opened.append(assistant)
        return assistant

    yield make
    for assistant in opened:
        assistant.close()


@pytest.fixture(scope="session")
def company(models_dir: Path, real_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The sample company, ingested by the first run that needs it as it is now; each process has a copy."""
    from ingest.build import ingest

    data = tmp_path_factory.mktemp("company")
    config = Config(
        index=IndexSection(data=str(data / "index")),
        models=ModelsSection(dir=str(models_dir)),
        generator=GeneratorSection(runtime="none"),
        base=data,
    )
    kept = user_cache_path("policy-assistant") / "tests"
    first = kept / f"company-{made_from(real_encoder.sha)}"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / ".lock"):
        if not first.is_dir():
            for old in kept.glob("company-*"):
                shutil.rmtree(old)
            report = ingest([CORPORA], config, real_encoder)
            assert not report.rejected
            shutil.copytree(config.data, first)
    if not config.data.is_dir():
        shutil.copytree(first, config.data)
    return config


def made_from(encoder_sha: str) -> str:
    """Return a hash of what the sample company's index is made from: documents, code, packaged models, encoder."""
    found = hashlib.sha256(encoder_sha.encode())
    rooms = [ROOT / "ingest", *(ROOT / "assistant" / name for name in ("core", "text", "index", "guards", "packaged"))]
    for path in sorted(path for room in (CORPORA, *rooms) for path in room.rglob("*")):
        if path.is_file() and path.suffix != ".pyc" and path.stat().st_size < 50 * 2**20:
            found.update(f"{path.relative_to(ROOT)} ".encode() + path.read_bytes())
    return found.hexdigest()[:16]


@pytest.fixture(scope="session")
def index_files(
    models_dir: Path, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Mapping[str, str]], Config]:
    """Write and ingest files for tests that only ask of them, without a generator."""
    from ingest.build import ingest

    def index(files: Mapping[str, str]) -> Config:
        base = tmp_path_factory.mktemp("indexed")
        for name, text in files.items():
            (base / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
            (base / "docs" / name).write_text(text, encoding="utf-8")
        config = Config(
            index=IndexSection(data=str(base / "index")),
            models=ModelsSection(dir=str(models_dir)),
            generator=GeneratorSection(runtime="none"),
            base=base,
        )
        ingest([base / "docs"], config, encoder)
        return config

    return index


# --- a small office, ingested once a run, for the tests that only ask it things --------------------------------


@pytest.fixture(scope="session")
def office_docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("office-docs")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def office_config(
    office_docs: Path, models_dir: Path, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> Config:
    """The office's settings; `config.toml` in its folder says the same."""
    from ingest.build import ingest

    base = tmp_path_factory.mktemp("office")
    models = json.dumps(str(models_dir))
    (base / "config.toml").write_text(
        f'[index]\ndata = "index"\n[models]\ndir = {models}\n[generator]\nruntime = "none"\n', encoding="utf-8"
    )
    config = Config(
        index=IndexSection(data="index"),
        models=ModelsSection(dir=str(models_dir)),
        generator=GeneratorSection(runtime="none"),
        base=base,
    )
    ingest([office_docs], config, encoder)
    return config


@pytest.fixture(scope="session")
def office(office_config: Config) -> Iterator[Assistant]:
    assistant = Assistant(office_config)
    yield assistant
    assistant.close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run main() as the installed command does, in this process and an empty folder, with pipes for streams."""

    def call(*arguments: str | Path, stdin: str | bytes = "") -> Done:
        raw = stdin if isinstance(stdin, bytes) else stdin.encode()
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["assistant", *map(str, arguments)])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), "utf-8"))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code: Any = 0
            try:
                main()
            except SystemExit as end:
                code = end.code
        for stream in (out, err):
            stream.flush()
            stream.seek(0)
        return Done(int(code or 0), out.read(), err.read())

    return call


@pytest.fixture
def openai_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an endpoint on this machine be asked."""
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("OPENAI_API_KEY", "dummy")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(office_config: Config) -> tuple[str, str]:
    return "--config", str(office_config.base / "config.toml")


__all__ = ["CORPORA", "ROOT"]
