"""Manifests for tests: `access.toml` from globs and roles."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence


def access_toml(rules: Mapping[str, str | Sequence[str]], default: str = "everyone", more: str = "") -> str:
    """Return a manifest that opens what each glob matches to roles alone, or to "everyone" or "nobody"."""
    tables = [f"[[access]]\npaths = [{json.dumps(glob)}]\naudience = {_audience(to)}\n" for glob, to in rules.items()]
    return "\n".join([f'default = "{default}"\n', *tables, more])


def _audience(to: str | Sequence[str]) -> str:
    words = to in ("everyone", "nobody")
    return json.dumps(to if words else [to] if isinstance(to, str) else list(to))
