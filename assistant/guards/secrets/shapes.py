"""Secrets by what they look like: documented formats, and strings that nobody would write by hand.

Most issuers' keys are found by chance alone: a prefix, and letters and digits in an order that no word has. A format
is named where that is not enough, or where the reader is helped by knowing whose key it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby, pairwise

from assistant.guards import Span

FORMATS = {
    "AWS access key": r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "GitHub token": r"gh[a-z]_[A-Za-z0-9]{30,}|github_pat_\w{22,}",
    "GitLab token": r"gl[a-z]{2,6}-[\w.-]{20,}",
    "Slack token": r"xox[a-z]-[\w-]{10,}|xapp-[\w-]{20,}",
    "Stripe key": r"(?:sk|rk|pk)_(?:live|test)_\w{10,}|whsec_[\w+/]{16,}",
    "JSON web token": r"ey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{5,}(?:\.[\w-]*){0,3}",
    # Google, SendGrid, Vault, Azure, Terraform, age: with a sign inside that would part them, or in one case
    "API key": r"AIza[\w-]{30,}|ya29\.[\w.-]{20,}|SG\.[\w-]{10,}\.[\w-]{10,}|hv[sbr]\.[\w-]{20,}"
    r"|[\w~.]{3}\dQ~[\w~.-]{31,34}|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}|AGE-SECRET-KEY-1[A-Z0-9]{40,}"
    r"|(?:AC|SK|dapi)[0-9a-f]{32}(?![0-9a-z])|\d{6,12}:AA[\w-]{30,}|(?:npm|hf|gsk)_\w{30,}|sk-(?=[\w-]{0,120}\d)[\w-]{20,}|key-[0-9a-f]{32}",
    "password hash": r"\$(?:[0-9a-z]{1,3}|apr1|argon2\w{1,2})\$[\w./$=,+-]{16,}",
}  # fmt: skip
_FORMAT = re.compile(rf"(?<![A-Za-z0-9-])(?:{'|'.join(f'({pattern})' for pattern in FORMATS.values())})")
_KINDS = tuple(FORMATS)
_ARMOUR = re.compile(
    r"-{2,5} ?(?:(BEGIN)|END) (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{2,5}"
    r"|(PuTTY-User-Key-File-\d)|Private-MAC: *\w+"
)
# A port and a path behind it are no login, an @ in them or not.
_LOGIN = re.compile(
    r"(?<=://)([^\s/@:\"'<>]{0,128}:(?!\d{1,5}(?:[/?#]|$))[^\s\"'<>]{1,200})@(?=[\w\[])"
    r"|(?<=WIFI:)([A-OQ-Z][^\n]{0,120}?;P:[^;\n]{1,80})"  # the code of a wireless network that a telephone reads
)

# Where something random is no secret, as a rule: addresses, public keys and certificates.
_OPEN = re.compile(
    r"(?:https?://|www\.)[^\s\"'<>)\]]+"
    r"|-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}(?:PUBLIC KEY|CERTIFICATE)(?: BLOCK)?-----[^-]*"
)
_HOOK = re.compile(r"hooks?\b|/bot\d{5}|/services/T[A-Z0-9]{6}", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![A-Za-z0-9_+/.~-])[A-Za-z0-9_+/.~-]{20,}+={0,2}(?!@)")
_PART = re.compile(r"[A-Za-z0-9+/]{16,}")
_HEX_SIGNS = frozenset("0123456789abcdef")
_HASH = re.compile(
    r"(?:md5|sha|rev|commit|etag|hash|digest|checksum|integrity)[\d-]{0,5}[-:=_ \"']{0,3}$", re.IGNORECASE
)
_SHORT_WORDS = re.compile(r"(?<![\w'-])[a-z]{3,8}(?:[\s,;.)\d]{1,6}[a-z]{3,8}){11,}(?![\w'-])")
_LETTERS = re.compile(r"[a-z]+")
CHANGE_SHARE = 0.38  # of letter case and digits, a sign: chance makes 0.6, words joined in capitals 0.3
RUN_SIGNS = 10  # between joints, on average: words have five
SEED_WORDS = 12  # the fewest of a wallet's recovery phrase (BIP-39)


def shape_spans(text: str, lower: str) -> Iterator[Span]:
    """Yield what looks like a secret in a normalised text; `lower` is it in lower case."""
    yield from _private_keys(text)
    yield from (Span(*match.span(match.lastindex or 0), "login") for match in _LOGIN.finditer(text))
    for match in _FORMAT.finditer(text):
        yield Span(match.start(), match.start() + len(match.group().rstrip(".")), _KINDS[(match.lastindex or 1) - 1])
    yield from _random_tokens(text)
    yield from _recovery_phrases(lower)


def is_random(part: str, prefixed: bool = False) -> bool:
    """Return whether chance has made a run of letters and digits; behind a prefix less of it is enough."""
    signs = [char for char in part if char.isalnum()]
    present, size = _kinds(part), len(signs)
    changes = sum(_kind(a) != _kind(b) for a, b in pairwise(signs)) / max(1, size)
    if present == {0, 1, 2}:
        return size >= (16 if prefixed else 20) and changes >= CHANGE_SHARE
    if present == {1, 2}:
        return prefixed and size >= 24 and changes >= CHANGE_SHARE
    if 0 not in present or len(present) == 1 or changes < CHANGE_SHARE / 2:
        return False
    if set(part) <= _HEX_SIGNS or (
        set(part.lower()) <= _HEX_SIGNS and part.upper() == part
    ):  # as likely a hash, which many texts give
        return prefixed and size >= 32
    return size >= (20 if prefixed else 32)


def _private_keys(text: str) -> Iterator[Span]:
    """Yield from where a key begins to where it ends, or to the end of the text, which may have been cut."""
    start = -1
    for mark in _ARMOUR.finditer(text):
        begins = mark.lastindex is not None
        if begins and start < 0:
            start = mark.start()
        elif not begins and start >= 0:
            yield Span(start, mark.end(), "private key")
            start = -1
    if start >= 0:
        yield Span(start, len(text), "private key")


def _random_tokens(text: str) -> Iterator[Span]:
    """Yield the tokens that chance has made; of addresses only those that let anybody write."""
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
        value = token.group().rstrip(".")
        if _is_key(value) and not _HASH.search(text, max(0, token.start() - 16), token.start()):
            yield Span(token.start(), token.start() + len(value), "key")


def _is_key(token: str) -> bool:
    for part in _PART.finditer(token):
        before = token[max(0, part.start() - 16) : part.start()]
        if is_random(part.group(), any(char.isalpha() for char in before)) and not _HASH.search(before):
            return True
    runs = re.split(r"[_.~-]", token.rstrip("="))
    bare = "".join(runs)
    return len(bare) >= max(24, RUN_SIGNS * len(runs)) and _kinds(bare) == {0, 1, 2} and is_random(bare)


def _recovery_phrases(lower: str) -> Iterator[Span]:
    """Yield runs of words that all stand in BIP-39's list, as no prose of that length does."""
    for run in _SHORT_WORDS.finditer(lower):
        for listed, words in groupby(_LETTERS.finditer(lower, *run.span()), _is_listed):
            phrase = list(words)
            if listed and len(phrase) >= SEED_WORDS and len({word[0] for word in phrase}) * 2 > len(phrase):
                yield Span(phrase[0].start(), phrase[-1].end(), "recovery phrase")


def _is_listed(word: re.Match[str]) -> bool:
    return word.group() in _listed_words()


@cache
def _listed_words() -> frozenset[str]:
    from mnemonic import Mnemonic

    return frozenset(Mnemonic("english").wordlist)


def _kinds(part: str) -> set[int]:
    return {_kind(char) for char in part if char.isalnum()}


def _kind(char: str) -> int:
    return 0 if char.isdigit() else 1 if char.islower() else 2
