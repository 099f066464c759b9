"""The guards with the real encoder and the packaged models."""

from __future__ import annotations

import pytest

from assistant.core.config import GuardsSection
from assistant.core.encoder import Encoder
from assistant.guards.run import Guards


@pytest.fixture(scope="session")
def guards(encoder: Encoder) -> Guards:
    return Guards(GuardsSection(), encoder.encode)
