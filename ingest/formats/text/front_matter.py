"""Split front matter from a text: YAML between `---`, TOML between `+++`. It describes, and grants nothing.

What begins a file between two such lines is front matter: it is never shown as text, and what cannot be read of it
rejects the document.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from ingest.clean import scrub
from ingest.formats.parsed import reject

MAX_CHARACTERS = 65_536
_SKIPPED = re.compile(r"(?:[\s\x00-\x1f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]++|<!--.*?-->)*+", re.DOTALL)
_OPENS = re.compile(r"(---|\+\+\+)[^\S\n]*\n")
_CLOSES = {
    "---": re.compile(r"^(?:---|\.\.\.)[^\S\n]*$\n?", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[^\S\n]*$\n?", re.MULTILINE),
}
_NO_RULE = "If that line is a rule and no front matter, write *** instead"


def split_front_matter(source: str) -> tuple[Mapping[str, object], str]:
    """Return the front matter, its keys in small letters, and the text without it; comments and marks before it stay.

    Raises DocumentRejected, `metadata`, for what is not closed, too long or no list of keys with their values.
    """
    matched = _SKIPPED.match(source)
    begin = matched.end() if matched else 0
    opened = _OPENS.match(source, begin)
    if not opened:
        return {}, source
    closed = _CLOSES[opened[1]].search(source, opened.end())
    if not closed and source[opened.end() :].startswith("\n"):
        return {}, source  # a rule
    if not closed:
        raise _rejected(f"it is opened by a line of {opened[1]}, and not closed by another. {_NO_RULE}")
    block = source[opened.end() : closed.start()]
    if len(block) > MAX_CHARACTERS:
        raise _rejected(f"it has {len(block):,} characters; the limit is {MAX_CHARACTERS:,}")
    return _load(block, opened[1]), source[:begin] + source[closed.end() :]


def title_of(front: Mapping[str, object]) -> str:
    """Return the title that front matter gives, empty without one."""
    title = front.get("title")
    return title if isinstance(title, str) else ""


def _load(block: str, fence: str) -> dict[str, object]:
    try:
        loaded = tomllib.loads(block) if fence == "+++" else _yaml(block)
    except _errors() as error:
        raise _rejected((str(error) or repr(error)).splitlines()[0].rstrip(".")) from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise _rejected(f"what stands between the lines of {fence} is no list of `key: value` lines. {_NO_RULE}")
    keys = Counter(map(_key, loaded))
    if twice := [key for key, count in keys.items() if count > 1]:
        raise _rejected(f"it has the key {twice[0]!r} twice")
    return {_key(key): _cleaned(value) for key, value in loaded.items()}


def _key(key: object) -> str:
    return str(key).strip().casefold()


def _errors() -> tuple[type[Exception], ...]:
    import yaml

    return yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError


def _yaml(block: str) -> Any:
    import yaml

    return yaml.load(block, _loader())


@cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Without aliases, whose expansion can be exponential, and without second values for a key."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("it uses aliases")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            counts = Counter(_key(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            if twice := sorted(name for name, count in counts.items() if count > 1):
                raise yaml.YAMLError(f"it has the key {twice[0]!r} twice")
            return super().construct_mapping(node, deep)

    return Loader


def _cleaned(value: object) -> object:
    """Clean the strings in a value: YAML can spell characters that the source does not show."""
    if isinstance(value, str):
        return scrub(value)[0]
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _cleaned(item) for key, item in value.items()}
    return value


def _rejected(why: str) -> Exception:
    return reject("metadata", f"The front matter cannot be read: {why}.")
