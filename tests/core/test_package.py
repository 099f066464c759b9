"""What only some commands need is named before any work is begun, and nothing else needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assistant.core import package
from assistant.core.errors import UsageError
from assistant.core.package import EXTRAS, explain, need
from tests.commands import Run


def test_what_is_missing_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "evaluate", ("json", "no_such_package"))
    with pytest.raises(UsageError, match=r"eval needs .* no_such_package\. .*'policy-assistant\[evaluate\]'"):
        need("evaluate", "eval")


@pytest.mark.parametrize("module", ["matplotlib", "matplotlib.pyplot"])
def test_an_import_of_an_extra_that_fails_is_no_bug(module: str) -> None:
    found = explain(ModuleNotFoundError(f"No module named {module!r}", name=module))
    assert isinstance(found, UsageError) and found.hint.endswith("pip install 'policy-assistant[evaluate]'")
    ours = ModuleNotFoundError("No module named 'assistant.nowhere'", name="assistant.nowhere")
    assert explain(ours) is ours


@pytest.mark.parametrize(("command", "extra"), [(("tune", "run", "q.jsonl"), "tune"), (("mcp",), "mcp")])
def test_a_command_without_its_extra_says_how_to_install_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], extra: str
) -> None:
    monkeypatch.setattr(package, "find_spec", lambda name: None)
    done = run(*command)
    assert (done.code, f"pip install 'policy-assistant[{extra}]'" in done.err) == (2, True), done.err


@pytest.mark.slow
def test_an_answer_loads_nothing_of_an_extra_or_of_the_build(tmp_path: Path, models_dir: Path) -> None:
    """Index a page and answer in a process that cannot import what extras bring, or what makes the models."""
    heavy = ["matplotlib", "onnxruntime_genai", "scipy", "sentence_transformers", "sklearn", "torch", "transformers"]
    heavy += ["gguf", "onnx", "safetensors"]
    (tmp_path / "page.md").write_text("# Parking\n\nVisitors park in bay 7.\n", encoding="utf-8")
    code = f"""
import sys
for name in {heavy!r}:
    sys.modules[name] = None
from assistant.cli import app
for line in (["ingest", "page.md"], ["ask", "Where do visitors park?"]):
    app(line, standalone_mode=False)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "bay 7" in done.stdout, done.stderr[-2000:]
