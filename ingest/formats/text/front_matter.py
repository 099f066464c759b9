"""Split front matter from a text: YAML between `---`, TOML between `+++`; what may be meant as such and is not rejects.

Who may see a document may be said there, so that nothing of it may be overlooked: a block that cannot be read, is too
long, is not closed or stands at the wrong place rejects the document if it could hold an audience.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import takewhile
from typing import Any

from ingest.clean import scrub
from ingest.formats.parsed import reject
from ingest.meta_keys import GOVERNING, KEYS, fold_key, meant

MAX_CHARACTERS = 65_536
_HEAD_LINES = 60  # of a text, in which a block at the wrong place is looked for
_SKIPPED = re.compile(r"(?:[\s\x00-\x1f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]++|<!--.*?-->)*+", re.DOTALL)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_OPENS = re.compile(r"(---|\+\+\+)[^\S\n]*\n")
_CLOSES = {
    "---": re.compile(r"^(?:---|\.\.\.)[^\S\n]*$\n?", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[^\S\n]*$\n?", re.MULTILINE),
}
_KEY = re.compile(r"""[\s{,"'?>-]*(\w[^:=\uff1a\n]{0,40}?)["'\s]*[:=\uff1a]""")
_RULE = re.compile(r"\W*(?:yaml|toml|json)?\W*", re.IGNORECASE)  # a fence of whatever signs
_CONTINUES = re.compile(r"""\s|[-#"'\]\[{}]""")  # a list, a comment, a value of several lines
_CODE = re.compile(r"\s{0,3}(?:```|~~~)")


def split_front_matter(source: str, *, plain: bool = False) -> tuple[Mapping[str, object], str]:
    """Return the front matter and the text without it; comments and marks before it stay.

    In `plain` text a block between two rules is front matter only if it has a key of ours. Raises DocumentRejected.
    """
    begin = _begin(source)
    _refuse_comments(source[:begin])
    opened = _OPENS.match(source, begin)
    if not opened:
        refuse_stray(source[begin:])
        return {}, source
    closed = _CLOSES[opened[1]].search(source, opened.end())
    block = source[opened.end() : closed.start() if closed else None]
    if not closed or len(block) > MAX_CHARACTERS:
        _refuse_open_end(block, bool(closed))
        return {}, source
    loaded = _load(block, opened[1], plain)
    if loaded is None:
        return {}, source
    body = source[:begin] + source[closed.end() :]
    refuse_stray(source[closed.end() :])
    return loaded, body


def title_of(front: Mapping[str, object]) -> str:
    """Return the title that front matter gives, empty without one."""
    title = front.get("title")
    return title if isinstance(title, str) else ""


def refuse_stray(text: str) -> None:
    """Reject a text whose head names an audience where it is not read: under other rules, under a heading, or bare.

    Bare, or after a blank line, a key counts in lower case alone: "Audience: all staff" is what people write to people.
    """
    lines = text[_begin(text) :][:MAX_CHARACTERS].splitlines()[:_HEAD_LINES]
    ruled = _paragraph(lines[1:]) if lines and _RULE.fullmatch(lines[0]) else []
    for block in (ruled, *_inner_blocks(lines), _lower(lines)):
        if name := _named(block, ("audience",)):
            raise _rejected(f"{name!r} stands where it is not read; it begins a file, between lines of '---'")


def _refuse_comments(head: str) -> None:
    for comment in _COMMENT.findall(head[:MAX_CHARACTERS]):
        if name := _named(_lower(comment.splitlines()[:_HEAD_LINES]), ("audience",)):
            raise _rejected(f"{name!r} stands in a comment, where it is not read")


def _begin(source: str) -> int:
    match = _SKIPPED.match(source)
    return match.end() if match else 0


def _load(block: str, fence: str, plain: bool) -> Mapping[str, object] | None:
    """Parse a block; None if it is text between two rules. Raises DocumentRejected."""
    lines = block.splitlines()
    try:
        loaded = tomllib.loads(block) if fence == "+++" else _yaml(block)
    except _errors() as error:
        if plain and not any(key in KEYS or meant(key) for line in lines if (key := _key(line))):
            return None
        raise _rejected(f"it cannot be read: {(str(error) or repr(error)).splitlines()[0].rstrip('.')}") from error
    keys = [str(key) for key in loaded] if isinstance(loaded, dict) else []
    lost = set(GOVERNING) - {meant(key) or key for key in keys}
    inner = (key for key in _inner_keys(loaded) if (meant(key) or key) in lost)
    if name := _named(lines, tuple(lost)) or next(inner, None):
        raise _rejected(f"{name!r} is not one of its keys; write it at the beginning of a line, with ': ' after it")
    if not isinstance(loaded, dict):
        return None if loaded is not None or plain else {}
    if plain and not any(key in KEYS or meant(key) for key in keys):
        return None
    return {str(key): _cleaned(value) for key, value in loaded.items()}


def _refuse_open_end(block: str, closed: bool) -> None:
    if closed and _KEY.match(block.lstrip()):
        raise _rejected(f"it has {len(block):,} characters; the limit is {MAX_CHARACTERS:,}")
    lines = block.splitlines()
    if name := _named([*_paragraph(lines), *_lower(lines)], GOVERNING):
        raise _rejected(f"it says {name!r}, and is not closed by a line of its own")


def _errors() -> tuple[type[Exception], ...]:
    import yaml

    return yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError


def _yaml(block: str) -> Any:
    import yaml

    return yaml.load(block, _loader())


@cache
def _loader() -> Any:
    import yaml

    ours = {fold_key(key) for key in KEYS}

    class Loader(yaml.SafeLoader):
        """Without aliases, whose expansion can be exponential, and without second values for a key of ours."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("it uses aliases")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            counts = Counter(fold_key(str(key.value)) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            if twice := sorted(name for name, count in counts.items() if count > 1 and name in ours):
                raise yaml.YAMLError(f"it has the key {twice[0]!r} twice")
            return super().construct_mapping(node, deep)

    return Loader


def _named(lines: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first key of the lines that is, or is near to, one of the wanted."""
    found = (key for line in lines if (key := _key(line)) and len(key.split()) <= 2)
    return next((key for key in found if (meant(key) or key) in wanted), None)


def _key(line: str) -> str | None:
    match = _KEY.match(line[:200])
    return match[1] if match else None


def _inner_blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield blocks of keys between two fences that do not begin the text; examples in code are none."""
    code = False
    for at, line in enumerate(lines):
        code ^= bool(_CODE.match(line))
        above = lines[at - 1].strip() if at else ""
        if code or line.strip() not in _CLOSES:
            continue
        fences = (end for end in range(at + 1, len(lines)) if lines[end].strip() == line.strip())
        block = lines[at + 1 : next(fences, at)]
        if _until_prose(block) == block:
            yield _lower(block) if above and above[0] not in "#<" else block  # else it may underline a heading


def _until_prose(lines: list[str]) -> list[str]:
    """Return the lines up to the first that is neither a key nor part of a value."""
    return list(takewhile(lambda line: not line.strip() or _KEY.match(line) or _CONTINUES.match(line), lines))


def _paragraph(lines: list[str]) -> list[str]:
    return list(takewhile(str.strip, _until_prose(lines)))


def _lower(lines: list[str]) -> list[str]:
    """Return the lines before any prose whose key is in lower case."""
    return [line for line in _until_prose(lines) if (key := _key(line)) and key[0].islower()]


def _inner_keys(value: object) -> Iterator[str]:
    """Yield the keys of all mappings in a value."""
    for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from _inner_keys(item)
    yield from map(str, value if isinstance(value, dict) else ())


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
    return reject("metadata", f"The front matter cannot be trusted: {why}.")
