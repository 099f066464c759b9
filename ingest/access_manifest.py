"""Who may see what: one manifest, `access.toml`, at the root of what is ingested.

    default = "everyone"                 # or "nobody": who may see what no rule names

    [[access]]
    paths = ["board/**", "hr/pay-*.md"]
    audience = ["board"]                 # roles; or "everyone", or "nobody"

    [[documents]]
    path = "hr/leave.pdf"
    title = "Leave"                      # and what else describes a document, see `metadata.DESCRIBING`

A document is for those whom every rule allows that matches it. Paths are relative to the manifest's folder, with
forward slashes. In a glob `**` stands for any number of folders, `*` and `?` for characters within a name; case does
not count there, so that a rule reaches more rather than less. Whatever is wrong with a manifest is a UsageError, raised
before anything is published.
"""

from __future__ import annotations

import difflib
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.records import Audience
from ingest.metadata import DESCRIBING, ExternalMetadata, describe
from ingest.sources import MANIFEST, read_regular

MAX_MANIFEST_BYTES = 4 * 2**20
WORDS: Mapping[str, Audience] = {"everyone": None, "nobody": ()}
NO_ROLE = ("everyone", "nobody", "")
MOST_PARTS = 50  # of a glob
AUDIENCE = 'audience must be a list of roles, "everyone" or "nobody"'


@dataclass(frozen=True, slots=True)
class AccessRule:
    """The `number`th [[access]] table of a manifest: whoever is none of `audience` may see nothing at `paths`."""

    number: int
    paths: tuple[str, ...]
    audience: Audience

    def match(self, source: str) -> str:
        """Return the first of its globs that matches a source, empty if none does."""
        return next((glob for glob in self.paths if matches(glob, source)), "")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `access.toml` in `root` says; without that file everybody may see everything."""

    root: Path
    default: Audience = None
    rules: tuple[AccessRule, ...] = ()
    documents: Mapping[str, ExternalMetadata] = field(default_factory=dict)  # by source, NFC

    def matching(self, name: str) -> list[tuple[AccessRule, str]]:
        """Return the rules that match a file of that name, each with its glob."""
        return [(rule, glob) for rule in self.rules if (glob := rule.match(name))]

    def audience(self, name: str) -> Audience:
        """Return whom all rules allow that match a file of that name; the default where none does."""
        rules = self.matching(name)
        return intersect(rule.audience for rule, _ in rules) if rules else self.default

    def check_matches(self, sources: Collection[str]) -> None:
        """Raise UsageError for a rule or an entry that names no file among the `sources`: it was meant for one."""
        known = {nfc(source) for source in sources}
        unmatched = [(rule, glob) for rule in self.rules for glob in rule.paths]
        for source in known:
            unmatched = [(rule, glob) for rule, glob in unmatched if not matches(glob, source)]
        for rule, glob in unmatched[:1]:
            hint = f'Write "{glob}/**" for all that lies in it.' if (self.root / glob).is_dir() else None
            raise self._unmatched(f"rule {rule.number} of [[access]]: paths", glob, known, hint)
        for path in self.documents:
            if path not in known:
                raise self._unmatched("an entry of [[documents]]: path", path, known, None)

    def _unmatched(self, where: str, path: str, known: Collection[str], hint: str | None) -> UsageError:
        near = difflib.get_close_matches(path, known, n=1)
        hint = hint or (f'Did you mean "{near[0]}"? ' if near else "") + "Correct it, or remove it with its document."
        return UsageError(f'{self.root / MANIFEST}, {where} "{path}" matches no document.', hint)


def matches(glob: str, source: str) -> bool:
    """Tell whether a glob matches a source; neither case nor the composition of accents counts."""
    return _match(_parts(glob.replace("[", "[[]")), _parts(source))


@lru_cache(1_024)  # every rule looks at every source
def _parts(path: str) -> tuple[tuple[str, str], ...]:
    """Return each name in two ways: with all cases made one, and letter by letter, since "?" is for "ß", too."""
    return tuple((nfc(name.casefold()), _lower(name)) for name in nfc(path).split("/"))


def _lower(name: str) -> str:
    if name.isascii():
        return name.lower()
    return "".join(lower if len(lower := letter.lower()) == 1 else letter for letter in name)


def _match(glob: Sequence[tuple[str, str]], parts: Sequence[tuple[str, str]]) -> bool:
    """Follow every way at once: what may be left of the path is told by how many of its names are matched."""
    *first, last = glob
    matched = {0}
    for names in first:
        if names[0] == "**":
            matched = set(range(min(matched), len(parts) + 1))
        else:
            matched = {at + 1 for at in matched if at < len(parts) and _is_match(names, parts[at])}
        if not matched:
            return False
    if last[0] == "**":
        return min(matched) < len(parts)
    return len(parts) - 1 in matched and _is_match(last, parts[-1])


def _is_match(names: tuple[str, str], part: tuple[str, str]) -> bool:
    return fnmatchcase(part[0], names[0]) or (not part[1].isascii() and fnmatchcase(part[1], names[1]))


def nfc(text: str) -> str:
    """Return a text with its accents composed: macOS stores names decomposed."""
    return unicodedata.normalize("NFC", text)


def intersect(audiences: Iterable[Audience]) -> Audience:
    """Return whom all audiences hold: None is everyone, and an empty tuple nobody."""
    common: Audience = None
    for audience in audiences:
        both = audience if common is None else common
        common = both if common is None or audience is None else tuple(role for role in common if role in audience)
    return common


def read_manifest(root: Path) -> Manifest:
    """Read `access.toml` in a folder; raises UsageError for whatever is wrong with it."""
    path = root / MANIFEST
    try:
        raw = tomllib.loads(read_regular(path, MAX_MANIFEST_BYTES).decode("utf-8-sig").replace("\r\n", "\n"))
    except DocumentRejected as error:
        raise UsageError(f"{path} cannot be read: {error.detail}", "Make it a plain file of text.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}.", "Correct that line.") from error
    return parse_manifest(raw, root)


def parse_manifest(raw: Mapping[str, Any], root: Path) -> Manifest:
    """Check what was parsed; raises UsageError naming the table, the key and its value."""
    where = str(root / MANIFEST)
    _check_keys(raw, ("default", "access", "documents"), where)
    if raw.get("default") not in ("everyone", "nobody"):
        cause = f'{where}: default must be "everyone" or "nobody", not {_shown(raw.get("default"))}.'
        raise UsageError(cause, 'Write default = "everyone" or default = "nobody" at its top.')
    rules = tuple(
        _rule(table, number, f"{where}, rule {number} of [[access]]")
        for number, table in enumerate(_tables(raw, "access", where), 1)
    )
    documents: dict[str, ExternalMetadata] = {}
    for number, table in enumerate(_tables(raw, "documents", where), 1):
        here = f"{where}, entry {number} of [[documents]]"
        path, entry = _entry(table, here)
        if path in documents:
            raise UsageError(f'{here}: another entry has the path "{path}", too.', "Make one entry of them.")
        documents[path] = entry
    return Manifest(root, WORDS[raw["default"]], rules, documents)


def _rule(table: Mapping[str, Any], number: int, where: str) -> AccessRule:
    _check_keys(table, ("paths", "audience"), where)
    paths = table.get("paths")
    if not isinstance(paths, list) or not paths:
        raise UsageError(f"{where}: paths must be a list of globs, not {_shown(paths)}.", 'Write paths = ["hr/**"].')
    return AccessRule(number, tuple(_path(path, where, glob=True) for path in paths), _audience(table, where))


def _entry(table: Mapping[str, Any], where: str) -> tuple[str, ExternalMetadata]:
    if "audience" in table:
        hint = f"Write it as a rule:\n\n{rule_text(str(table.get('path', '')), table['audience'])}"
        raise UsageError(f"{where}: audience does not belong there.", hint)
    _check_keys(table, ("path", *DESCRIBING), where)
    try:
        return _path(table.get("path"), where, glob=False), describe(table, where)
    except DocumentRejected as error:
        raise UsageError(error.detail, "Correct that value.") from error


def _path(path: object, where: str, *, glob: bool) -> str:
    kind = "glob" if glob else "path"
    if not isinstance(path, str) or not path:
        raise UsageError(f"{where}: a {kind} must be a text, not {_shown(path)}.", "Write it in quotation marks.")
    parts = path.split("/")
    if "\\" in path or not all(parts) or {".", ".."} & set(parts):
        hint = f'Write it from the folder of {MANIFEST}, with "/" between names: "hr/pay.md"'
        raise UsageError(f'{where}: the {kind} "{path}" is not one.', f'{hint}, "hr/**".' if glob else f"{hint}.")
    if glob and any("**" in part and part != "**" for part in parts):
        raise UsageError(f'{where}: in the glob "{path}" something stands beside **.', 'Write "hr/**" or "hr/*".')
    if glob and len(parts) > MOST_PARTS:
        cause = f'{where}: the glob "{path[:80]}..." has {len(parts)} parts, and at most {MOST_PARTS} are matched.'
        raise UsageError(cause, 'Write it shorter: "hr/**" is for all that lies in it, however deep.')
    return nfc(path)


def _audience(table: Mapping[str, Any], where: str) -> Audience:
    value = table.get("audience")
    if isinstance(value, str) and value in WORDS:
        return WORDS[value]
    items = value if isinstance(value, list) else []
    roles = [nfc(item).strip().lower() if isinstance(item, str) else "" for item in items]
    if not roles or any(role in NO_ROLE or "," in role or not role.isprintable() for role in roles):
        hint = f'Write audience = ["{value}"].' if isinstance(value, str) else 'Write audience = ["hr", "board"].'
        raise UsageError(f"{where}: {AUDIENCE}, not {_shown(value)}.", hint)
    return tuple(sorted(set(roles)))


def _tables(raw: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    tables = raw.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{where}: {key} must be tables, not {_shown(tables)}.", f"Begin each with [[{key}]].")
    return tables


def _check_keys(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f'{where} has the unknown key "{key[:80]}".', f"Known are {', '.join(known)}.")


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)[:80]


def rule_text(glob: str, audience: object) -> str:
    """Return a rule as `access.toml` says it."""
    roles = [audience] if isinstance(audience, str) else audience if isinstance(audience, (list, tuple)) else []
    names = [part.strip() for role in roles for part in str(role).split(",") if part.strip()]
    return f"[[access]]\npaths = [{quoted(glob)}]\naudience = [{', '.join(map(quoted, names or ['ROLE']))}]"


def quoted(text: str) -> str:
    """Return a text as TOML's basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
