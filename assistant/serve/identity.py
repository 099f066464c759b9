"""Who is asking: whoever started the server, for all, or whom a proxy that signs people on says it is, each time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address

from assistant.core.config import ServeSection
from assistant.core.errors import ConfigError, UsageError
from assistant.core.records import Access, make_access
from assistant.serve.schemas import HttpError, bad_request

Address = IPv4Address | IPv6Address
Headers = Sequence[tuple[str, str]]  # as they came, each name as often as it did
Who = Callable[[str, Headers], Access]  # takes the address that a request came from


@dataclass(frozen=True, slots=True)
class Identity:
    """The proxies that are believed, none where everybody asks alike, and the roles of each group that they name."""

    proxies: frozenset[Address] = frozenset()
    header: str = ""
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def access(self, common: Access, client: str, headers: Headers) -> Access:
        """Return who asks, from an address; `common` is what everybody has. Raises HttpError for who is no proxy.

        A group that has no roles gives none.
        """
        if not self.proxies:
            return common
        if _address(client) not in self.proxies:
            message = "this server is asked through its proxy, which knows who you are."
            raise HttpError(HTTPStatus.FORBIDDEN, "not_proxied", message)
        told = [value for name, value in headers if name.casefold() == self.header.casefold()]
        if len(told) > 1:  # the proxy's, and one that it let through
            raise bad_request(f"the header {self.header} came twice.")
        groups = (name.strip().casefold() for value in told for name in value.split(","))
        return replace(common, roles=frozenset().union(*(self.roles.get(group, frozenset()) for group in groups)))


def make_identity(settings: ServeSection, roles: Collection[str] = ()) -> Identity:
    """Read whom to believe; raises ConfigError for no address or no `group = role`, UsageError beside `--as`."""
    proxies = [name.strip() for name in settings.proxies.split(",") if name.strip()]
    if not proxies:
        return Identity()
    if roles:
        raise UsageError("--as gives everybody the same roles, and serve.proxies each their own.", "Leave one out.")
    try:
        believed = frozenset(map(ip_address, proxies))
    except ValueError as error:
        raise ConfigError(f"serve.proxies: {error}.", 'Give addresses: proxies = "127.0.0.1"') from None
    return Identity(believed, settings.groups_header, _roles_of(settings.groups))


def _roles_of(text: str) -> dict[str, frozenset[str]]:
    """Read `policy-hr = hr; directors = board, managers`."""
    found = {}
    for pair in filter(str.strip, text.split(";")):
        group, equals, roles = pair.partition("=")
        named = make_access(roles.split(",")).roles
        if not (equals and group.strip() and named):
            raise ConfigError(f"serve.groups: {pair.strip()!r} is no group = role.", 'E.g. groups = "policy-hr = hr"')
        found[group.strip().casefold()] = named
    return found


def _address(host: str) -> Address | None:
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
