"""The protocols of which an address may be, and what opens each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from assistant.core.errors import UsageError
from assistant.core.package import need
from ingest.remote.files import CREDENTIALS, Files


def _s3(address: str, seconds: float) -> Files:
    from ingest.remote.s3 import S3

    return S3(address, seconds)


def _sftp(address: str, seconds: float) -> Files:
    from ingest.remote.sftp import Sftp

    return Sftp(address, seconds)


# Opens an address whose every answer may take so many seconds; raises UsageError if that cannot be done.
OPENERS: Mapping[str, Callable[[str, float], Files]] = {"s3": _s3, "sftp": _sftp}


def is_address(argument: str) -> bool:
    """Tell an address from a path."""
    return "://" in argument


def check_address(address: str) -> str:
    """Return an address as it is kept.

    Raises UsageError for one that holds a password, is of another protocol, or needs a package that is not installed.
    """
    protocol, _, rest = address.partition("://")
    protocol = protocol.lower()
    if re.match(r"[^/]*:.*@", rest):
        raise UsageError(f"the {protocol}:// address holds a password or a key.", CREDENTIALS)
    if protocol not in OPENERS:
        known = ", ".join(f"{name}://" for name in OPENERS)
        hint = "Let a program such as rclone or wget --mirror copy what is elsewhere, and give the path of that folder."
        raise UsageError(f"{protocol}:// is none of {known}.", hint)
    if not rest.strip("/"):
        raise UsageError(f"{protocol}:// names no place.", "For example s3://bucket/policies.")
    need("remote", "an address")
    return f"{protocol}://{rest.rstrip('/')}"


def open_address(address: str, seconds: float) -> Files:
    """Open a checked address; raises UsageError if that cannot be done."""
    return OPENERS[address.partition("://")[0]](address, seconds)
