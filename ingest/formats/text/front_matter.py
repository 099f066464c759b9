"""Split front matter from a text: YAML between `---`, TOML between `+++`. It describes, and grants nothing.

What begins a file between two such lines is front matter: it is never shown as text, and what cannot be read of it
rejects the document.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ingest.clean import scrub
from ingest.formats.parsed import reject

MAX_CHARACTERS = 65_536
_CLOSES = {"---": {"---", "..."}, "+++": {"+++"}}
_NO_RULE = "If that line is a rule and no front matter, write *** instead"


def split_front_matter(source: str) -> tuple[Mapping[str, object], str]:
    """Return the front matter, its keys in small letters, and the text without it; comments and marks before it stay.

    Raises DocumentRejected, `metadata`, for what is not closed, too long or no list of keys with their values.
    """
    begin = _first_visible(source)
    fence, _, rest = source[begin:].partition("\n")
    fence = fence.rstrip()
    if fence not in _CLOSES or not rest:
        return {}, source
    lines = rest.split("\n")
    end = next((at for at, line in enumerate(lines) if line.rstrip() in _CLOSES[fence]), None)
    if end is None and not lines[0]:
        return {}, source  # a rule
    if end is None:
        raise _rejected(f"it is opened by a line of {fence}, and not closed by another. {_NO_RULE}")
    block = "\n".join(lines[:end])
    if len(block) > MAX_CHARACTERS:
        raise _rejected(f"it has {len(block):,} characters; the limit is {MAX_CHARACTERS:,}")
    return _load(block, fence), source[:begin] + "\n".join(lines[end + 1 :])


def title_of(front: Mapping[str, object]) -> str:
    """Return the title that front matter gives, empty without one."""
    title = front.get("title")
    return title if isinstance(title, str) else ""


def _first_visible(source: str) -> int:
    """Return where white space, characters without width and comments end that a file begins with."""
    at = 0
    while at < len(source):
        if source[at].isspace() or not source[at].isprintable():
            at += 1
        elif source.startswith("<!--", at) and (end := source.find("-->", at + 4)) > 0:
            at = end + 3
        else:
            break
    return at


def _load(block: str, fence: str) -> dict[str, object]:
    try:
        loaded = tomllib.loads(block) if fence == "+++" else yaml.load(block, _Loader)
        if loaded is None:
            return {}
        if not isinstance(loaded, dict):
            raise ValueError(f"what stands between the lines of {fence} is no list of `key: value` lines. {_NO_RULE}")
        _check_keys(loaded)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _rejected((str(error) or repr(error)).splitlines()[0].rstrip(".")) from error
    return {_key(key): _cleaned(value) for key, value in loaded.items()}


def _key(key: object) -> str:
    return str(key).strip().casefold()


def _check_keys(keys: Iterable[object]) -> None:
    if twice := [key for key, count in Counter(map(_key, keys)).items() if count > 1]:
        raise ValueError(f"it has the key {twice[0]!r} twice")


class _Loader(yaml.SafeLoader):
    """Without aliases, whose expansion can be exponential, and without second values for a key."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses aliases")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _check_keys(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        return super().construct_mapping(node, deep)


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
