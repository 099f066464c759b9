"""Servers of this machine, and what fetches from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import boto3
import fsspec
import pytest

from assistant.core.config import Config, IngestSection
from ingest import build
from ingest.remote import protocols
from ingest.remote.files import Files
from ingest.remote.mirror import Mirror, mirror
from tests import fakes
from tests.commands import Run
from tests.ingest.remote.places import Take
from tests.ingest.remote.servers import S3, Sftp, stopped

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
def sftp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sftp]:
    """A server of a folder, which the account knows and has the password of."""
    root = tmp_path / "afar"
    (root / "policies").mkdir(parents=True)
    with stopped(Sftp(root)) as server:
        known = tmp_path / "home" / ".ssh" / "known_hosts"
        known.parent.mkdir(parents=True)
        known.write_text(f"[127.0.0.1]:{server.port} {server.key.get_name()} {server.key.get_base64()}\n")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        options = {"username": "reader", "password": "s3cret-word", "look_for_keys": False, "allow_agent": False}
        monkeypatch.setitem(fsspec.config.conf, "sftp", options)
        yield server


class Memory(Files):
    """Files of this process."""

    stamps = ("created",)

    @staticmethod
    def _path_of(address: str) -> str:
        return f"/{Files._path_of(address)}"

    def _connect(self) -> Any:
        return fsspec.filesystem("memory", skip_instance_cache=True)

    def _disconnect(self, fs: Any) -> None:
        pass

    def _exists(self, path: str) -> bool:
        return bool(self._fs.exists(path))


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A filesystem of this process, which nobody but tests may name."""
    monkeypatch.setattr(protocols, "OPENERS", {**protocols.OPENERS, "memory": Memory})
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]
    yield fs
    fs.store.clear()
