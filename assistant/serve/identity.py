"""Who is asking: whoever started the server, for all, or each time whose token is shown, or whom a proxy names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address

from assistant.core.config import ServeSection
from assistant.core.errors import ConfigError, UsageError
from assistant.core.records import Access, make_access
from assistant.serve.schemas import HttpError, bad_request
from assistant.serve.tokens import TokenFile, shown_token

BLANKS = " \t"  # around a header's value, or a group
Address = IPv4Address | IPv6Address
Headers = Sequence[tuple[str, str]]  # as they came, each name as often as it did
Who = Callable[[str, Headers], Access]  # takes the address that a request came from


@dataclass(frozen=True, slots=True)
class Identity:
    """The tokens, or the proxies that are believed and the roles of each group that they name.

    Without either, everybody asks alike.
    """

    proxies: frozenset[Address] = frozenset()
    user_header: str = ""
    groups_header: str = ""
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tokens: TokenFile | None = None

    def access(self, common: Access, client: str, headers: Headers) -> Access:
        """Return who asks, from an address; `common` is what everybody has.

        A group that has no roles gives none. Raises HttpError for who is no proxy or shows no token that holds, and
        ConfigError for tokens that cannot be read.
        """
        if self.tokens:
            token = self.tokens.find(shown_token(_told("Authorization", headers)))
            return replace(common, roles=token.roles, asker=token.name)
        if not self.proxies:
            return common
        if _address(client) not in self.proxies:
            message = "this server is asked through its proxy, which knows who you are."
            raise HttpError(HTTPStatus.FORBIDDEN, "not_proxied", message)
        user = _told(self.user_header, headers)
        if self.user_header and not user.strip():
            message = f"the proxy did not say who you are: {self.user_header} is missing."
            raise HttpError(HTTPStatus.FORBIDDEN, "not_signed_on", message)
        groups = map(_folded, _told(self.groups_header, headers).split(","))
        roles = frozenset[str]().union(*(self.roles.get(group, frozenset()) for group in groups))
        return replace(common, roles=roles, asker=user)


def make_identity(settings: ServeSection, roles: Collection[str] = (), tokens: TokenFile | None = None) -> Identity:
    """Read whom to believe; raises ConfigError for no address or no `group = role`, UsageError beside `--as`."""
    proxies = [name.strip() for name in settings.proxies.split(",") if name.strip()]
    if not (proxies or tokens):
        return Identity()
    if roles:
        giver = "serve.tokens" if tokens else "serve.proxies"
        raise UsageError(f"--as gives everybody the same roles, and {giver} each their own.", "Leave one out.")
    try:
        believed = frozenset(map(ip_address, proxies))
    except ValueError as error:
        raise ConfigError(f"serve.proxies: {error}.", 'Give addresses: proxies = "127.0.0.1"') from None
    return Identity(believed, settings.user_header, settings.groups_header, _roles_of(settings.groups), tokens)


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


def _roles_of(text: str) -> dict[str, frozenset[str]]:
    """Read `policy-hr = hr; directors = board, managers`."""
    found = {}
    for pair in filter(str.strip, text.split(";")):
        group, equals, roles = pair.partition("=")
        named = make_access(roles.split(",")).roles
        if not (equals and group.strip() and named):
            raise ConfigError(f"serve.groups: {pair.strip()!r} is no group = role.", 'E.g. groups = "policy-hr = hr"')
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
