"""The pages that a web site's sitemap lists, and no others: of its own host, each asked for only if it has changed."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tomllib
from collections.abc import Mapping, Sequence
from mimetypes import MimeTypes
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from assistant.core.errors import DocumentRejected, UsageError
from ingest.access_manifest import MAX_MANIFEST_BYTES
from ingest.remote.place import MORE_SECONDS, MOST_LISTED, Listed, Sink, governed, untold
from ingest.remote.sitemap import MAX_SITEMAP, Allowance, NoSitemapError, Sitemap, read_sitemap
from ingest.sources import MANIFEST, is_document

MOST_REDIRECTS, MOST_SITEMAPS = 5, 1_000
REDIRECTS, GONE, BUSY = (301, 302, 303, 307, 308), (404, 410), (408, 425, 429)
NO_SITEMAP = "Give the address of a sitemap, for example https://host/sitemap.xml, or of a document."
NO_MANIFEST = "Where there is none, have the site answer with status 404."
OUTSIDE = "Its address leads to another host."
ENDLESS = "Its address redirects without end."
ELSEWHERE = "It redirects to something else."
PAGE = "It is no document, but a page."


class Site:
    """What a sitemap lists, or a single document."""

    def __init__(self, address: str, seconds: float) -> None:
        import fsspec

        self._address = self._origin = address
        self._seconds = seconds
        self._manifest = b""
        self._waiting: set[asyncio.Future[Any]] = set()
        protocol = urlsplit(address).scheme  # fsspec would send over http:// what is configured for https://
        options = {"client_kwargs": {}, **fsspec.config.conf.get(protocol, {})}
        self._fs = fsspec.filesystem(protocol, skip_instance_cache=True, **options)

    def listing(self) -> Sequence[Listed]:
        """Return the pages, and the manifest if there is one; raises UsageError for no sitemap.

        Raises it, too, where nothing tells whether there is a manifest, and where it would not be read.
        """
        name = PurePosixPath(urlsplit(self._address).path).name
        if is_document(name):
            for at in self._manifests():
                raise governed(self._address, at, "Give the sitemap beside it.")
            return [Listed(name, self._address, address=self._address)]
        pages: dict[str, Listed] = {}
        allowance, maps, seen = Allowance(), [self._address], {self._address}
        while maps:
            sitemap = self._read_sitemap(at := maps.pop(), allowance)
            found = [(url, changed) for link, changed in sitemap.entries if (url := self._own(at, link))]
            if sitemap.kind == "sitemapindex":
                maps += dict.fromkeys(url for url, _ in found if url not in seen)
                seen.update(url for url, _ in found)
            else:
                for url, changed in found:
                    pages.setdefault(url.removesuffix("index.html"), _page(url, changed))
            if len(seen) > MOST_SITEMAPS or len(pages) > MOST_LISTED:
                raise UsageError(f"{self._address} lists more than can be read.", "Give a sitemap of a part.")
        if not (manifests := self._manifests()):
            return [*pages.values()]
        (at, self._manifest), *others = manifests.items()
        for other, said in others:
            if said != self._manifest:
                raise governed(self._address, other, f"{at} says something else: leave one of them.")
        return [*pages.values(), Listed(MANIFEST, at, address=at)]

    def close(self) -> None:
        """End the session, whoever waits for it."""
        from fsspec.asyn import sync

        sync(self._fs.loop, self._end)

    async def _end(self) -> None:
        for answer in self._waiting:
            answer.cancel()
        await (await self._fs.set_session()).close()

    def fetch(self, file: Listed, known: str, sink: Sink) -> str | None:
        """Write a page's bytes and return its stamp: the sitemap's, or else its ETag or the time of its last change."""
        if file.name == MANIFEST:
            sink.write(self._manifest)
            return ""
        name, _, value = known.partition(" ")
        condition = {"etag": "If-None-Match", "modified": "If-Modified-Since"}.get(name)
        headers = self._ask(file.at, {condition: value} if condition else {}, sink)
        if headers is None:
            return None
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if kind and ("html" in kind.lower()) != (PurePosixPath(file.name).suffix.lower() in (".html", ".htm")):
            raise DocumentRejected("unsupported", PAGE if "html" in kind.lower() else f"It is no page, but {kind}.")
        stamps = {"etag": headers.get("etag"), "modified": headers.get("last-modified")}
        return file.stamp or next((f"{key} {value}" for key, value in stamps.items() if value), "")

    def _read_sitemap(self, url: str, allowance: Allowance) -> Sitemap:
        """Return what a sitemap lists; raises UsageError."""
        body = io.BytesIO()
        try:
            self._ask(url, {}, Sink(body, MAX_SITEMAP, self._seconds * MORE_SECONDS))
            return read_sitemap(body.getvalue(), allowance)
        except DocumentRejected as error:
            raise UsageError(f"{url} cannot be read. {error.detail}", NO_SITEMAP) from error
        except NoSitemapError as error:
            raise UsageError(f"{url} is no sitemap{f': {error}' if str(error) else ''}.", NO_SITEMAP) from error

    def _manifests(self) -> dict[str, bytes]:
        """Return what the manifests say that stand beside the address, where it leads to, and above, by their address.

        Only "there is none" is that: any other page may be shown in the place of what is kept from whoever asks.
        """
        parents = [*PurePosixPath(urlsplit(self._origin).path).parents, PurePosixPath("/")]
        parents += PurePosixPath(urlsplit(self._address).path).parents
        found = {}
        for at in dict.fromkeys(urljoin(self._origin, str(folder / MANIFEST)) for folder in parents):
            body = io.BytesIO()
            sink = Sink(body, MAX_MANIFEST_BYTES, self._seconds * MORE_SECONDS)
            try:
                if self._ask(at, {}, sink, itself=True) is None:
                    continue
                tomllib.loads(body.getvalue().decode("utf-8-sig"))
            except DocumentRejected as error:
                raise untold(self._address, at, error.detail, NO_MANIFEST) from error
            except (ValueError, RecursionError) as error:
                raise untold(self._address, at, "what comes is no TOML.", NO_MANIFEST) from error
            found[at] = body.getvalue()
        return found

    def _own(self, base: str, link: str) -> str:
        """Return the address of a link's page, if that is of the same host; "" for another, and for no address."""
        try:
            url = urlsplit(urljoin(base, link))
            if _host(url) in (_host(urlsplit(self._origin)), _host(urlsplit(self._address))):
                return url._replace(path=url.path or "/", fragment="").geturl()
        except ValueError:
            pass
        return ""

    def _ask(self, url: str, headers: Mapping[str, str], sink: Sink, itself: bool = False) -> Mapping[str, str] | None:
        """Write what lies at an address, and return its headers; None if it has not changed.

        With `itself` nothing else is taken for it, and None says that there is nothing. Raises DocumentRejected for
        what asking again does not mend, and any other error for what it may.
        """
        from fsspec.asyn import sync

        asked = {"Accept-Encoding": "identity", **headers}
        found: Mapping[str, str] | None = sync(self._fs.loop, self._wait, url, asked, sink, itself)
        return found

    async def _wait(self, url: str, headers: Mapping[str, str], sink: Sink, itself: bool) -> Mapping[str, str] | None:
        """Wait for an answer; raises TimeoutError if that is ended."""
        answer = asyncio.ensure_future(self._get(url, headers, sink, itself))
        self._waiting.add(answer)
        try:
            return await answer
        except asyncio.CancelledError:
            raise TimeoutError from None
        finally:
            self._waiting.discard(answer)

    async def _get(self, url: str, headers: Mapping[str, str], sink: Sink, itself: bool) -> Mapping[str, str] | None:
        from aiohttp import ClientTimeout

        session = await self._fs.set_session()
        waits = ClientTimeout(self._seconds * MORE_SECONDS, sock_connect=self._seconds, sock_read=self._seconds)
        first = url == self._address
        for _ in range(MOST_REDIRECTS + 1):
            async with session.get(url, headers=headers, allow_redirects=False, timeout=waits) as answer:
                if answer.status in REDIRECTS and "Location" in answer.headers:
                    before, url = url, self._follow(url, answer.headers["Location"])
                    if itself and urlsplit(before)[2:] != urlsplit(url)[2:]:
                        raise DocumentRejected("outside", ELSEWHERE)
                    continue
                if (answer.status == 304 and len(headers) > 1) or (itself and answer.status in GONE):
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
            if _host(now) == _host(then) or (upgraded and _host(now)[1:3] == _host(then)[1:3]):
                return then.geturl()
        except ValueError:
            pass
        raise DocumentRejected("outside", OUTSIDE)


def _host(url: SplitResult) -> tuple[str, str | None, str, int | None]:
    """Return who answers at an address, and who it says that asks: no address of ours says that."""
    ports = {"http": 80, "https": 443}
    return url.scheme, url.hostname, "".join(url.netloc.rpartition("@")[:2]), url.port or ports.get(url.scheme)


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
    return Listed(path, url, stamp=f"lastmod {changed}" if changed else "", address=url)
