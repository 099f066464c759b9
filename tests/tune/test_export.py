"""What the builder makes where our own graph does not do."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from assistant.core.errors import AssistantError
from tune import export


@pytest.mark.skipif(not find_spec("onnxruntime_genai"), reason="needs pip install '.[tune]'")
def test_a_builder_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "no-such-model"}', encoding="utf-8")
    with pytest.raises(AssistantError, match="no-such-model"):
        export.build_runtime(tmp_path / "model", tmp_path / "out", export.INT8)
