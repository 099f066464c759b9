"""The guards with the real encoder and the packaged models."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.core.config import EncoderSection, GuardsSection
from assistant.guards.run import Guards
from assistant.models.encoder import GUARD_ENCODER, Encoder, open_encoder
from assistant.models.registry import Registry


@pytest.fixture(scope="session")
def guard_encoder(models_dir: Path) -> Encoder:
    """Open what the guards' models read."""
    return open_encoder(Registry(models_dir), EncoderSection(), GUARD_ENCODER)


@pytest.fixture(scope="session")
def guards(guard_encoder: Encoder) -> Guards:
    return Guards(GuardsSection(), guard_encoder.encode)
