"""Values that a text calls secret: "password=...", "the wifi key is ...", "backup codes: ...", `-p ...`.

A policy speaks of passwords all day, so a name alone says nothing. What stands beside it must be linked to it and look
like a value: be quoted, stand behind an equals sign, or hold a digit or a sign that no word has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from assistant.guards import Span

# Somebody chose what these name, ...
_PASSWORD = (
    r"pass[ _-]?(?:word|phrase|wd|wort|ord)|kennwort|mot de passe|contrase[nñ]a|palavra-passe|wachtwoord|l[oö]senord"
    r"|adgangskode|salasana|κωδικ[οό]ς|парол[аьяю]|סיסמה|كلمة (?:المرور|السر)|密码|密碼|パスワード|비밀번호"
    r"|identified by|community string"
    r"|(?<![^\W_])(?:pwd|pw|pass|passwd|mdp|psk|clave|senha|parol[ae]?|heslo|lozinka|jelsz[oó]|has[lł]o|[sş]ifre)(?![a-z])"
)
# ... these open something once, or a door, ...
_CODE = (
    r"(?<![^\W_])(?:pin|passcode|nip|t?otp|m?tan|cvv2?|cvc2?|puk)s?(?:[ -](?:code|number|nummer|no))?(?![a-z])"
    r"|(?<![^\W_])(?:time|verification|security|access|door|gate|alarm|disarm|entry|unlock|sms|confirmation|login"
    r"|authentication|safe|activation|backup|recovery|2fa|mfa|voicemail|your|my|with)[ -]code[sn]?(?![a-z])"
    r"|(?:safe|lock|locker|vault|padlock)[ -]combination"
    r"|(?:bestätigungs|sicherheits|zugangs|tür|einmal)code|code (?:de |d')?(?:vérification|sécurité|secret|accès)"
    r"|código (?:de )?(?:verificación|seguridad|acceso)|验证码|認証コード|인증번호"
)
# ... and these are keys.
_KEY = (
    r"(?:[a-z0-9]{2,12})[ _-](?:key|token)s?(?![a-z])|(?:account|app|service|client|session)[_-]?(?:key|secret)"
    r"|(?<![^\W_])(?:key|secret|token|credential|apikey|sig|signature|sid|community|(?:j|php)sess(?:ion)?id|session(?==)"
    r"|x-[a-z-]{0,20}token)(?![a-z])|schlüssel|clé|clave (?:api|secreta)"
)
# "for the VPN", between a name and what is said of it
_OF = r"(?: (?:for|to|of|on|at|für|zum|zur|von|pour|de|du|del|para|per|voor|к|от) [\w .@/-]{1,40}?)?"
_IS = (
    r"(?:is|are|was|reads|equals|to|in|on|lautet|ist|war|auf|zu|est|en|à|era|es|è|é|er|är|jest|это|->|-)"
    r"(?: (?:now|currently|still|set|to|jetzt|nun|ahora|maintenant)){0,3}"
)
_LINK = re.compile(
    r"(?:[_-](?:key|value|token|secret|prod|dev|test|live|base64|\d{1,3})|et|en|m|'?s)?(?:"
    r"(?P<sure>[\\\"'\]]{0,3}(?:=|>|[\"'] value=|\((?=[\"']))(?=\S))"
    r"|[\\\"'\]]{0,3}[ \t]?(?:=>|:=|=|:|#)[ \t]{0,8}(?:\n[ \t]{0,8})?"
    rf"|{_OF},? ?(?:(?<= ){_IS}(?=[\s:\"'`“„«])|=|:|是|为|為|は|가|는|은):?[ \n]{{0,2}}"
    r"|(?P<bare> ))"
)
_VALUE = re.compile(
    r"\\?\"([^\"\n]{3,120})\"|'([^'\n]{3,120})'|`([^`\n]{3,120})`|[“„«‘]([^”“»’\n]{3,120})[”“»’]|([^\s\"'`<>|]{3,160})"
)
_BARE_VALUE = 5  # the group of one without quotation marks
_MORE_CODES = re.compile(
    r"(?:(?:,| and| or|)[ \n](?=[^\s,]{0,30}\d)[a-z0-9]{2,8}(?:[- ][a-z0-9]{2,8}){1,7}(?![\w-])){1,12}"
)
_PLACEHOLDER = re.compile(r"[<$%{\[(*•]|(\D)\1*$|(?:x{3}|your[-_ ]|example|redacted|removed|\.\.|…)", re.IGNORECASE)
# What is said about a password and is none: "12-character", "90th", "8+", "AES-256", "2024-05-03", "70-20-10"
_MEASURE = re.compile(
    r"\d{1,4}(?:[-+.,/]?\d{0,4}[-+%]?|[a-z]{1,2}|-[a-z]+(?:-[a-z]+)*)|[\d/-]{8,10}|q[1-4]-\d{4}"
    r"|(?:aes|sha|md|rsa|iso|nist|tls|ssl|fips|pci|wpa|sp|rfc|oauth|utf|base|2fa|mfa)[-/_]?[\d.-]*(?:-[a-z]+)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:^|\s)(\d{2,4}(?: \d{2,4}){1,2}|\S{4,80}) "
    r"(?:(?:is|ist|est|es|è) (?:[\w-]+ ){0,4}[\w-]{0,20}|as (?:[\w-]+ ){1,2})$"
)
# What is said of somebody's password rather than what it is
_STATE = re.compile(
    r"\w{0,3}|\w*(?:ed|en|ing|[ai]ble|iv[eo]|[ai]l|ory|d[ao]s?|ée?s?)|ge\w+t|weak|strong|wrong|lost|gone|safe|secure|secret"
    r"|long|short|same|valid|unknown|known|empty|blank|none|later|never|correct|incorrect|unique|complex|simple|here|below"
    r"|above|mine|yours|geheim|falsch|sicher|faux|perdu|mandatory|password|passwort|name|text|string|change|reset"
)
_LAST = re.compile(r"[.!,;]{0,3}[\"')]{0,2}[ \t]*(?:$|\n)")
_OWN = re.compile(
    r"(?<![a-z])(?:my|mein|mon|ma|mi|mio|mia|mijn|minha|meu|min|mitt|moje|мой)(?: [\w-]{1,40}){0,2} ?[\w-]{0,40}$"
)
LOOK_BACK_CHARACTERS = 160
KEY_SIGNS = 8  # the fewest of a key: shorter ones are numbers of rooms and forms

_COMMANDS = (
    # a header, and what its scheme says
    (r"authorization[\"']?[ \t]?[:=][ \t]{0,3}[\"']?(?:[a-z0-9-]{3,20}[ \t]{1,3})?(\S{8,})", "key"),
    (r"(?<![a-z])(?:bearer|basic|digest|negotiate|apikey|token)[ \t]{1,4}([\w.~+/-]{12,}={0,2})", "token"),
    # options of a command: -p VALUE, -pVALUE, --password VALUE, -storepass VALUE, -U name%VALUE, -u name:VALUE
    (r"(?<![\w-])-p[ ]?([^\s\"'/:-][^\s\"'/:]{4,80})(?!\S)", "password"),
    (
        r"(?<![\w-])--?[a-z]{0,12}(?:pass(?!word-)\w{0,8}|token|secret|pwd)[ =](?:pass:)?[\"']?"
        r"([^\s\"'-][^\s\"']{2,80})",
        "any",
    ),
    (r"(?:--user|(?<= )-u)[ =][\"']?[\w.@-]{1,60}[:%](\S{3,80})", "password"),
    # an account and its password
    (
        r"(?:credentials?|log-?ins?|zugangsdaten|identifiants|credenciales|user(?:name)?)"
        r"(?: (?:is|are|sind)|[ ]?[:=]) ?[\w.@-]{2,60}(?: ?[/|:,;] ?| and | und | )([^\s,;|/:]{4,80})",
        "password",
    ),
    (r"(?:auth|login|connect)\w{0,12}\([\"'][^\"'\n]{1,60}[\"'], ?[\"']([^\"'\n]{3,80})[\"']\)", "any"),
    (r"identified with \w{1,40} by [\"']([^\"'\n]{3,80})", "any"),
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is named, and which values are one."""

    kind: str
    names: re.Pattern[str]
    fits: Callable[[str], bool]


def named_spans(text: str, lower: str) -> Iterator[Span]:
    """Yield the values that a normalised text calls secret; `lower` is it in lower case."""
    for each in _KINDS:
        for name in each.names.finditer(lower):
            yield from _after(text, lower, name.end(), each)
            yield from _before(text, lower, name.start(), each)
    for pattern, fits in _PATTERNS:
        for match in pattern.finditer(lower):
            start, end = match.span(1)
            if fits(text[start:end]):
                yield Span(start, end, "key" if fits in (_is_key, _is_token) else "password")


def is_chosen(value: str) -> bool:
    """Return whether a value is something that somebody chose to keep others out, and no word or measure."""
    if value.isdigit():
        return len(value) >= 4
    digits = any(char.isdigit() for char in value)
    signs = any(char in "!@#$%^&*+=~?_" for char in value[:-1])  # the last one may end the sentence
    marked = digits or signs or len(re.findall(r"[a-z][A-Z]", value)) >= 2
    return len(value) >= 5 and marked and any(char.isalpha() for char in value) and not _MEASURE.fullmatch(value)


def _is_code(value: str) -> bool:
    if re.fullmatch(r"(?=(?:\D*\d){3})(?:\d[\d -]{1,14}\d|[A-Z0-9-]{4,12})#?", value):
        return True
    return is_chosen(value) and any(char.isdigit() for char in value)


def _is_key(value: str) -> bool:
    letters, digits = any(char.isalpha() for char in value), any(char.isdigit() for char in value)
    return digits and len(value) >= (KEY_SIGNS if letters else 2 * KEY_SIGNS) and not _MEASURE.fullmatch(value)


def _is_token(value: str) -> bool:
    from assistant.guards.secrets.shapes import is_random

    return is_random(value, True) or (len(value) >= 2 * KEY_SIGNS and sum(char.isdigit() for char in value) >= 3)


_KINDS = tuple(
    _Kind(kind, re.compile(names), fits)
    for kind, names, fits in (("password", _PASSWORD, is_chosen), ("code", _CODE, _is_code), ("key", _KEY, _is_key))
)
_FITS: dict[str, Callable[[str], bool]] = {
    "key": _is_key,
    "token": _is_token,
    "password": is_chosen,
    "any": lambda value: not _PLACEHOLDER.match(value),
}
_PATTERNS = tuple((re.compile(pattern), _FITS[fits]) for pattern, fits in _COMMANDS)


def _after(text: str, lower: str, at: int, named: _Kind) -> Iterator[Span]:
    """Yield the value that stands behind a name, of codes also those that follow it."""
    link = _LINK.match(lower, at)
    value = _VALUE.match(text, link.end()) if link else None
    if link is None or value is None or value.lastindex is None:
        return
    start, said, quoted = value.start(value.lastindex), value[value.lastindex], value.lastindex != _BARE_VALUE
    password, bare = named.kind == "password", link["bare"] is not None
    if not quoted:
        said = re.split(r"[;&]" if link["sure"] else ";", said, maxsplit=1)[0].rstrip(".,:)]}")
    if named.kind == "code":
        if said.isdigit() and (more := re.match(r"(?:[ -]\d{2,4}(?!\w)){1,3}", text[start + len(said) :][:20])):
            said += more.group()
        if named.fits(said) and (more := _MORE_CODES.match(lower, start + len(said))):
            said += text[more.start() : more.end()]
    sure = password and (
        link["sure"] is not None
        or (quoted and not bare)
        or (quoted and lower.startswith("identified by", at - len("identified by")))
        or (not bare and _is_stated(lower, at, start, start + len(said.rstrip("!"))))
    )
    # "password 2024 edition", "key 3 holders"
    unlinked = bare and (named.kind == "key" or (password and said.isdigit() and len(said) < 5))
    fits = named.fits(said) or (named.kind == "code" and named.fits(said.split()[0]))
    if not _PLACEHOLDER.match(said) and (sure or (fits and not unlinked)):
        yield Span(start, start + len(said), named.kind)


def _is_stated(lower: str, at: int, start: int, end: int) -> bool:
    """Return whether a plain word is a password: all that a line says, or what somebody says of their own."""
    if (
        lower.startswith("s", at)
        or not lower[start:end].isalpha()
        or _STATE.fullmatch(lower, start, end)
        or not _LAST.match(lower, end)
    ):
        return False
    return ":" in lower[at:start] or bool(_OWN.search(lower, max(0, at - 40), at))


def _before(text: str, lower: str, at: int, named: _Kind) -> Iterator[Span]:
    """Yield the value that stands before a name: "... is my password"."""
    from_ = max(0, at - LOOK_BACK_CHARACTERS)
    if match := _BEFORE.search(lower[from_:at]):
        start, end = match.start(1) + from_, match.end(1) + from_
        if named.fits(text[start:end].strip("\"'`")):
            yield Span(start, end, named.kind)
