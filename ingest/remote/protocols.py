"""The protocols of which an address may be, and what opens each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from assistant.core.errors import UsageError
from assistant.core.package import need
from ingest.remote.place import CREDENTIALS, Origin


def _s3(address: str, seconds: float) -> Origin:
    from ingest.remote.s3 import S3

    return S3(address, seconds)


def _sftp(address: str, seconds: float) -> Origin:
    from ingest.remote.sftp import Sftp

    return Sftp(address, seconds)


def _site(address: str, seconds: float) -> Origin:
    from ingest.remote.site import Site

    return Site(address, seconds)


# Opens an address whose every answer may take so many seconds; raises UsageError if that cannot be done.
OPENERS: Mapping[str, Callable[[str, float], Origin]] = {"s3": _s3, "sftp": _sftp, "https": _site, "http": _site}


def is_address(argument: str) -> bool:
    """Tell an address from a path."""
    return "://" in argument


def check_address(address: str) -> str:
    """Return an address as it is kept.

    Raises UsageError for one that holds a password, is of another protocol, or needs a package that is not installed.
    """
    protocol, _, rest = address.partition("://")
    protocol = protocol.lower()
    web = protocol in ("http", "https")
    if re.match(r"[^/]*:.*@", rest) or (web and ("@" in rest.split("/")[0] or "?" in rest)):
        raise UsageError(f"the {protocol}:// address holds a password, a key or a query.", CREDENTIALS)
    if protocol not in OPENERS:
        known = ", ".join(f"{name}://" for name in OPENERS)
        hint = "Let a program such as rclone copy or mount what is elsewhere, and give the path of that folder."
        raise UsageError(f"{protocol}:// is none of {known}.", hint)
    if not rest.strip("/"):
        raise UsageError(f"{protocol}:// names no place.", "For example s3://bucket/policies.")
    need("remote", "an address")
    return f"{protocol}://{rest if web else rest.rstrip('/')}"


def open_address(address: str, seconds: float) -> Origin:
    """Open a checked address; raises UsageError if that cannot be done."""
    return OPENERS[address.partition("://")[0]](address, seconds)
