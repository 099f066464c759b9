"""Packages that only some commands need, by the extra of this one that brings them."""

from __future__ import annotations

from importlib.util import find_spec

from assistant.core.errors import UsageError

EXTRAS = {  # the names that are imported
    "evaluate": ("matplotlib", "sklearn"),
    "mcp": ("mcp",),
    "ocr": ("rapidocr",),
    "ray": ("ray",),
    "serve": ("starlette", "uvicorn"),
    "tune": ("accelerate", "gptqmodel", "matplotlib", "onnxruntime_genai", "optimum", "peft", "sklearn", "torch"),
}


def has(extra: str) -> bool:
    """Say whether what an extra brings is installed; nothing is imported."""
    return all(find_spec(name) is not None for name in EXTRAS[extra])


def need(extra: str, what: str) -> None:
    """Raise UsageError, before any work is begun, if what an extra brings is not installed."""
    if missing := [name for name in EXTRAS[extra] if find_spec(name) is None]:
        hint = f"Install the assistant with its extra: pip install '.[{extra}]'"
        raise UsageError(f"{what} needs {', '.join(missing)}.", hint)
