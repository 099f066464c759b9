"""SFTP, from hosts that the account knows: fsspec's own would believe whoever answers, and wait without end."""

from __future__ import annotations

from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from assistant.core.errors import UsageError


class KnownHost(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files over SSH of a host in ~/.ssh/known_hosts; keys are those of the account, or of its agent."""

    def __init__(self, host: str, seconds: float, **options: Any) -> None:
        self._seconds = seconds
        super().__init__(host, **options)

    def close(self) -> None:
        """End the connection."""
        self.client.close()

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
        self.ftp = self.client.open_sftp()
        self.ftp.get_channel().settimeout(self._seconds)
