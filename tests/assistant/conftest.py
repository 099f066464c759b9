"""A small office, ingested once a run, for the tests that only ask it things."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from office_files import FILES

from assistant.core.config import Config, GeneratorSection, IndexSection, ModelsSection
from assistant.core.encoder import Encoder
from assistant.pipeline import Assistant


@pytest.fixture(scope="session")
def office_docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("office-docs")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def office_config(
    office_docs: Path, encoder_models: Path, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> Config:
    """The office's settings; `config.toml` in its folder says the same."""
    from ingest.build import ingest

    base = tmp_path_factory.mktemp("office")
    models = json.dumps(str(encoder_models))
    (base / "config.toml").write_text(
        f'[index]\ndata = "index"\n[models]\ndir = {models}\n[generator]\nruntime = "none"\n', encoding="utf-8"
    )
    config = Config(
        index=IndexSection(data="index"), models=ModelsSection(dir=str(encoder_models)),
        generator=GeneratorSection(runtime="none"), base=base,
    )  # fmt: skip
    ingest([office_docs], config, encoder.sha, lambda: encoder)
    return config


@pytest.fixture(scope="session")
def office(office_config: Config) -> Iterator[Assistant]:
    assistant = Assistant(office_config)
    yield assistant
    assistant.close()
