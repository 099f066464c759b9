"""Passwords, PINs and keys that a text names: `password=...`, "my password is ...", `Authorization: Basic ...`.

A policy speaks of passwords all day, so a name alone says nothing. What stands beside it must be said to be its value
and look like one: be quoted, stand behind an equals sign, or hold a digit or a sign that no word has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from assistant.guards import Span
from assistant.guards.keys import is_random
from assistant.guards.secret_names import KEY, PASSWORD, PIN

# "for the VPN", between a name and what is said of it
_OF = r"(?: (?:for|to|of|on|at|für|zum|zur|vom|von|pour|de|du|del|para|per|di|voor|till|к|от) [\w .@/-]{1,40}?)?"
_IS = (
    r"(?:is|was|reads|equals|to|in|on|lautet|ist|war|heißt|auf|zu|est|en|à|era|es|è|é|er|är|var|jest|je|este|olan|это"
    r"|->|-)"
)
_NOW = r"(?: (?:now|currently|still|set|to|jetzt|nun|aktuell|ahora|maintenant)){0,3}"
_LINK = re.compile(
    r"(?:[_-](?:key|value|token|secret|prod|dev|test|live|base64|\d{1,3})|et|en|m|'s)?(?:"
    r"(?P<sure>[\\\"'\]]{0,3}(?:=|>|[\"'] value=)(?=\S))"
    r"|[\\\"'\]]{0,3}[ \t]?(?:=>|:=|=|:|#)[ \t]{0,8}(?:\n[ \t]{0,8})?"
    rf"|{_OF},? ?(?:(?<= ){_IS}(?=[\s:\"'`“„«])|=|:|是|为|為|は|가|는|은){_NOW}:?[ \n]{{0,2}}"
    r"|(?P<bare> ))"
)
_VALUE = re.compile(
    r"\\?\"([^\"\n]{3,120})\"|'([^'\n]{3,120})'|`([^`\n]{3,120})`|[“„«‘]([^”“»’\n]{3,120})[”“»’]|([^\s\"'`<>|]{3,160})"
)
_BARE_VALUE = 5  # the group of one without quotation marks
_MORE_DIGITS = re.compile(r"(?:[ -]\d{2,4}(?!\w)){0,3}")
_PLACEHOLDER = re.compile(r"[<$%{\[(*•]|(\D)\1*$|(?:x{3}|your[-_ ]|example|redacted|removed|\.\.|…)", re.IGNORECASE)
# What is said about a password and is none: "12-character", "90th", "8+", "AES-256", "MFA-protected2"
_MEASURE = re.compile(
    r"\d{1,4}(?:[-+.,/]?\d{0,4}[-+%]?|[a-z]{1,2}|-[a-z]+(?:-[a-z]+)*)"
    r"|(?:aes|sha|md|rsa|iso|nist|tls|ssl|fips|pci|wpa|wep|sp|rfc|oauth|utf|base|2fa|mfa|pbkdf)[-/_]?[\d.-]*(?:-[a-z]+)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:^|\s)(\d{2,4}(?: \d{2,4}){1,2}|\S{4,80}) "
    r"(?:(?:is|ist|est|es|è) (?:[\w-]+ ){0,4}[\w-]{0,20}|as (?:[\w-]+ ){1,2})$"
)
# What is said of somebody's password rather than told of it
_STATE = re.compile(
    r"\w{0,3}|\w*(?:ed|en|ing|[ai]ble|iv[eo]|[ai]l|ory|d[ao]s?|ée?s?)|ge\w+t|weak|strong|wrong|lost|gone|safe|secure|secret"
    r"|long|short|same|valid|unknown|known|empty|blank|none|later|never|correct|incorrect|unique|complex|simple|here|below"
    r"|above|mine|yours|geheim|falsch|sicher|weg|faux|perdu|mandatory|password|passwort|name|text|string|change|reset"
)
_LAST = re.compile(r"[.!,;]{0,3}[\"')]{0,2}[ \t]*(?:$|\n)")
_OWN = re.compile(
    r"(?<![a-z])(?:my|mein|mon|ma|mi|mio|mia|mijn|minha|meu|min|mitt|moje|мой)(?: [\w-]{1,40}){0,2} ?[\w-]{0,40}$"
)
NEAR = 40  # characters
LOOK_BACK = 160  # characters
MIN_KEY, MIN_BARE = 8, 5

_HEADER = re.compile(r"authorization[\"']?[ \t]?[:=][ \t]{0,3}[\"']?(?:[a-z0-9-]{3,20}[ \t]{1,3})?(\S{8,})")
_SCHEME = re.compile(r"(?<![a-z])(?:bearer|basic|digest|negotiate|apikey|token)[ \t]{1,4}([\w.~+/-]{12,}={0,2})")
_ACCOUNT = re.compile(
    r"(?:credentials?|log-?ins?|zugangsdaten|identifiants|credenciales|user(?:name)?)(?: (?:is|are|sind)|[ ]?[:=]) ?"
    r"[\w.@-]{2,60}(?: ?[/|:,;] ?| and | und )([^\s,;|/:]{4,80})"
    r"|(?:--user|(?<= )-u)[ =][\"']?[\w.@-]{1,60}:(\S{3,80})|--(?:password|passwd|token|secret)[ =](\S{3,80})"
    r"|sshpass -p ?[\"']?(\S{3,80})|mysql\w{0,6} [^\n|]{0,60}?-p(\S{3,80})"
)


def password_spans(text: str, lower: str) -> Iterator[Span]:
    """Yield the values that a folded text calls secret; `lower` is it in lower case."""
    for names, fits, kind in ((PASSWORD, is_chosen, "password"), (PIN, _is_pin, "PIN"), (KEY, _is_key, "key")):
        for name in names.finditer(lower):
            yield from _after(text, lower, name.end(), fits, kind)
            yield from _before(text, lower, name.start(), fits, kind)
    for pattern, fits, kind in (
        (_HEADER, _is_key, "key"),
        (_SCHEME, _is_token, "key"),
        (_ACCOUNT, is_chosen, "password"),
    ):
        for match in pattern.finditer(lower):
            start, end = match.span(match.lastindex or 0)
            if fits(text[start:end]):
                yield Span(start, end, kind)


def is_chosen(value: str) -> bool:
    """Return whether a value is something that somebody chose to keep others out, and no word or measure."""
    if value.isdigit():
        return len(value) >= 4
    digits = any(char.isdigit() for char in value)
    signs = any(char in "!@#$%^&*+=~?_" for char in value[:-1])  # the last one may end the sentence
    marked = digits or signs or len(re.findall(r"[a-z][A-Z]", value)) >= 2
    return len(value) >= 5 and marked and any(char.isalpha() for char in value) and not _MEASURE.fullmatch(value)


def _is_pin(value: str) -> bool:
    if re.fullmatch(r"(?=(?:\D*\d){3})(?:\d[\d -]{1,14}\d|[A-Z0-9-]{4,12})#?", value):
        return True
    return is_chosen(value) and any(char.isdigit() for char in value)


def _is_key(value: str) -> bool:
    letters, digits = any(char.isalpha() for char in value), any(char.isdigit() for char in value)
    return digits and len(value) >= (MIN_KEY if letters else 2 * MIN_KEY) and not _MEASURE.fullmatch(value)


def _is_token(value: str) -> bool:
    return is_random(value, True) or (len(value) >= 2 * MIN_KEY and sum(char.isdigit() for char in value) >= 3)


def _after(text: str, lower: str, at: int, fits: Callable[[str], bool], kind: str) -> Iterator[Span]:
    """Yield the value that stands behind a name."""
    link = _LINK.match(lower, at)
    value = _VALUE.match(text, link.end()) if link else None
    if link is None or value is None or value.lastindex is None:
        return
    start, said, quoted = value.start(value.lastindex), value[value.lastindex], value.lastindex != _BARE_VALUE
    if not quoted:
        said = re.split(r"[;&]" if link["sure"] else ";", said, maxsplit=1)[0].rstrip(".,:)]}")
    if kind == "PIN" and said.isdigit() and (more := _MORE_DIGITS.match(text, start + len(said))):
        said += more.group()
    sure = kind == "password" and (link["sure"] is not None or (quoted and link["bare"] is None))
    guessed = (
        link["bare"] is not None and kind == "password" and said.isdigit() and len(said) < MIN_BARE
    )  # "password 2024 edition"
    sure = sure or (
        kind == "password" and link["bare"] is None and _is_told(lower, at, start, start + len(said.rstrip("!")))
    )
    if not _PLACEHOLDER.match(said) and (sure or (fits(said) and not guessed)):
        yield Span(start, start + len(said), kind)


def _is_told(lower: str, at: int, start: int, end: int) -> bool:
    """Return whether a plain word is a password: all that a line says, or what somebody says of their own."""
    if not lower[start:end].isalpha() or _STATE.fullmatch(lower, start, end) or not _LAST.match(lower, end):
        return False
    return ":" in lower[at:start] or bool(_OWN.search(lower, max(0, at - NEAR), at))


def _before(text: str, lower: str, at: int, fits: Callable[[str], bool], kind: str) -> Iterator[Span]:
    """Yield the value that stands before a name: "... is my password"."""
    from_ = max(0, at - LOOK_BACK)
    if match := _BEFORE.search(lower[from_:at]):
        start, end = match.start(1) + from_, match.end(1) + from_
        if fits(text[start:end].strip("\"'`")):
            yield Span(start, end, kind)
