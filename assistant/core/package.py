"""The installed package: its version, and the packages that only some commands need, by the extra that brings them."""

from __future__ import annotations

from importlib.util import find_spec

from assistant.core.errors import UsageError

__version__ = "0.1.0"
EXTRAS = {  # the names that are imported
    "evaluate": ("matplotlib", "sklearn"),
    "mcp": ("mcp",),
    "ocr": ("rapidocr",),
    "ray": ("ray",),
    "serve": ("fastapi", "prometheus_client", "uvicorn"),
    "tune": ("accelerate", "gptqmodel", "matplotlib", "onnxruntime_genai", "optimum", "peft", "sklearn", "torch"),
}


def has(extra: str) -> bool:
    """Say whether what an extra brings is installed; nothing is imported."""
    return not _missing(extra)


def need(extra: str, what: str) -> None:
    """Raise UsageError, before any work is begun, if what an extra brings is not installed."""
    if missing := _missing(extra):
        raise _needed(extra, what, missing)


def explain(error: BaseException) -> BaseException:
    """Return the UsageError that a failed import of an extra's package stands for; any other error as it is."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    extra = next((extra for extra, names in EXTRAS.items() if name in names), "")
    return _needed(extra, "this command", [name]) if extra else error


def _missing(extra: str) -> list[str]:
    return [name for name in EXTRAS[extra] if find_spec(name) is None]


def _needed(extra: str, what: str, missing: list[str]) -> UsageError:
    cause = f"{what} needs the extra {extra!r}; not installed: {', '.join(missing)}."
    return UsageError(cause, f"Install it: pip install 'policy-assistant[{extra}]'")
