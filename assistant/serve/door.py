"""Who may come in: by which name the server was called, and with which token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

from assistant.core.errors import UsageError
from assistant.core.files import read_secret
from assistant.serve.refused import Refused

OPEN_PATHS = ("/v1/health", "/openapi.json", "/docs")  # which tell nothing of the documents
OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[^\s:@/\[\]]{1,255})(?::\d{1,5})?")
LEAST_TOKEN, MOST_TOKEN = 16, 4_096  # characters
NEW_TOKEN = "Make one that is yours alone: (umask 077; head -c 32 /dev/urandom | base64 > FILE)"


@dataclass(frozen=True, slots=True)
class Door:
    """The names that this server may be called by, all of them if there is none, and the token that it asks for."""

    hosts: frozenset[str] = frozenset()
    token: bytes = b""

    def check(self, path: str, headers: Mapping[str, str]) -> None:
        """Raise Refused for a name of somebody else's, and without the token where it is asked for.

        A page of another site can have its own name point to this machine, and so have a browser ask us: the browser
        then tells us that name.
        """
        if self.hosts and _host(headers.get("host", "")) not in self.hosts:
            message = "this server has another name; the Host header must be the address that it serves."
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "wrong_host", message)
        if self.token and path not in OPEN_PATHS and not self._knows(headers.get("authorization", "")):
            message = "this server asks for a token; send the header Authorization: Bearer TOKEN."
            raise Refused(HTTPStatus.UNAUTHORIZED, "invalid_api_key", message, {"WWW-Authenticate": "Bearer"})

    def _knows(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        return compare_digest(given.strip().encode(), self.token) and scheme.lower() == "bearer"


def make_door(host: str, token_file: Path | None) -> Door:
    """Return the door of a server at an address; raises UsageError if others can reach it and no token is asked for."""
    token = _read_token(token_file) if token_file else b""
    if is_loopback(host):
        return Door(frozenset((*OWN_NAMES, f"[{host}]" if ":" in host else host.lower())), token)
    if not token:
        cause = f"{host or 'every address'} can be reached from other machines, which must show a token."
        raise UsageError(cause, "Name the file that holds one: --token-file FILE")
    return Door(token=token)


def is_loopback(host: str) -> bool:
    """Tell whether an address is one that only this machine reaches."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _host(header: str) -> str:
    """Return the name of a Host header, without its port; empty for what is none."""
    found = HOST.fullmatch(header.strip().lower())
    return found[1] if found else ""


def _read_token(path: Path) -> bytes:
    """Return the token of a file; raises UsageError if it is short, odd, or may be read or changed by others."""
    try:
        raw, doubt = read_secret(path, MOST_TOKEN)
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror}.", NEW_TOKEN) from error
    token = raw.strip()
    if doubt:
        raise UsageError(f"the token file {path} is no secret: {doubt}.", f"{NEW_TOKEN}; or: chmod go= {path}")
    if len(token) < LEAST_TOKEN or not all(0x21 <= byte <= 0x7E for byte in token):
        cause = f"the token file {path} must hold one word of {LEAST_TOKEN} or more letters, digits and signs."
        raise UsageError(cause, NEW_TOKEN)
    return token
