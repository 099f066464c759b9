"""Secrets of a text: known formats, strings that nobody would write by hand, and what a text calls secret.

Formats and names stand in `packaged/guards/secrets.toml`. A policy speaks of passwords all day, so a name alone says
nothing: what stands beside it must be linked to it and look like a value, be quoted, stand behind an equals sign, or
hold a digit or a sign that no word has. A plain word is not told from what is said of a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import groupby, pairwise

from assistant.core.records import Stage
from assistant.guards import Detection, GuardInput, Span, merge_spans
from assistant.guards.normalise import emphasis_folded, fold, fold_with_offsets
from assistant.guards.rules import SECRETS, Check, load_names, load_values
from assistant.text.words import STOP_WORDS

# "for the VPN", between a name and what is said of it
_OF = r"(?: (?:for|to|of|on|at|für|zum|zur|von|pour|de|du|del|para|per|voor|к|от) [\w .@/-]{1,40}?)?"
_IS = (
    r"(?:is|are|was|reads|equals|to|in|on|lautet|ist|war|auf|zu|est|en|era|es|è|é|er|är|jest|это|->|-)"
    r"(?: (?:now|currently|still|set|to|jetzt|nun|ahora|maintenant)){0,3}"
)
_LINK = re.compile(
    fold(
        r"(?:[_-](?:key|value|token|secret|prod|dev|test|live|base64|\d{1,3})|et|en|m|'?s)?(?:"
        r"(?P<sure>[\\\"'\]]{0,3}(?:=|>|[\"'] value=|\((?=[\"']))(?=\S))"
        r"|[\\\"'\]]{0,3}[ \t]?(?:=>|:=|=|:|#)[ \t|]{0,8}"
        r"(?:\r?\n[ \t]{0,8}(?:(?:\r?\n[ \t]{0,8})?(?:[-*+•] |\d{1,2}[.)] ))?)?"
        rf"|{_OF},? ?(?:(?<= ){_IS}(?=[\s:\"'`“„«])|=|:|是|为|為|は|가|는|은):?[ \n|]{{0,2}}"
        r"|(?P<bare>[ \t]?\|[ \t]?|\t| ))"
    ),
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\\?\"([^\"\n]{3,120})\"|'([^'\n]{3,120})'|`([^`\n]{3,120})`|[“„«‘]([^”“»’\n]{3,120})[”“»’]"
    r"|(?P<bare>[^\s\"'`<>|]{3,160})"
)
_AND = "(?:and|or|und|oder|et|ou|y|o|e|en)"
# How a list goes on, after a sign or a word, or, where it began on a line of its own, with an item alone on the next.
_MORE = re.compile(
    rf"[\"'`)]{{0,2}}(?:[ \t]?[,;/&|][ \t]{{0,2}}(?:{_AND} )?|\t| {_AND} "
    r"|(?P<line>\s{0,2}\n[ \t]{0,8}(?:[-*+•] |\d{1,2}[.)] )?(?=\S{3,80}\s*?(?:\n|\Z))))"
    r"[\"'`(]{0,2}(?P<value>[^\s\"'`<>|,;&/]{3,80})",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:^|\s)(\d{2,4}(?: \d{2,4}){1,2}|\S{4,80}) "
    r"(?:(?:is|ist|est|es|e) (?:[\w-]+ ){0,4}[\w-]{0,20}|as (?:[\w-]+ ){1,2})$",
    re.IGNORECASE,
)
_FOLLOWING = re.compile(r"(?:es|en|s)? (\w+)")
_OTHERS = frozenset("für zum zur von und pour de du et del para per voor".split())  # as "for" and "of" are
# Where something random is no secret, as a rule (addresses, public keys and certificates), and what may be random.
_TOKEN = re.compile(
    r"(?P<open>(?:https?://|www\.)[^\s\"'<>)\]]+"
    r"|-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}(?:PUBLIC KEY|CERTIFICATE)(?: BLOCK)?-----[^-]*)"
    r"|(?<![A-Za-z0-9_+/.~-])[A-Za-z0-9_+/.~-]{20,}+={0,2}(?!@)"
)
# What may part words may stand behind the last: else "abc1 abc1 abc1" would be tried anew from each of its words.
_SHORT_WORDS = re.compile(r"(?<![\w'-])[a-z]{3,8}(?:[\s,;.)\d]{1,6}[a-z]{3,8}){11,}(?![^\W\d]|['-])")
_WORD = re.compile(r"[a-z]+")
LOOK_BACK_CHARACTERS = 160
KEY_SIGNS = 8  # the fewest of a key: shorter ones are numbers of rooms and forms
CHANGE_SHARE = 0.38  # of letter case and digits, a sign: chance makes 0.6, words joined in capitals 0.3
RUN_SIGNS = 10  # between joints, on average: words have five
PART_SIGNS = 16  # the fewest of a part of a token that may be random
SEED_WORDS = 12  # the fewest of a wallet's recovery phrase (BIP-39)
HASHES = ("md", "sha", "rev", "commit", "etag", "hash", "digest", "checksum", "integrity")  # no secrets
STANDARDS = frozenset("aes sha md rsa iso nist tls ssl fips pci wpa sp rfc oauth utf base mfa 2fa q".split())
PLACEHOLDERS = (*"<$%{[(*•", "xxx", "your-", "your_", "your ", "example", "redacted", "removed", "..", "…")


def secret_spans(text: str) -> tuple[Span, ...]:
    """Return the secrets of a text, left to right, none inside another."""
    read = emphasis_folded(fold_with_offsets(text))
    found = [span for rule in load_values(SECRETS) for span in rule.spans(read.text, CHECKS[rule.check])]
    found += [*_random_tokens(read.text), *_recovery_phrases(read.text.lower()), *_named(read.text)]
    return merge_spans(Span(*read.place(span.start, span.end), span.kind) for span in found)


# --- what a text calls secret -----------------------------------------------------------------------------------------


def _named(text: str) -> Iterator[Span]:
    for kind, names in load_names():
        listed = 0  # up to where a list was read: what it holds is not read again from each name inside
        for name in names.finditer(text):
            if name.start() >= listed:
                spans = list(_after(text, name.end(), kind))
                listed = spans[-1].end if len(spans) > 1 else 0
                yield from spans
            yield from _before(text, name, kind)


def _before(text: str, name: re.Match[str], kind: str) -> Iterator[Span]:
    """Yield the value that stands before a name: "... is my password", and no "password manager"."""
    following = _FOLLOWING.match(text, name.end())
    if following and following[1] not in STOP_WORDS and following[1] not in _OTHERS:
        return
    start = max(0, name.start() - LOOK_BACK_CHARACTERS)
    match = _BEFORE.search(text[start : name.start()])
    if match and FITS[kind](match[1].strip("\"'`")):
        yield Span(start + match.start(1), start + match.end(1), kind)


def _after(text: str, at: int, kind: str) -> Iterator[Span]:
    """Yield the value that stands behind a name, and a list's others."""
    link = _LINK.match(text, at)
    value = _VALUE.match(text, link.end()) if link else None
    if link is None or value is None or value.lastindex is None:
        return
    start, said, quoted = value.start(value.lastindex), value[value.lastindex], value["bare"] is None
    unlinked = link["bare"] is not None  # "password 2024 edition", "key 3 holders"
    if not quoted:
        said = said.replace("&", ";") if link["sure"] else said
        said = re.split("[;,/&]" if kind == "code" else ";", said, maxsplit=1)[0].rstrip(".,:)]}")
    first = said
    if kind == "code" and (said.isdigit() or _is_code(said)):
        said = _with_groups(text, start, said)
    sure = kind == "password" and (link["sure"] is not None or (quoted and not unlinked))
    loose = unlinked and (kind == "key" or (kind == "password" and said.isdigit() and len(said) < 5))
    if _is_any(said) and (sure or (FITS[kind](said) and not loose)):
        yield Span(start, start + len(said), kind)
        if kind != "key" and not link["sure"]:
            yield from _listed(text, start + len(said), kind, len(first), "\n" in link.group())


def _listed(text: str, at: int, kind: str, digits: int, lines: bool) -> Iterator[Span]:
    """Yield what a list goes on with: digits alone as many as of the first, "1234 and 500 euros" being none."""
    while (match := _MORE.match(text, at)) and (lines or match["line"] is None):
        said = match["value"].rstrip(".:)]}")
        if not FITS[kind](said) or (said.isdigit() and len(said) != digits) or not {":", "="}.isdisjoint(said):
            break
        start = match.start("value")
        at = start + len(_with_groups(text, start, said) if kind == "code" else said)
        yield Span(start, at, kind)


def _with_groups(text: str, start: int, said: str, most: int = 160) -> str:
    """Return a code with its groups among the `most` characters that follow: "482 910"."""
    at = end = start + len(said)
    line = re.split(r"[\t\n]", text[at : at + most], maxsplit=1)[0]
    for word in line.split():
        at = text.index(word, at) + len(word)
        code = word.rstrip(",.;:!?")
        if not _is_code(code) and not (code.isdigit() and len(code) in (2, 4)):
            break
        end = at - len(word) + len(code)
        if code != word:
            break
    return text[start:end]


def _is_any(value: str) -> bool:
    """Tell a value from what stands for one: "<password>", "xxxx", "your-key"."""
    repeated = len(set(value)) == 1 and not value.isdigit()
    return bool(value) and not repeated and not value.lower().startswith(PLACEHOLDERS)


def _is_chosen(value: str) -> bool:
    """Tell what somebody chose to keep others out from a word or a measure."""
    if value.isdigit():
        return len(value) >= 4
    digits = any(char.isdigit() for char in value)
    signs = any(char in "!@#$%^&*+=~?_" for char in value[:-1])  # the last one may end the sentence
    marked = digits or signs or sum(a.islower() and b.isupper() for a, b in pairwise(value)) >= 2
    return len(value) >= 5 and marked and any(char.isalpha() for char in value) and not _is_measure(value)


def _is_measure(value: str) -> bool:
    """Tell what is said about a password and is none: "12-character", "90th", "AES-256", "Q3-2024"."""
    bare = value.strip("()")
    rest = bare.lstrip("0123456789.,+%/")
    words = rest.replace("-", "")
    if len(rest) < len(bare) <= len(rest) + 4 and (words.isalpha() or not words):
        return len(rest) <= 2 or rest.startswith("-")
    return value.lower().rstrip("0123456789.-_/") in STANDARDS


def _is_code(value: str) -> bool:
    signs = value.removesuffix("#").replace(" ", "").replace("-", "")
    capitals = signs.isalnum() and signs.upper() == signs and len(signs) <= 12
    if sum(map(str.isdigit, signs)) >= 3 and (signs.isdigit() or capitals) and len(signs) <= 16:
        return True
    return _is_chosen(value) and any(char.isdigit() for char in value)


def _is_key(value: str) -> bool:
    letters, digits = any(char.isalpha() for char in value), any(char.isdigit() for char in value)
    return digits and len(value) >= (KEY_SIGNS if letters else 2 * KEY_SIGNS) and not _is_measure(value)


def _is_bearer(value: str) -> bool:
    return is_random(value, True) or (len(value) >= 2 * KEY_SIGNS and sum(map(str.isdigit, value)) >= 3)


FITS: Mapping[str, Callable[[str], bool]] = {"password": _is_chosen, "code": _is_code, "key": _is_key}
CHECKS: Mapping[str, Check] = {
    "": len,
    "any": lambda value: len(value) * _is_any(value),
    "chosen": lambda value: len(value) * _is_chosen(value),
    "key": lambda value: len(value) * _is_key(value),
    "token": lambda value: len(value) * _is_bearer(value),
}


# --- what chance has made ---------------------------------------------------------------------------------------------


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
    if set(part.lower()) <= set("0123456789abcdef"):  # as likely a hash, which many texts give
        return prefixed and size >= 32
    return size >= (20 if prefixed else 32)


def _random_tokens(text: str) -> Iterator[Span]:
    """Yield the tokens that chance has made; of addresses only those that let anybody write."""
    for token in _TOKEN.finditer(text):
        value = token.group()
        if token["open"]:
            hook = any(sign in value.lower() for sign in ("hook", "/bot", "/services/t"))
            if hook and any(is_random(part, True) for part in value.split("/")):
                yield Span(token.start(), token.start() + len(value.rstrip(".,;:!?")), "webhook")
        elif _holds_key(value.rstrip(".")) and not _names_hash(text[max(0, token.start() - 16) : token.start()]):
            yield Span(token.start(), token.start() + len(value.rstrip(".")), "key")


def _holds_key(token: str) -> bool:
    bare = token.rstrip("=")
    for sign in "_.~":
        bare = bare.replace(sign, "-")
    runs, at = bare.split("-"), 0
    for run in runs:
        before, at = token[max(0, at - PART_SIGNS) : at], at + len(run) + 1
        prefixed = any(char.isalpha() for char in before)
        if len(run) >= PART_SIGNS and is_random(run, prefixed) and not _names_hash(before):
            return True
    joined = "".join(runs)
    return len(joined) >= max(24, RUN_SIGNS * len(runs)) and _kinds(joined) == {0, 1, 2} and is_random(joined)


def _names_hash(before: str) -> bool:
    return before.lower().rstrip("0123456789-:=_ \"'").endswith(HASHES)


def _recovery_phrases(lower: str) -> Iterator[Span]:
    """Yield runs of words that all stand in BIP-39's list, as no prose of that length does."""
    for run in _SHORT_WORDS.finditer(lower):
        for listed, words in groupby(_WORD.finditer(lower, *run.span()), lambda word: word[0] in _listed_words()):
            phrase = list(words) if listed else []
            if len(phrase) >= SEED_WORDS and len({word[0] for word in phrase}) * 2 > len(phrase):
                yield Span(phrase[0].start(), phrase[-1].end(), "recovery phrase")


@cache
def _listed_words() -> frozenset[str]:
    from mnemonic import Mnemonic

    return frozenset(Mnemonic("english").wordlist)


def _kinds(part: str) -> set[int]:
    return {_kind(char) for char in part if char.isalnum()}


def _kind(char: str) -> int:
    return 0 if char.isdigit() else 1 if char.islower() else 2


class Secrets:
    """Finds keys, tokens and passwords."""

    name = "secrets"
    stages: frozenset[Stage] = frozenset({"input", "document", "output"})
    refusal = "This holds a key or a password. Please ask again without it, and have it changed if others saw it."

    def check(self, context: GuardInput) -> Detection | None:
        """Return the secrets of the text."""
        spans = secret_spans(context.text)
        if not spans:
            return None
        kinds = ", ".join(dict.fromkeys(span.kind for span in spans))
        return Detection(f"It holds a secret: {kinds}.", 1.0, spans)
