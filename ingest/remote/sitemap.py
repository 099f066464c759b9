"""What a sitemap names; of all else that it holds nothing is kept, however much that is."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LONGEST_LINK = 2_048  # characters, as the protocol of sitemaps has it
MAX_SITEMAP, MAX_SITEMAPS = 50 * 2**20, 200 * 2**20  # bytes of one, and of all, unpacked
MAX_ELEMENTS, MAX_DEPTH = 1_000_000, 20
PART = 2**16
KINDS = ("urlset", "sitemapindex")


class NoSitemapError(ValueError):
    """What was read is no sitemap, or one without end."""


@dataclass(slots=True)
class Allowance:
    """The bytes that may still be unpacked for a site."""

    left: int = MAX_SITEMAPS

    def read(self, body: bytes) -> Iterator[bytes]:
        """Yield a sitemap unpacked; raises NoSitemapError for more than it may have."""
        packed = io.BytesIO(body)
        stream = gzip.GzipFile(fileobj=packed) if body.startswith(b"\x1f\x8b") else packed
        size = 0
        try:
            while part := stream.read(PART):
                size += len(part)
                self.left -= len(part)
                if size > MAX_SITEMAP or self.left < 0:
                    raise NoSitemapError("it is too large")
                yield part
        except (EOFError, OSError, zlib.error) as error:
            raise NoSitemapError("it is damaged") from error


@dataclass(slots=True)
class Sitemap:
    """The `kind` of a sitemap, by its outermost element, and the `entries` (link, last change) of pages or sitemaps.

    It is what a parser tells of elements: they make no tree.
    """

    kind: str = ""
    entries: list[tuple[str, str]] = field(default_factory=list)
    _depth: int = 0
    _count: int = 0
    _entry: dict[str, str] = field(default_factory=dict)
    _text: str | None = None  # of the element that is open, if it is one that counts

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element; raises NoSitemapError for one that no sitemap has."""
        name = tag.rpartition("}")[2]
        self._depth += 1
        self._count += 1
        if self._depth == 1:
            self.kind = name
        if self.kind not in KINDS or self._depth > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise NoSitemapError
        self._text = "" if self._depth == 3 and name in ("loc", "lastmod") else None

    def data(self, text: str) -> None:
        """Take text; of one that is too long no more than shows that."""
        if self._text is not None and len(self._text) <= LONGEST_LINK:
            self._text += text[: LONGEST_LINK + 1]

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        if self._text is not None:
            self._entry[tag.rpartition("}")[2]] = self._text.strip()
            self._text = None
        if self._depth == 2:
            link, changed = self._entry.get("loc", ""), self._entry.get("lastmod", "")
            if link and len(link) <= LONGEST_LINK:
                self.entries.append((link, changed[:40]))
            self._entry = {}
        self._depth -= 1

    def close(self) -> None:
        """Take the end of it all."""


def read_sitemap(body: bytes, allowance: Allowance) -> Sitemap:
    """Read a sitemap, packed or not; raises NoSitemapError."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser, ParseError

    found = Sitemap()
    parser = DefusedXMLParser(target=found)
    try:
        for part in allowance.read(body):
            parser.feed(part)
        parser.close()
    except NoSitemapError:
        raise
    except (DefusedXmlException, ParseError, ValueError) as error:
        raise NoSitemapError from error
    return found
