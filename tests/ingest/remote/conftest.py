"""Servers of this machine, and what fetches from them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import boto3
import fsspec
import pytest
import s3fs
from fsspec.implementations.memory import MemoryFileSystem

from assistant.core.config import Config, IngestSection
from ingest import build
from ingest.remote import s3 as buckets
from ingest.remote.mirror import Mirror, mirror
from tests import fakes
from tests.commands import Run
from tests.ingest.remote.places import Take
from tests.ingest.remote.servers import S3, Dripping, stopped

encoder, parser = fakes.encoder, fakes.parser


@pytest.fixture
def config(make_config: Callable[..., Config]) -> Config:
    return make_config(ingest=IngestSection(max_file_mb=1.0))


@pytest.fixture
def run(run: Run, encoder: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run main() as the installed command does, with an encoder that hashes."""
    monkeypatch.setattr(build, "open_embedder", lambda config: nullcontext(encoder))
    return run


@pytest.fixture
def take(config: Config) -> Take:
    """Fetch an address, and ask again at once."""

    def run(address: str, most_gone: float = 0.5, seconds: float = 5.0) -> Mirror:
        with mirror(address, config, most_gone=most_gone, seconds=seconds, first_wait=0.001) as found:
            return found

    return run


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3]:
    with stopped(S3()) as server:
        yield server


@pytest.fixture(scope="module")
def s3_client(s3_server: S3) -> Any:
    login = {"aws_access_key_id": "k", "aws_secret_access_key": "not-for-logs", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=s3_server.url, **login)


@pytest.fixture
def s3(s3_server: S3, s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a bucket `corp` that is empty; the assistant's credentials are in fsspec's configuration."""
    key = {"key": "k", "secret": "not-for-logs", "endpoint_url": s3_server.url}
    monkeypatch.setitem(fsspec.config.conf, "s3", {**key, "client_kwargs": {"region_name": "us-east-1"}})
    s3_client.create_bucket(Bucket="corp")
    yield s3_client
    s3_server.reset()


@pytest.fixture
def dripping(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dripping]:
    """A server whose one object has no end in sight."""
    with stopped(Dripping()) as server:
        login = {"key": "k", "secret": "not-for-logs", "client_kwargs": {"region_name": "us-east-1"}}
        monkeypatch.setitem(fsspec.config.conf, "s3", {**login, "endpoint_url": server.url})
        yield server


class Memory(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Objects of this process, through the parts of s3fs that are used."""

    loop = fsspec.asyn.get_loop()
    split_path = s3fs.S3FileSystem.split_path
    _find_bucket_key = s3fs.S3FileSystem._find_bucket_key
    version_aware = False

    async def _iterdir(self, bucket: str, delimiter: str, prefix: str) -> AsyncIterator[Any]:
        for info in self.find(f"/{bucket}/{prefix}", detail=True).values():
            yield self._told(info)

    async def _info(self, path: str) -> Any:
        return self._told(self.info(f"/{path}"))

    async def _call_s3(self, method: str, **asked: str) -> Any:
        body = io.BytesIO(self.cat_file(f"/{asked['Bucket']}/{asked['Key']}"))

        async def read(size: int) -> bytes:
            return body.read(size)

        return {"Body": SimpleNamespace(read=read, close=body.close)}

    @staticmethod
    def _told(info: Any) -> Any:
        return {**info, "name": info["name"].lstrip("/"), "LastModified": info["created"]}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket `docs` of this process, in place of all that a server would have."""
    fs = Memory(skip_instance_cache=True)
    monkeypatch.setattr(buckets.S3, "_connect", lambda self: fs)
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]
    yield fs
    fs.store.clear()
