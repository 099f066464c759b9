"""Links that lead nowhere: to a file that is not there, or to a heading that a document does not have."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ingest.lint.corpus import Corpus, Fault, Policy

PAGES = ("", ".md", ".html", ".htm", "/index.md", "/index.html", "/README.md")  # what a site's server tries
NO_ADDRESS = frozenset('[]{}<>|\\^"')  # of a template, or of a link that was not meant as one
INDEXES = ("index", "readme")  # the pages that a folder's address shows


def dead_links(corpus: Corpus) -> Iterator[Fault]:
    """Yield each link of a document's own folder tree that leads nowhere."""
    by_path = {policy.path: policy for policy in corpus.policies}
    names = {policy.path: _names(policy) for policy in corpus.policies}
    for policy in corpus.in_force:
        for address, offset in policy.links:
            if why := _why_dead(policy, address, by_path, names, corpus.hidden):
                yield Fault(f"The link {address} leads nowhere: {why}.", policy, *policy.block_at(offset))


def _why_dead(
    policy: Policy,
    address: str,
    by_path: dict[Path, Policy],
    names: dict[Path, frozenset[str]],
    hidden: Collection[Path],
) -> str:
    """Say why a link is dead; empty for one that is alive, and for one that cannot be told from here."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    name = unquote(parts.path)
    if parts.scheme or parts.netloc or name.startswith("/") or not name.isprintable() or NO_ADDRESS & {*name}:
        return ""
    wanted = [Path(os.path.normpath(base / name)) for base in _bases(policy)] if name else [policy.path]
    if not _is_within(wanted[0], policy.root):
        return ""
    wanted += [path.with_suffix(".md") for path in wanted if path.suffix in (".html", ".htm")]
    tried = (Path(f"{path}{end}") for path in wanted for end in PAGES)
    found = next((path for path in tried if path not in hidden and _is_there(path, policy.root)), None)
    if found is None:
        return f"there is no {wanted[0].relative_to(policy.root)}"
    target = by_path.get(found)
    fragment = unquote(parts.fragment)
    if target is None or _has_anchor(target, names[found], fragment):
        return ""
    return f"there is no heading {fragment} in {target.source}"


def _bases(policy: Policy) -> tuple[Path, ...]:
    """Return the folders that an address may be of: the file's, and that by which many sites show it, "leave/"."""
    path = policy.path
    return (path.parent,) if path.stem.casefold() in INDEXES else (path.parent, path.with_suffix(""))


def _is_within(path: Path, root: Path) -> bool:
    """Say whether a path, there or not, lies in the root, and no link on the way leads out of it."""
    try:
        return path.is_relative_to(root) and path.resolve().is_relative_to(root.resolve())
    except OSError:  # links in a circle
        return False


def _is_there(path: Path, root: Path) -> bool:
    try:
        return path.exists() and _is_within(path, root)
    except OSError:  # a name that is too long, a folder that may not be read
        return False


def _has_anchor(target: Policy, names: frozenset[str], fragment: str) -> bool:
    """Say whether a document has that anchor, or a heading from which sites make it."""
    if target.document.media_type not in ("text/markdown", "text/html"):
        return True
    first, _, count = fragment.rpartition("-")  # "fees-1" is the second of two headings "Fees"
    wanted = {_folded(fragment), _folded(first) if count.isdecimal() else ""} - {""}
    return not wanted or not wanted.isdisjoint(names) or fragment.casefold() == "top"


def _names(policy: Policy) -> frozenset[str]:
    """Return what its anchors come to: sites make them of headings in many ways, of the same letters and digits."""
    found = {_folded(anchor) for anchor in policy.anchors}
    for *_, text in policy.headings:
        found |= {_folded(text), _folded(text.replace("&", " and ")), _folded(text.lstrip("0123456789.() "))}
    return frozenset(found)


def _folded(anchor: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", anchor).casefold()))
