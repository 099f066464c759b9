"""Tokens with names: a file of their hashes, read anew for each request, so that one taken out ends at once."""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path

from assistant.core.errors import ConfigError, UsageError
from assistant.core.files import read_secret
from assistant.core.records import make_access
from assistant.serve.schemas import HttpError

MAX_BYTES = 1_048_576  # some 8,000 tokens
FORM = "NAME:ROLE,ROLE:LAST DAY:SHA-256"
HINT = f"Each line is {FORM}; make one: assistant token NAME --as ROLE,ROLE"
ASKED = "this server asks for a token; send the header Authorization: Bearer TOKEN."
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class NamedToken:
    """Whose token it is, their roles, the last day on which it holds (ISO; empty for ever), and its hash.

    A token is random and long, so that a plain hash of it cannot be turned back.
    """

    name: str
    roles: frozenset[str]
    until: str
    sha256: str

    @property
    def line(self) -> str:
        """The token's line in the file."""
        return ":".join((self.name, ",".join(sorted(self.roles)), self.until, self.sha256))


@dataclass(frozen=True, slots=True)
class TokenFile:
    """The tokens that a file holds at the moment."""

    path: Path

    def find(self, shown: str) -> NamedToken:
        """Return the token that was shown; raises HttpError for none of the file and an expired one, ConfigError.

        Every line is compared in full, so that the time tells nothing of any.
        """
        digest = sha256(shown.encode()).hexdigest()
        found = [token for token in self.read() if compare_digest(token.sha256, digest)]
        if not shown or not found:
            raise unauthorized()
        if found[0].until and found[0].until < date.today().isoformat():
            raise unauthorized(f"this token held until {found[0].until}; ask whoever runs this server for a new one.")
        return found[0]

    def read(self) -> tuple[NamedToken, ...]:
        """Return all tokens; raises ConfigError for a wrong line, and a file that others may read or change."""
        data = read_secret(self.path, "the token file", HINT, least=0, most=MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(f"the token file {self.path} has more than {MAX_BYTES:,} bytes.", "Take lines out.")
        try:
            return _parsed(data)
        except (ValueError, UsageError) as error:
            raise ConfigError(f"the token file {self.path} cannot be read: {error}.", HINT) from None


def make_token(name: str, roles: Sequence[str], until: str = "") -> tuple[str, NamedToken]:
    """Return a new token and what the file keeps of it; raises UsageError for what does not fit into its line."""
    shown = secrets.token_urlsafe(32)
    made = NamedToken(name.strip(), make_access(roles).roles, until, sha256(shown.encode()).hexdigest())
    try:
        (read,) = _parsed(made.line.encode())
    except (ValueError, UsageError):
        read = None
    if read != made:
        cause = f"{made.line.rpartition(':')[0]!r} is no name with roles and perhaps a last day."
        raise UsageError(cause, "Colons, line ends and a # at the front do not fit; a day is YYYY-MM-DD.")
    return shown, made


def shown_token(authorization: str) -> str:
    """Return the token of the header Authorization, "" without one.

    A browser that is told so asks for a name and a password, and sends both (Basic): the token is the password.
    """
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        with suppress(ValueError):
            return b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    return ""


def unauthorized(message: str = ASKED) -> HttpError:
    """Return what is said to whoever shows no token that holds."""
    return HttpError(HTTPStatus.UNAUTHORIZED, "invalid_api_key", message)


@lru_cache(maxsize=1)
def _parsed(data: bytes) -> tuple[NamedToken, ...]:
    """Read the lines of a file; raises ValueError naming a wrong one by its number, and not what it holds."""
    found: dict[str, NamedToken] = {}
    for number, line in enumerate(data.decode().split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        fields = [field.strip() for field in line.split(":")]
        if len(fields) != 4 or not fields[0].isprintable() or not fields[0] or not HASH.fullmatch(fields[3]):
            raise ValueError(f"line {number} is wrong")
        name, roles, until, digest = fields
        try:
            access = make_access(roles.split(","), until)
        except UsageError:
            raise ValueError(f"line {number} has a day that is not YYYY-MM-DD") from None
        if digest in found:
            raise ValueError(f"line {number} has the token of another line")
        found[digest] = NamedToken(name, access.roles, until, digest)
    return tuple(found.values())
