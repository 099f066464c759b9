"""Files: their hashes, writing one whole, where what ships lies, and who may read and write.

What we make is its owner's alone, and what others may write is not trusted.

Windows keeps rights in another way; there nothing is changed, and every file is trusted.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from assistant.core.errors import ConfigError, UsageError

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO
MAX_TOML_CHARACTERS = 16_384  # tomllib takes a square of the time for a key of many parts
PACKAGED = Path(__file__).parent.parent / "packaged"  # models of ours, or what makes them of others


def keep_private(path: Path) -> None:
    """Take from others every right to a file or folder, where the system lets us: it may be somebody else's."""
    with suppress(OSError):
        if is_exposed(path):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)


def open_private(path: Path, flags: int) -> int:
    """Open a file, made if need be, that is its owner's alone; raises OSError."""
    handle = os.open(path, flags | os.O_CREAT | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
    keep_private(path)
    return handle


def is_exposed(path: Path) -> bool:
    """Tell whether other accounts have any right to a file or folder; False if there is none."""
    return os.name != "nt" and path.exists() and bool(path.stat().st_mode & OTHERS)


def others_may_write(path: Path) -> bool:
    """Tell whether other accounts may put files into a folder, or change a file; raises OSError."""
    return os.name != "nt" and _writable(path.stat())


def distrust(path: Path, handle: int) -> str:
    """Say why what an open file holds may be somebody else's words; empty for the user's own, and for root's.

    The folder counts, too: whoever may write there can put another file, or a link to one, in its place.
    Raises OSError.
    """
    if os.name == "nt":
        return ""
    path = path.absolute()
    for name, found in ((path, os.fstat(handle)), (path, path.lstat()), (path.parent, path.parent.stat())):
        if found.st_uid not in (os.geteuid(), 0):
            return f"{name} belongs to another account (user {found.st_uid})"
        sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        if _writable(found) and not sticky and not stat.S_ISLNK(found.st_mode):
            return f"{name} may be changed by other accounts (mode {stat.S_IMODE(found.st_mode):o})"
    return ""


def read_secret(path: Path, what: str, make: str, least: int = 16, most: int = 4_096) -> bytes:
    """Return a file's first bytes, which are a secret; `what` names the file, `make` says how to make one.

    Raises ConfigError if it is missing, shorter than `least` bytes, or may be read or changed by other accounts.
    """
    try:
        with path.open("rb") as file:
            doubt = distrust(path, file.fileno())
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            secret = file.read(most)
    except OSError as error:
        raise ConfigError(f"{what} {path} cannot be read: {error.strerror}.", make) from error
    if os.name != "nt" and mode & OTHERS and not doubt:
        doubt = f"other accounts may read it (mode {mode:o})"
    if doubt:
        raise ConfigError(f"{what} {path} is no secret: {doubt}.", f"{make}; or: chmod go= {path}")
    if len(secret) < least:
        raise ConfigError(f"{what} {path} holds {len(secret)} bytes; a secret has at least {least}.", make)
    return secret


def _writable(found: os.stat_result) -> bool:
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and not _is_own_group(found.st_gid)


def _is_own_group(gid: int) -> bool:
    """Tell the group that is named after the user, and holds nobody else: with it goes a umask of 002."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return (gid, group.gr_name) == (user.pw_gid, user.pw_name) and set(group.gr_mem) <= {user.pw_name}


def hash_file(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_toml(file: TextIO) -> dict[str, Any]:
    """Parse an open file; raises ValueError for one that is no TOML or too long, OSError and RecursionError."""
    text = file.read(MAX_TOML_CHARACTERS + 1)
    if len(text) > MAX_TOML_CHARACTERS:
        raise ValueError(f"it has more than {MAX_TOML_CHARACTERS:,} characters")
    return tomllib.loads(text)


def write_report(path: Path, data: bytes, option: str) -> None:
    """Write a file that an option names, and its folder; raises UsageError naming the option."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", f"Check {option}.") from error


def write_atomic(path: Path, text: str, mode: int = 0o666) -> None:
    """Write a temporary file, then rename it: who reads meanwhile sees the old file or the whole new one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)  # of a process that died: it may have been anybody's to read
    try:
        aside.touch(mode)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def sync_to_disk(paths: Iterable[Path]) -> None:
    """Flush files, and folders' entries, to the disk; Windows cannot open a folder, and is left alone."""
    for path in paths if os.name != "nt" else ():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
