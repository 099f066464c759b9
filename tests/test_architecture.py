"""The rooms and their doors: who may import whom, one vendor a file, no print, nothing heavy at the top of the CLI."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {"assistant", "ingest", "tune"}
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MAY_IMPORT = {
    "assistant/core": ("assistant.core",),
    "assistant": ("assistant",),
    "assistant/cli.py": ("assistant", "ingest", "tune"),
    "ingest": ("assistant.core", "ingest"),
    "ingest/screen.py": ("assistant.core", "assistant.guards", "ingest"),
    "tune": ("assistant.core", "tune"),
    # Reader and generator learn from what retrieval really finds, the defaults from indexes of their own.
    "tune/reader.py": ("assistant", "tune"),
    "tune/defaults.py": ("assistant", "ingest", "tune"),
    "tune/dataset.py": ("assistant", "tune"),
    "tune/targets.py": ("assistant", "tune"),
    "tune/questions.py": ("assistant", "tune"),
    "tune/recipe.py": ("assistant", "tune"),
    "tune/report.py": ("assistant", "tune"),
    "tune/house.py": ("assistant", "tune"),
    "tune/house_reader.py": ("assistant", "tune"),
    "tune/house_writer.py": ("assistant", "tune"),
    "tune/guard_data.py": ("assistant.core", "tune"),
    "tune/guards.py": ("assistant", "tune"),
    "tune/guard_sources.py": ("assistant", "tune"),
    "tune/evaluate.py": ("assistant", "tune"),
}
VENDORS = {
    "chromadb": {"assistant/core/vectors.py"},
    "onnxruntime": {
        "assistant/core/llm_onnx.py",
        "assistant/core/onnx_session.py",
        "assistant/core/runtime.py",
    },
    "openvino_genai": {"assistant/core/llm_openvino.py"},
    "langchain": {"assistant/core/llm_langchain.py"},
    "langchain_core": {"assistant/lc.py", "assistant/pipeline.py"},
    "peft": {"tune/train.py", "tune/merge.py"},
    "gptqmodel": {"tune/quantize.py"},
    "typer": {"assistant/cli.py"},
    "rich": {"assistant/render.py", "assistant/chat.py"},
    "prompt_toolkit": {"assistant/chat.py"},
    "sqlite3": {"assistant/core/catalog.py", "assistant/core/word_search.py"},
    "matplotlib": {"assistant/evaluate/plots.py"},
    "sklearn": {"assistant/evaluate/fitting.py"},
    "stdnum": {"assistant/guards/numbers.py"},
    "phonenumbers": {"assistant/guards/phones.py"},
    "mnemonic": {"assistant/guards/secrets.py"},
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_module_keeps_to_its_room(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    room = max((room for room in MAY_IMPORT if name.startswith(room)), key=len)
    for module in imports(path):
        top = module.split(".")[0]
        if top in ROOMS:
            allowed = MAY_IMPORT[room]
            assert any(module == a or module.startswith(a + ".") for a in allowed), f"{name} imports {module}"
        if top in VENDORS:
            assert name in VENDORS[top], f"{name} imports {top}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_module_does_not_print(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print")


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from assistant import cli; print(','.join(m.split('.')[0] for m in sys.modules))"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip().split(","))
    heavy = {
        "torch",
        "transformers",
        "chromadb",
        "onnxruntime",
        "numpy",
        "langchain_core",
        "prompt_toolkit",
        "pydantic",
        "matplotlib",
        "sklearn",
    }
    assert "typer" in loaded and not heavy & loaded
