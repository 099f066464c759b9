"""Real models, prepared once; real indexes, made in temporary folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.core.config import Config, GeneratorSection, IndexSection, ModelsSection
from assistant.core.cross_encoder import CrossEncoder, open_reader
from assistant.core.encoder import Encoder, open_encoder
from assistant.core.registry import Registry
from assistant.core.types import IngestReport
from assistant.pipeline import Assistant, make_access

ROOT = Path(__file__).parent.parent
CORPORA = ROOT / "corpora"
# What a test machine may lack is a person's cache; the models of the user running the tests are as good.
MODELS = Path(os.environ.get("ASSISTANT_TEST_MODELS") or Config().models_dir)


@pytest.fixture(scope="session")
def encoder_models() -> Path:
    """A models folder that holds the encoders and the reader."""
    from assistant.core.prepare_encoder import prepare_encoders
    from assistant.core.prepare_reader import prepare_reader

    prepare_encoders(Registry(MODELS), Config().encoder, lambda step, share: None)
    prepare_reader(Registry(MODELS), lambda step, share: None)
    return MODELS


@pytest.fixture(scope="session")
def models_dir(encoder_models: Path) -> Path:
    """A models folder that holds the encoders, the reader and the generator."""
    from assistant.core.prepare import prepare_generator

    prepare_generator(Registry(encoder_models), lambda step, share: None)
    return encoder_models


@pytest.fixture(scope="session")
def encoder(encoder_models: Path) -> Encoder:
    return open_encoder(Registry(encoder_models), Config().encoder)


@pytest.fixture(scope="session")
def cross_encoder(encoder_models: Path) -> CrossEncoder:
    return open_reader(Registry(encoder_models), Config().encoder)


@pytest.fixture
def make_config(tmp_path: Path, encoder_models: Path) -> Callable[..., Config]:
    """Make a configuration with its index under tmp_path and, unless said otherwise, no generator."""

    def make(name: str = "index", runtime: str = "none", **sections: Any) -> Config:
        return Config(
            index=IndexSection(data=str(tmp_path / name), lock_seconds=0.2),
            models=ModelsSection(dir=str(encoder_models)),
            generator=GeneratorSection(runtime=runtime),
            base=tmp_path,
            **sections,
        )

    return make


@pytest.fixture
def run_ingest(encoder: Encoder) -> Callable[..., IngestReport]:
    """Run the real recipe with the real encoder."""

    def run(config: Config, *paths: Path, **options: Any) -> IngestReport:
        from ingest.build import ingest

        return ingest(list(paths), config, encoder.sha, lambda: encoder, **options)

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
    """Ingest files and open an assistant on them, as `roles`, on the day `as_of`."""
    opened: list[Assistant] = []

    def make(
        files: dict[str, str], *, roles: tuple[str, ...] = (), as_of: str = "", model: Any = None, reads: str = "auto"
    ) -> Assistant:
        config = make_config()
        config = replace(config, generator=replace(config.generator, reads=reads))
        run_ingest(config, write_files(files))
        assistant = Assistant(config, access=make_access(roles, as_of), model=model)
        opened.append(assistant)
        return assistant

    yield make
    for assistant in opened:
        assistant.close()


@pytest.fixture(scope="session")
def company(encoder_models: Path, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The sample company, ingested once a run."""
    from ingest.build import ingest

    data = tmp_path_factory.mktemp("company")
    config = Config(
        index=IndexSection(data=str(data)), models=ModelsSection(dir=str(encoder_models)),
        generator=GeneratorSection(runtime="none"), base=data,
    )  # fmt: skip
    report = ingest([CORPORA], config, encoder.sha, lambda: encoder)
    assert not report.rejected
    return config


__all__ = ["CORPORA", "ROOT"]
