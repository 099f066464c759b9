"""The pages that a web site's sitemap lists, and no others: of its own host, each asked for only if it has changed."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping, Sequence
from mimetypes import MimeTypes
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from assistant.core.errors import DocumentRejected, UsageError
from ingest.remote.place import MORE_SECONDS, MOST_LISTED, Listed, Sink
from ingest.sources import MANIFEST, is_document

MOST_REDIRECTS, MOST_SITEMAPS, MAX_SITEMAP = 5, 1_000, 50 * 2**20
REDIRECTS, GONE, BUSY = (301, 302, 303, 307, 308), (404, 410), (408, 425, 429)
NO_SITEMAP = "Give the address of a sitemap, for example https://host/sitemap.xml, or of a document."
OUTSIDE = "Its address leads to another host."
ENDLESS = "Its address redirects without end."


class Site:
    """What a sitemap lists, or a single document."""

    def __init__(self, address: str, seconds: float) -> None:
        import fsspec

        self._address = self._origin = address
        self._seconds = seconds
        self._fs = fsspec.filesystem("https", skip_instance_cache=True)

    def listing(self) -> Sequence[Listed]:
        """Return the pages, and the manifest beside the sitemap if there is one; raises UsageError for no sitemap."""
        if is_document(PurePosixPath(urlsplit(self._address).path).name):
            return [Listed(PurePosixPath(urlsplit(self._address).path).name, self._address)]
        pages: dict[str, Listed] = {}
        maps, seen = [self._address], {self._address}
        while maps:
            links, found = self._read_sitemap(maps.pop())
            for link in links:
                if link not in seen and self._is_own(link):
                    seen.add(link)
                    maps.append(link)
            pages |= {url: _page(url, changed) for url, changed in found if self._is_own(url)}
            if len(seen) > MOST_SITEMAPS or len(pages) > MOST_LISTED:
                raise UsageError(f"{self._address} lists more than can be read.", "Give a sitemap of a part.")
        manifest = urljoin(self._origin, MANIFEST)
        headers = self._ask(manifest, {}, self._body()[1], missing_ok=True)
        there = headers is not None and "html" not in headers.get("content-type", "")  # a page that says "not found"
        return [*pages.values(), *([Listed(MANIFEST, manifest)] if there else [])]

    def close(self) -> None:
        """Its session ends with it."""

    def fetch(self, file: Listed, known: str, sink: Sink) -> str | None:
        """Write a page's bytes and return its stamp: the sitemap's, or else its ETag or the time of its last change."""
        name, _, value = known.partition(" ")
        condition = {"etag": "If-None-Match", "modified": "If-Modified-Since"}.get(name)
        headers = self._ask(file.at, {condition: value} if condition else {}, sink)
        if headers is None:
            return None
        if file.name.endswith(".html") and "html" not in headers.get("content-type", "html"):
            raise DocumentRejected("unsupported", f"It is no page, but {headers['content-type'].partition(';')[0]}.")
        stamps = {"etag": headers.get("etag"), "modified": headers.get("last-modified")}
        return file.stamp or next((f"{key} {value}" for key, value in stamps.items() if value), "")

    def _read_sitemap(self, url: str) -> tuple[list[str], list[tuple[str, str]]]:
        """Return the sitemaps that one lists, and its pages with their last change; raises UsageError."""
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring

        body, sink = self._body()
        try:
            self._ask(url, {}, sink)
            data = body.getvalue()
            if data.startswith(b"\x1f\x8b"):
                data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_SITEMAP)
            root = fromstring(data)
        except DocumentRejected as error:
            raise UsageError(f"{url} cannot be read. {error.detail}", NO_SITEMAP) from error
        except (DefusedXmlException, ParseError, ValueError, EOFError, OSError, zlib.error) as error:
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
                raise  # the connection's, which may be tried again
            raise UsageError(f"{url} is no sitemap.", NO_SITEMAP) from error
        kind = root.tag.rpartition("}")[2]
        if kind not in ("urlset", "sitemapindex"):
            raise UsageError(f"{url} is no sitemap.", NO_SITEMAP)
        entries = [{child.tag.rpartition("}")[2]: (child.text or "").strip() for child in entry} for entry in root]
        found = [(urljoin(url, entry["loc"]), entry.get("lastmod", "")) for entry in entries if entry.get("loc")]
        return ([url for url, _ in found], []) if kind == "sitemapindex" else ([], found)

    def _body(self) -> tuple[io.BytesIO, Sink]:
        body = io.BytesIO()
        return body, Sink(body, MAX_SITEMAP, self._seconds * MORE_SECONDS)

    def _is_own(self, url: str) -> bool:
        try:
            return _host(urlsplit(url)) in (_host(urlsplit(self._origin)), _host(urlsplit(self._address)))
        except ValueError:  # no address at all
            return False

    def _ask(
        self, url: str, headers: Mapping[str, str], sink: Sink, missing_ok: bool = False
    ) -> Mapping[str, str] | None:
        """Write what lies at an address, and return its headers; None if it has not changed, or may be missing.

        Raises DocumentRejected for what asking again does not mend, and any other error for what it may.
        """
        from fsspec.asyn import sync

        asked = {"Accept-Encoding": "identity", **headers}
        found: Mapping[str, str] | None = sync(self._fs.loop, self._get, url, asked, sink, missing_ok)
        return found

    async def _get(
        self, url: str, headers: Mapping[str, str], sink: Sink, missing_ok: bool
    ) -> Mapping[str, str] | None:
        from aiohttp import ClientTimeout

        session = await self._fs.set_session()
        waits = ClientTimeout(self._seconds * MORE_SECONDS, sock_connect=self._seconds, sock_read=self._seconds)
        first = url == self._address
        for _ in range(MOST_REDIRECTS + 1):
            async with session.get(url, headers=headers, allow_redirects=False, timeout=waits) as answer:
                if answer.status in REDIRECTS and "Location" in answer.headers:
                    url = self._follow(url, answer.headers["Location"])
                    continue
                if (answer.status == 304 and len(headers) > 1) or (missing_ok and answer.status in GONE):
                    return None
                if answer.status >= 500 or answer.status in BUSY:
                    raise OSError(f"it answered with status {answer.status}")
                if answer.status != 200:
                    raise DocumentRejected("unreadable", f"It answered with status {answer.status}.")
                async for block in answer.content.iter_chunked(2**16):
                    sink.write(block)
                if first:
                    self._origin = url  # of http:// it may be https://
                return {name.lower(): value for name, value in answer.headers.items()}
        raise DocumentRejected("unreadable", ENDLESS)

    def _follow(self, url: str, location: str) -> str:
        """Return where a redirect leads; raises DocumentRejected unless that is the same host, as safely reached."""
        try:
            now, then = urlsplit(url), urlsplit(urljoin(url, location))
            upgraded = (now.scheme, then.scheme, now.port, then.port) == ("http", "https", None, None)
            if _host(now) == _host(then) or (upgraded and now.hostname == then.hostname):
                return then.geturl()
        except ValueError:
            pass
        raise DocumentRejected("outside", OUTSIDE)


def _host(url: SplitResult) -> tuple[str, str | None, int | None]:
    ports = {"http": 80, "https": 443}
    return url.scheme, url.hostname, url.port or ports.get(url.scheme)


def _page(url: str, changed: str) -> Listed:
    """Return a page by its path, which ends in a document's suffix: a query is in the name by its hash."""
    parts = urlsplit(url)
    path = unquote(parts.path, errors="surrogateescape").removeprefix("/")
    path = f"{path}index.html" if not path or path.endswith("/") else path
    if not is_document(path.rpartition("/")[2]):
        kind, _ = MimeTypes(filenames=()).guess_type(path)
        path = f"{path}.html" if kind in (None, "text/html") else path
    if parts.query:
        stem, dot, suffix = path.rpartition(".")
        path = f"{stem}-{hashlib.sha256(parts.query.encode(errors='surrogateescape')).hexdigest()[:8]}{dot}{suffix}"
    return Listed(path, parts._replace(fragment="").geturl(), stamp=f"lastmod {changed}" if changed else "")
