"""What a command begins with: a view, the settings, the models that it needs, an assistant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.answer.assistant import Assistant
    from assistant.core.config import Config
    from assistant.terminal.render import Renderer


def renderer(*, quiet: bool = False, verbose: bool = False) -> Renderer:
    from assistant.terminal.render import Renderer

    return Renderer(quiet=quiet, verbose=verbose)


def settings_of(path: Path | None, data: Path | None, view: Renderer | None = None) -> Config:
    """Read the settings, and tell a verbose view where they are from."""
    from assistant.core.config import load_config

    config = load_config(path)
    if view and view.verbose:
        view.note(f"settings {config.file or 'as they come'}")
    return replace(config, index=replace(config.index, data=str(data.resolve()))) if data else config


def prepare_models(config: Config, view: Renderer, *, reader: bool, generator: bool) -> None:
    """Make the models that this command needs, if they are not there."""
    from assistant.models.active import PACKAGED_ID, served
    from assistant.models.cross_encoder import READER_ID
    from assistant.models.encoder import GUARD_ENCODER
    from assistant.models.registry import Registry

    registry = Registry(config.models_dir)
    if not (registry.has(config.encoder.model) and registry.has(GUARD_ENCODER)):
        from assistant.models.prepare.encoder import prepare_encoders

        with view.preparing("the encoders") as progress:
            prepare_encoders(registry, config.encoder, progress)
    if reader and not registry.has(READER_ID):
        from assistant.models.prepare.reader import prepare_reader

        with view.preparing("the reader") as progress:
            prepare_reader(registry, progress)
    if generator and config.generator.kind.prepared and not registry.has(model := served(config)):
        if model != PACKAGED_ID:
            return  # a model of the user's own: opening it says what is missing
        from assistant.models.prepare.generator import prepare_generator

        with view.preparing("the generator") as progress:
            prepare_generator(registry, progress)


def ready(
    config: Path | None, data: Path | None, view: Renderer, *, reader: bool = True, generator: bool = True
) -> Config:
    """Return the settings once there is an index, and the models to answer from it."""
    from assistant.index.catalog import Catalog

    settings = settings_of(config, data, view)
    if not generator:
        settings = replace(settings, generator=replace(settings.generator, runtime="none"))
    Catalog.open(settings.data).close()  # say that there is no index before making models for it
    prepare_models(settings, view, reader=reader or settings.retrieval.rerank, generator=generator)
    return settings


@contextmanager
def assistant_for(
    command: str,
    config: Path | None,
    data: Path | None,
    roles: str,
    as_of: str,
    view: Renderer,
    *,
    answers: bool = True,
) -> Iterator[Assistant]:
    from assistant.answer.assistant import Assistant
    from assistant.core.records import make_access

    access = make_access(roles.split(","), as_of)
    settings = ready(config, data, view, reader=answers, generator=answers)
    assistant = Assistant(settings, access=access, audit=True, command=command)
    try:
        yield assistant
    finally:
        assistant.close()
