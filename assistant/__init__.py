"""Answers questions about an organisation's own policies, each proved by verbatim quotes.

from assistant import Assistant
Assistant.open("config.toml").answer("How many days of leave can I carry over?")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.core.package import __version__

if TYPE_CHECKING:
    from assistant.answer.assistant import Assistant as Assistant

__all__ = ["Assistant", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the pipeline only when it is asked for, so that `assistant --help` stays light."""
    if name == "Assistant":
        from assistant.answer.assistant import Assistant

        return Assistant
    raise AttributeError(f"module 'assistant' has no attribute {name!r}")
