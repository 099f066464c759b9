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
# The house, from the ground up: a room may use those below it, and none beside it.
FLOORS = (
    ("assistant.core",),
    ("assistant.text",),
    ("assistant.models", "assistant.index"),
    ("assistant.guards",),
    ("assistant.contract",),
    ("assistant.audit",),
    ("assistant.answer", "ingest"),
    ("assistant.evaluate",),
    ("tune", "ingest.lint", "ingest.impact"),
    ("assistant.terminal",),
    ("assistant.serve",),
    ("assistant.cli",),
    ("assistant.__main__", "assistant"),
)
CLI = ("__init__", "asking", "context", "feedback", "index", "log", "quality", "review", "serving", "tuning")
VENDORS = {
    "chromadb": {"assistant/index/vectors.py"},
    "mcp": {"assistant/serve/mcp.py"},
    "fastapi": {f"assistant/serve/{name}.py" for name in ("app", "errors", "schemas")},
    "starlette": {f"assistant/serve/{name}.py" for name in ("app", "errors", "middleware", "page/render", "telling")},
    "prometheus_client": {"assistant/serve/metrics.py"},
    "uvicorn": {"assistant/serve/server.py"},
    "h11": {"assistant/serve/server.py"},
    "ray": {"ingest/embedding.py"},
    "watchfiles": {"ingest/watch.py"},
    "rapidocr": {"ingest/formats/scan/ocr.py"},
    "PIL": {"ingest/formats/scan/pictures.py", "ingest/formats/scan/reader.py"},
    "onnxruntime": {
        "assistant/models/llm_onnx.py",
        "assistant/models/onnx_session.py",
    },
    "langchain": {"assistant/models/llm_langchain.py"},
    "langchain_core": {"assistant/answer/langchain.py", "assistant/answer/assistant.py"},
    "peft": {"tune/train.py"},
    "gptqmodel": {"tune/quantize.py"},
    "typer": {f"assistant/cli/{name}.py" for name in CLI},
    "rich": {f"assistant/terminal/{name}.py" for name in ("render", "reports", "views", "progress", "chat", "html")},
    "prompt_toolkit": {"assistant/terminal/chat.py", "assistant/terminal/line_input.py"},
    "sqlite3": {f"assistant/index/{name}.py" for name in ("catalog", "queries", "schema", "vectors", "word_search")},
    "matplotlib": {"assistant/evaluate/plots.py"},
    "sklearn": {
        "assistant/evaluate/calibrate.py",
        "assistant/evaluate/gaps.py",
        "tune/factory/fit_small_talk.py",
        "tune/factory/train_guards.py",
    },
    "stdnum": {"assistant/guards/personal.py"},
    "phonenumbers": {"assistant/guards/personal.py"},
    "mnemonic": {"assistant/guards/secrets.py"},
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = (ROOT / node.module.replace(".", "/") / f"{alias.name}.py").is_file()
                yield f"{node.module}.{alias.name}" if submodule else node.module


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> tuple[int, str]:
    """Return the floor and the room of a module or of what is imported from it."""
    rooms = ((floor, room) for floor, rooms in enumerate(FLOORS) for room in rooms)
    return max((found for found in rooms if f"{module}.".startswith(f"{found[1]}.")), key=lambda found: len(found[1]))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_uses_what_is_below_it(path: Path) -> None:
    floor, room = room_of(name_of(path))
    for module in imports(path):
        top = module.split(".")[0]
        if top in ROOMS:
            below, other = room_of(module)
            assert below < floor or other == room, f"{name_of(path)} imports {module}"
        if top in VENDORS:
            assert path.relative_to(ROOT).as_posix() in VENDORS[top], f"{name_of(path)} imports {top}"


def test_no_modules_import_each_other() -> None:
    """Follow every import, lazy ones too, and those for types alone."""
    names = {name_of(path): path for path in MODULES}
    uses = {name: {m for m in imports(path) if m in names} - {name} for name, path in names.items()}
    while free := [name for name, used in uses.items() if not used & uses.keys()]:
        for name in free:
            del uses[name]
    assert not uses


@pytest.mark.parametrize("path", MODULES, ids=name_of)
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
