"""Keys and tokens by what they look like: formats of known issuers, and strings that nobody would write by hand.

Most issuers' keys are found by chance alone: a prefix, and letters and digits in an order that no word has. Formats
are named where that is not enough, or where the reader is helped by knowing whose key it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from assistant.guards import Span

_FORMATS = {
    "AWS access key": r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])|ABSK[\w+/]{80,}"
    r"|(?:IQoJ|FwoG|FQoG)[\w+/=]{60,}",
    "GitHub token": r"gh[a-z]_[A-Za-z0-9]{30,}|github_pat_\w{22,}",
    "GitLab token": r"gl[a-z]{2,6}-[\w.-]{20,}|GR1348941[\w-]{20,}",
    "Slack token": r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,}|xapp-[\w-]{20,}",
    "Stripe key": r"(?:sk|rk|pk)_(?:live|test|prod)_\w{10,}|whsec_[\w+/]{16,}",
    "JSON web token": r"(?<![\w-])ey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{5,}(?:\.[\w-]*){0,3}",
    "API key": r"sk-(?=[\w-]{0,120}\d)[A-Za-z0-9][\w-]{19,}|(?:npm|hf|gsk)_\w{30,}|pypi-[\w-]{30,}"
    r"|AIza[\w-]{30,}|ya29\.[\w.-]{20,}|1//0[\w-]{30,}|GOCSPX-[\w-]{20,}|AT[A-Z]TT3x[\w=-]{20,}"
    r"|SG\.[\w-]{10,}\.[\w-]{10,}|hv[sbr]\.[\w-]{20,}|sl\.[\w-]{40,}|dckr_[a-z]{3}_[\w-]{20,}|sq0[a-z]{3}-[\w-]{20,}"
    r"|dp\.[a-z]{2,5}\.[\w.-]{20,}|pat[A-Za-z0-9]{14}\.[0-9a-f]{40,}|dt0[a-z]\d\d\.[A-Z0-9]{20,}\.[A-Z0-9]{40,}"
    r"|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}|v1\.0-[0-9a-f]{24}-[0-9a-f]{40,}|sha256~[\w-]{40,}"
    r"|(?:AC|SK|MG|PK|dapi)[0-9a-f]{32}(?![0-9a-z])(?:-\d)?|[0-9a-f]{32}-us\d{1,2}|PMAK-[0-9a-f]{24}-[0-9a-f]{30,}"
    r"|(?:LTAI|AKID|AKCp|cmVmd|oy2|AQVN|EAA[A-Z]|EZ[AT]K)(?=[A-Za-z0-9]{0,30}\d)[A-Za-z0-9_-]{20,}"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{40,}|A3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){3,5}|ops_eyJ[\w+/=-]{40,}"
    r"|[\w~.]{3}\dQ~[\w~.-]{31,34}|\d{6,12}:AA[\w-]{30,}|[MNO][\w-]{22,28}\.[\w-]{6,7}\.[\w-]{25,}"
    r"|(?:access-(?:sandbox|development|production)|HRKU)-[0-9a-f-]{36}"
    r"|[a-z]{2,12}_(?:live|sandbox)_(?=\w{0,20}\d)\w{10,}",
}  # fmt: skip
_FORMAT = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(f'({pattern})' for pattern in _FORMATS.values())})")
_KINDS = tuple(_FORMATS)

# Where something random is no secret, as a rule: addresses, public keys and certificates.
_OPEN = re.compile(
    r"(?:https?://|www\.)[^\s\"'<>)\]]+"
    r"|-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}(?:PUBLIC KEY|CERTIFICATE)(?: BLOCK)?-----[^-]*"
)
_HOOK = re.compile(r"hooks?\b|/bot\d{5}|/services/T[A-Z0-9]{6}", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![A-Za-z0-9_+/.~-])[A-Za-z0-9_+/.~-]{20,}+={0,2}(?!@)")
_PART = re.compile(r"[A-Za-z0-9+/]{16,}")
_JOINT = re.compile(r"[_.~-]")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_HASH = re.compile(
    r"(?:md5|sha|rev|commit|etag|hash|digest|checksum|integrity)[\d-]{0,5}[-:=_ \"']{0,3}$", re.IGNORECASE
)
MIN_CHANGES = 0.38  # of letter case and digits, a sign: chance makes 0.6, words joined in capitals 0.3
MIN_RUN = 10  # signs between joints, on average: words have five


def key_spans(text: str) -> Iterator[Span]:
    """Yield the keys and tokens of a folded text; of addresses only those that let anybody write."""
    for match in _FORMAT.finditer(text):
        yield Span(match.start(), match.start() + len(match.group().rstrip(".")), _KINDS[(match.lastindex or 1) - 1])
    at = 0
    for shown in _OPEN.finditer(text):
        yield from _by_chance(text, at, shown.start())
        at = shown.end()
        if _HOOK.search(shown.group()) and any(is_random(part, True) for part in shown.group().split("/")):
            yield Span(shown.start(), shown.start() + len(shown.group().rstrip(".,;:!?")), "webhook")
    yield from _by_chance(text, at, len(text))


def _by_chance(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the tokens of a stretch that chance has made."""
    for token in _TOKEN.finditer(text, start, end):
        said = token.group().rstrip(".")
        if _is_key(said) and not _HASH.search(text, max(0, token.start() - 16), token.start()):
            yield Span(token.start(), token.start() + len(said), "key")


def _is_key(token: str) -> bool:
    for part in _PART.finditer(token):
        before = token[max(0, part.start() - 16) : part.start()]
        if is_random(part.group(), any(char.isalpha() for char in before)) and not _HASH.search(before):
            return True
    runs = _JOINT.split(token.rstrip("="))
    bare = "".join(runs)
    return len(bare) >= max(24, MIN_RUN * len(runs)) and _kinds(bare) == {0, 1, 2} and is_random(bare)


def is_random(part: str, prefixed: bool = False) -> bool:
    """Return whether chance has made a run of letters and digits; behind a prefix less of it is enough."""
    signs = [char for char in part if char.isalnum()]
    present, size = _kinds(part), len(signs)
    changes = sum(_kind(a) != _kind(b) for a, b in pairwise(signs)) / max(1, size)
    if present == {0, 1, 2}:
        return size >= (16 if prefixed else 20) and changes >= MIN_CHANGES
    if present == {1, 2}:
        return prefixed and size >= 24 and changes >= MIN_CHANGES
    if 0 not in present or len(present) == 1 or changes < MIN_CHANGES / 2:
        return False
    if _HEX.fullmatch(part):  # as likely a hash, which many texts give
        return prefixed and size >= 32
    return size >= (20 if prefixed else 32)


def _kinds(part: str) -> set[int]:
    return {_kind(char) for char in part if char.isalnum()}


def _kind(char: str) -> int:
    return 0 if char.isdigit() else 1 if char.islower() else 2
