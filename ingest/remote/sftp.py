"""SFTP, from hosts that the account knows: fsspec's own would believe whoever answers, and wait without end."""

from __future__ import annotations

from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from assistant.core.errors import UsageError
from ingest.remote.files import Files


class Sftp(Files):
    """A folder, or a file, of a host; each thread has a connection of its own."""

    stamps = ("mtime",)

    @staticmethod
    def _path_of(address: str) -> str:
        _, slash, path = address.partition("://")[2].partition("/")
        return slash + path

    def _connect(self) -> Any:
        options = SFTPFileSystem._get_kwargs_from_urls(self._address)
        return KnownHost(**options, seconds=self._seconds, skip_instance_cache=True)

    def _disconnect(self, fs: Any) -> None:
        fs.client.close()

    def _exists(self, path: str) -> bool:
        try:
            self._fs.ftp.lstat(path)
        except FileNotFoundError:
            return False
        return True


class KnownHost(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files over SSH of a host in ~/.ssh/known_hosts; keys are those of the account, or of its agent."""

    def __init__(self, host: str, seconds: float, **options: Any) -> None:
        self._seconds = seconds
        super().__init__(host, **options)

    def ls(self, path: str, detail: bool = False) -> Any:
        """List a folder, whatever its names are made of."""
        found = [self._decode_stat(each, path) for each in self.ftp.listdir_attr(path)]
        return found if detail else [each["name"] for each in found]

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()  # and the default policy refuses any other
        waits = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout"), self._seconds)
        try:
            self.client.connect(self.host, **{**waits, **self.ssh_kwargs})
        except paramiko.BadHostKeyException as error:
            hint = "Find out why, before you take its line out of ~/.ssh/known_hosts."
            raise UsageError(f"{self.host} has another key than before.", hint) from error
        except paramiko.SSHException as error:
            if "not found in known_hosts" not in str(error):
                raise
            raise UsageError(f"{self.host} is not in ~/.ssh/known_hosts.", f"Run once: ssh {self.host}") from error
        self.ftp = _Client.from_transport(self.client.get_transport())
        self.ftp.get_channel().settimeout(self._seconds)


class _Message(paramiko.Message):  # type: ignore[misc]  # paramiko has no types
    """An answer whose names may be in any encoding, as those of this machine's own files."""

    def get_text(self) -> str:
        return str(self.get_string().decode("utf-8", "surrogateescape"))


class _Client(paramiko.SFTPClient):  # type: ignore[misc]
    def _request(self, kind: Any, *arguments: Any) -> tuple[Any, _Message]:
        kind, found = super()._request(kind, *arguments)
        return kind, _Message(found.get_remainder())
