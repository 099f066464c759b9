"""Open a text file: its bytes become text, never mojibake, and its front matter is split off.

The encoding is told by mark, by UTF-8, by declaration, and last by statistics. Front matter, YAML between `---` or TOML
between `+++`, describes and grants nothing. What begins a file between two such lines is never shown as text, and what
cannot be read of it rejects the document.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import yaml

from ingest.clean import Counts, mend, scrub
from ingest.formats.builder import Builder
from ingest.formats.parsed import reject

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:-]{2,40})""", re.IGNORECASE
)
_WESTERN = {"iso8859-1": "cp1252", "ascii": "cp1252"}  # as browsers read them
_SAMPLE = 65_536  # bytes that statistics look at
_MAX_CHAOS = 0.12  # charset-normalizer's share of implausible characters, above which it is guessing
_REPLACEABLE = 0.001  # share of undecodable bytes that a UTF-8 file may have
# What Western European text is made of beyond ASCII; anything else decoded as cp1252 speaks against it.
_CP1252_TYPICAL = frozenset(
    "‘’“”‚„…–—•€£§©®™°·«»¿¡½¼¾×†‡ªº¢¥¶±²³µ´\u00a0\u00adàáâãäåæçèéêëìíîïñòóôõöøœùúûüÿßšžÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜŸŠŽ"
)

_MAX_FRONT_MATTER = 65_536  # characters
_CLOSES = {"---": {"---", "..."}, "+++": {"+++"}}
_NO_RULE = "If that line is a rule and no front matter, write *** instead"


def open_source(
    data: bytes, builder: Builder, *, html: bool = False, clean: Callable[[str], tuple[str, Counts]] = mend
) -> str:
    """Return the text, cleaned, with `\n` at the ends of its lines; its front matter is given to the builder.

    Raises DocumentRejected: `empty`, `encoding` for one that is unknown, and `metadata` for front matter that is not
    closed, too long or no list of keys with their values.
    """
    if not data.strip(b" \t\r\n\x0b\x0c\x00"):
        raise reject("empty", "The file is empty.")
    text = _decoded(data, builder, html)
    if not text.strip(" \t\r\n\x0b\x0c\x00\ufeff\u00a0"):
        raise reject("empty", "The file holds nothing but white space.")
    text, removed = clean(text)
    builder.count(removed)
    builder.front_matter, text = _split(text.replace("\r\n", "\n").replace("\r", "\n"))
    return text


def _decoded(data: bytes, builder: Builder, html: bool) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _utf16_or_so(data[len(mark) :], encoding, builder)
    if encoding := _unmarked_utf16(data):
        return _utf16_or_so(data, encoding, builder)
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8")
    with suppress(UnicodeDecodeError):
        # Some programs encode each surrogate by itself: going through UTF-16 joins pairs and leaves lone ones.
        halves = data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
        return halves.decode("utf-16-le", "surrogatepass")
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken <= max(1, _REPLACEABLE * len(data)) and len(data) - len(text) > 4 * broken:
        builder.flag("encoding", f"{broken} bytes that are not UTF-8 were replaced")
        return text
    encoding = _guessed(data, html)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise reject("encoding", f"The file looks like {encoding}, but is not; save it as UTF-8.") from None


def _utf16_or_so(data: bytes, encoding: str, builder: Builder) -> str:
    text = data.decode(encoding, "replace")
    broken = text.count("\ufffd") - data.count("\ufffd".encode(encoding))
    if broken > max(1, _REPLACEABLE * len(text)):
        raise reject("encoding", f"The file says it is {encoding.upper()}, and is not.")
    if broken > 0:
        builder.flag("encoding", f"{broken} characters that are not {encoding.upper()} were replaced")
    return text


def _unmarked_utf16(data: bytes) -> str:
    """Recognise UTF-16 of mostly Latin text by the zero byte in every second place."""
    sample = data[:4096]
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if half < 2 or min(even, odd) >= 0.05 * half or max(even, odd) <= 0.7 * half:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _guessed(data: bytes, html: bool) -> str:
    """Return the encoding of what is not Unicode: as declared, as plain Western text, or as the statistics say."""
    from charset_normalizer import from_bytes  # 30 ms, and most files are UTF-8

    sample = data[:_SAMPLE]
    declared = _DECLARED.search(data[:2048]) if html else None
    with suppress(LookupError):
        label = codecs.lookup(declared[1].decode("ascii")).name if declared else ""
        best = from_bytes(sample, cp_isolation=[_WESTERN.get(label, label)]).best() if label else None
        if best is not None and best.chaos <= _MAX_CHAOS:
            return best.encoding
    if _is_western(data):
        return "cp1252"
    best = from_bytes(sample).best()
    if best is None or best.chaos > _MAX_CHAOS or (best.coherence == 0 and not best.language):
        raise reject("encoding", "The file's character encoding cannot be told; save it as UTF-8.")
    return best.encoding


def _is_western(data: bytes) -> bool:
    """Say whether cp1252 gives text whose characters beyond ASCII are few, typical, and where they belong."""
    try:
        text = data[:_SAMPLE].decode("cp1252")
    except UnicodeDecodeError:
        return False
    beyond = [char for char in text if char > "\x7f"]
    letters = sum(char.isalpha() for char in text)
    if not _CP1252_TYPICAL.issuperset(beyond) or sum(char.isalpha() for char in beyond) > 0.15 * max(letters, 1):
        return False
    # A sign between two letters (`pracuj¹ce`) or a capital inside a word is another code page's letter.
    return not re.search(r"[a-z][¿¡²³¹ªº£¢¥±¼½¾€†‡µ¶©®«»„‚][a-z]|[a-z][ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜŠŽ]", text)


# Front matter


def _split(source: str) -> tuple[Mapping[str, object], str]:
    """Return the front matter, its keys in small letters, and the text without it; comments before it stay."""
    begin = _first_visible(source)
    fence, _, rest = source[begin:].partition("\n")
    fence = _seen(fence)
    if fence not in _CLOSES or not rest:
        return {}, source
    lines = rest.split("\n")
    end = next((at for at, line in enumerate(lines) if _seen(line) in _CLOSES[fence]), None)
    if end is None and not lines[0]:
        return {}, source  # a rule
    if end is None:
        raise _rejected(f"it is opened by a line of {fence}, and not closed by another. {_NO_RULE}")
    block = "\n".join(lines[:end])
    if len(block) > _MAX_FRONT_MATTER:
        raise _rejected(f"it has {len(block):,} characters; the limit is {_MAX_FRONT_MATTER:,}")
    return _load(block, fence), source[:begin] + "\n".join(lines[end + 1 :])


def _seen(line: str) -> str:
    """Return a line as it is seen: characters without width must not hide what it is."""
    return scrub(line)[0].rstrip()


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
    return scrub(str(key))[0].strip().casefold()


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
