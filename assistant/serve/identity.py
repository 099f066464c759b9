"""The door: by which name the server is called, who may ask, and as whom.

Everybody asks alike, as whoever started the server said; or each as their token says, or as a proxy says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from assistant.answer.question import MAX_ABOUT
from assistant.core.config import Config
from assistant.core.errors import ConfigError, UsageError
from assistant.core.files import read_secret
from assistant.core.records import Access, make_access
from assistant.guards.run import redacted
from assistant.serve.schemas import HttpError, bad_request
from assistant.serve.tokens import TokenFile, shown_token, unauthorized

OPEN_PATHS = ("/healthz", "/openapi.json")  # which tell nothing of the documents
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
NEW_TOKEN = "Make one that is yours alone: (umask 077; head -c 32 /dev/urandom | base64 > FILE)"
BLANKS = " \t"  # around a header's value, or a group
Address = IPv4Address | IPv6Address
Headers = Sequence[tuple[str, str]]  # as they came, each name as often as it did


@dataclass(frozen=True, slots=True)
class Door:
    """The names that this server may be called by, all of them if there is none, and who is let in as whom.

    Either one `token` is for all, or each of `tokens` has a name and roles, or the `proxies` that are believed name
    user and groups, and `roles` are those of each group. `everybody` says what all who ask have, at that moment.
    """

    hosts: frozenset[str] = frozenset()
    token: bytes = b""
    tokens: TokenFile | None = None
    proxies: frozenset[Address] = frozenset()
    user_header: str = ""
    groups_header: str = ""
    about_header: str = ""
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    everybody: Callable[[], Access] = make_access

    @property
    def tells_apart(self) -> bool:
        """Whether those who ask are told apart."""
        return bool(self.tokens or self.proxies)

    def asker_of(self, access: Access) -> str:
        """Return what tells whose the conversations are that a browser keeps; "" where everybody sees what all see.

        Those of somebody without a name begin with "~": they are kept no longer than the page is open.
        """
        if not self.tells_apart and not access.roles:
            return ""
        who = sha256(json.dumps([access.asker, sorted(access.roles)]).encode()).hexdigest()
        return f"{'-' if access.asker or not self.tells_apart else '~'}{who[:16]}"

    def check(self, path: str, headers: Headers) -> None:
        """Raise HttpError for another server's name, and without a token where one is asked for; ConfigError.

        A page of another site can have its own name point to this machine, and so have a browser ask us: the browser
        then sends that name.
        """
        if self.hosts and _host(_told("Host", headers)) not in self.hosts:
            message = "this server has another name; the Host header must be the address that it serves."
            raise HttpError(HTTPStatus.MISDIRECTED_REQUEST, "wrong_host", message)
        if path in OPEN_PATHS:
            return
        if self.tokens:
            self.tokens.find(_shown(headers))
        elif self.token and not compare_digest(_shown(headers).encode(), self.token):
            raise unauthorized()

    def access(self, client: str, headers: Headers) -> Access:
        """Return who asks, from an address.

        A group that has no roles gives none. Raises HttpError for who is no proxy or shows no token that holds, and
        ConfigError for tokens that cannot be read.
        """
        common = self.everybody()
        if self.tokens:
            token = self.tokens.find(_shown(headers))
            return replace(common, roles=token.roles, asker=token.name)
        if not self.proxies:
            return common
        self.check_proxy(client)
        user = _told(self.user_header, headers)
        if self.user_header and not user.strip():
            message = f"the proxy did not say who you are: {self.user_header} is missing."
            raise HttpError(HTTPStatus.FORBIDDEN, "not_signed_on", message)
        groups = map(_folded, _told(self.groups_header, headers).split(","))
        roles = frozenset[str]().union(*(self.roles.get(group, frozenset()) for group in groups))
        return replace(common, roles=roles, asker=user)

    def check_proxy(self, client: str) -> None:
        """Raise HttpError for an address that is no proxy, where there are some."""
        if self.proxies and _address(client) not in self.proxies:
            message = "this server is asked through its proxy, which knows who you are."
            raise HttpError(HTTPStatus.FORBIDDEN, "not_proxied", message)

    def about(self, headers: Headers) -> str:
        """Return what the proxy that is believed says of whoever asks, as much as may be said; "" where none does."""
        told = _told(self.about_header, headers) if self.proxies and self.about_header else ""
        # What is cut is masked before: half a number would be none that is. Else it is masked with the question.
        told = " ".join(told.split())
        return told if len(told) <= MAX_ABOUT else redacted(told)[:MAX_ABOUT]


def make_door(
    config: Config, host: str, token_file: Path | None = None, everybody: Callable[[], Access] = make_access
) -> Door:
    """Return who may ask at an address, and as whom; raises UsageError for what does not go together.

    Where other machines reach the address, a token is asked for. A server behind proxies is called by their name, and
    refuses whoever does not come from there or shows no token: an account of that machine, or a page in its browser,
    is not the proxy. Raises ConfigError for no address, no `group = role`, and tokens that cannot be read.
    """
    settings = config.serve
    tokens = TokenFile(config.tokens_file) if config.tokens_file else None
    proxies = _proxies(settings.proxies)
    if everybody().roles and (tokens or proxies):
        giver = "serve.tokens" if tokens else "serve.proxies"
        raise UsageError(f"--as gives everybody the same roles, and {giver} each their own.", "Leave one out.")
    if token_file and tokens:
        raise UsageError("--token-file names one token for all, and serve.tokens one for each.", "Leave one out.")
    if tokens:
        tokens.read()
    token = _read_token(token_file) if token_file else b""
    if proxies and not token:
        raise UsageError("serve.proxies needs a token that the proxy alone knows.", "Name its file: --token-file FILE")
    local = is_loopback(host) and not proxies
    if not (local or token or tokens):
        cause = f"{host or 'every address'} can be reached from other machines, which must show a token."
        raise UsageError(cause, "Name a file that holds one, --token-file FILE, or one with many: serve.tokens")
    return Door(
        frozenset((*LOCAL_NAMES, f"[{host}]" if ":" in host else host.lower())) if local else frozenset(),
        token,
        tokens,
        proxies,
        settings.user_header,
        settings.groups_header,
        settings.about_header,
        _roles_of(settings.groups),
        everybody,
    )


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


def _shown(headers: Headers) -> str:
    return shown_token(_told("Authorization", headers))


def _told(header: str, headers: Headers) -> str:
    """Return what a header says, "" without one; raises HttpError if it came twice, or is not UTF-8.

    Without the blanks and tabs around it, which HTTP has there, and nothing else: what more is dropped, or read as
    another letter, may be all that tells two names apart.
    """
    told = [value for name, value in headers if name.casefold() == header.casefold()]
    if len(told) > 1:  # the proxy's, and one that it let through
        raise bad_request(f"the header {header} came twice.")
    try:
        return "".join(told).encode("latin-1").decode().strip(BLANKS)
    except UnicodeError:
        raise bad_request(f"the header {header} is not UTF-8.") from None


def _read_token(path: Path, least: int = 16) -> bytes:
    """Return the token of a file; raises UsageError if it is short, odd, or may be read or changed by others."""
    token = read_secret(path, "the token file", NEW_TOKEN, least).strip()
    if len(token) < least or not all(0x21 <= byte <= 0x7E for byte in token):
        cause = f"the token file {path} must hold one word of {least} or more letters, digits and signs."
        raise UsageError(cause, NEW_TOKEN)
    return token


def _proxies(text: str) -> frozenset[Address]:
    """Read `127.0.0.1, ::1`."""
    try:
        return frozenset(ip_address(name.strip()) for name in text.split(",") if name.strip())
    except ValueError as error:
        raise ConfigError(f"serve.proxies: {error}.", 'Give addresses: proxies = "127.0.0.1"') from None


def _roles_of(text: str) -> dict[str, frozenset[str]]:
    """Read `policy-hr = hr; directors = board, managers`."""
    found: dict[str, frozenset[str]] = {}
    for pair in filter(str.strip, text.split(";")):
        group, equals, roles = pair.rpartition("=")  # a directory's groups have some of their own
        named = make_access(roles.split(",")).roles
        if not (equals and group.strip() and named):
            raise ConfigError(f"serve.groups: {pair.strip()!r} is no group = role.", 'E.g. groups = "policy-hr = hr"')
        if _folded(group) in found:
            raise ConfigError(f"serve.groups names {group.strip()!r} twice.", "Name it once, with all its roles.")
        found[_folded(group)] = named
    return found


def _folded(group: str) -> str:
    """Fold the case of ASCII alone: other letters have small ones that are another group's."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in group.strip(BLANKS))


def _address(host: str) -> Address | None:
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
