"""Who may ask: by which name the server was called, and with which token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

from assistant.core.errors import UsageError
from assistant.core.files import read_secret
from assistant.serve.schemas import HttpError
from assistant.serve.tokens import TokenFile, shown_token, unauthorized

OPEN_PATHS = ("/healthz", "/openapi.json")  # which tell nothing of the documents
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
NEW_TOKEN = "Make one that is yours alone: (umask 077; head -c 32 /dev/urandom | base64 > FILE)"


@dataclass(frozen=True, slots=True)
class Authenticator:
    """The names that this server may be called by, all of them if there is none, and what token it asks for."""

    hosts: frozenset[str] = frozenset()
    token: bytes = b""
    tokens: TokenFile | None = None  # each with its name, in place of one for all

    def check(self, path: str, headers: Mapping[str, str]) -> None:
        """Raise HttpError for another server's name, and without a token where one is asked for; ConfigError.

        A page of another site can have its own name point to this machine, and so have a browser ask us: the browser
        then sends that name.
        """
        if self.hosts and _host(headers.get("host", "")) not in self.hosts:
            message = "this server has another name; the Host header must be the address that it serves."
            raise HttpError(HTTPStatus.MISDIRECTED_REQUEST, "wrong_host", message)
        if path in OPEN_PATHS:
            return
        shown = shown_token(headers.get("authorization", ""))
        if self.tokens:
            self.tokens.find(shown)
        elif self.token and not compare_digest(shown.encode(), self.token):
            raise unauthorized()


def make_authenticator(
    host: str, token_file: Path | None, tokens: TokenFile | None = None, *, proxied: bool = False
) -> Authenticator:
    """Return who may ask at an address; raises UsageError if other machines reach it and no token is asked for.

    A server that is `proxied` is called by its proxy's name, and refuses whoever does not come from there or shows no
    token: an account of that machine, or a page in its browser, is not the proxy.
    """
    if token_file and tokens:
        raise UsageError("--token-file names one token for all, and serve.tokens one for each.", "Leave one out.")
    if tokens:
        tokens.read()
    token = _read_token(token_file) if token_file else b""
    if proxied and not token:
        raise UsageError("serve.proxies needs a token that the proxy alone knows.", "Name its file: --token-file FILE")
    if is_loopback(host) and not proxied:
        return Authenticator(frozenset((*LOCAL_NAMES, f"[{host}]" if ":" in host else host.lower())), token, tokens)
    if not (token or tokens):
        cause = f"{host or 'every address'} can be reached from other machines, which must show a token."
        raise UsageError(cause, "Name a file that holds one, --token-file FILE, or one with many: serve.tokens")
    return Authenticator(token=token, tokens=tokens)


def is_loopback(host: str) -> bool:
    """Tell whether an address is one that only this machine reaches."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _host(header: str) -> str:
    """Return a Host header without its port."""
    header = header.strip().lower()
    name, _, port = header.rpartition(":")
    return name if port.isdecimal() else header


def _read_token(path: Path, least: int = 16) -> bytes:
    """Return the token of a file; raises UsageError if it is short, odd, or may be read or changed by others."""
    token = read_secret(path, "the token file", NEW_TOKEN, least).strip()
    if len(token) < least or not all(0x21 <= byte <= 0x7E for byte in token):
        cause = f"the token file {path} must hold one word of {least} or more letters, digits and signs."
        raise UsageError(cause, NEW_TOKEN)
    return token
