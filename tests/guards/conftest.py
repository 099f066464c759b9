"""The guards with the real encoder and the packaged models."""

from __future__ import annotations

import pytest

from assistant.core.config import GuardsSection
from assistant.guards.run import Guards
from assistant.models.encoder import Encoder


@pytest.fixture(scope="session")
def guards(guard_encoder: Encoder) -> Guards:
    return Guards(GuardsSection(), guard_encoder.encode)
