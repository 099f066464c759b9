"""A relative link to a file or a heading that is not there."""

from __future__ import annotations

import bisect
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ingest.lint.corpus import COUNT, Corpus, Fault, Policy

CODE = "link-dead"
PAGES = ("", ".md", ".html", ".htm", "/index.md", "/index.html", "/README.md")  # what a site's server tries


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield each link of a document's own folder tree that leads nowhere."""
    by_path = {policy.path: policy for policy in corpus.policies}
    for policy in corpus.in_force:
        for address, offset in policy.links:
            if why := _why_dead(policy, address, by_path, corpus.hidden):
                yield Fault(f"The link {address} leads nowhere: {why}.", policy, *_block(policy, offset))


def _why_dead(policy: Policy, address: str, by_path: dict[Path, Policy], hidden: Collection[Path]) -> str:
    """Say why a link is dead; empty for one that is alive, and for one that cannot be told from here."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    name = unquote(parts.path)
    if parts.scheme or parts.netloc or name.startswith("/") or not name.isprintable() or "{" in address:
        return ""
    wanted = Path(os.path.normpath(policy.path.parent / name)) if name else policy.path
    if not wanted.is_relative_to(policy.root):
        return ""
    tried = (Path(f"{wanted}{end}") for end in PAGES)
    found = next((path for path in tried if path not in hidden and _is_there(path, policy.root)), None)
    if found is None:
        return f"there is no {wanted.relative_to(policy.root)}"
    target = by_path.get(found)
    if not parts.fragment or target is None or _has_anchor(target, unquote(parts.fragment)):
        return ""
    return f"there is no heading {parts.fragment} in {target.source}"


def _is_there(path: Path, root: Path) -> bool:
    """Say whether something lies at a path, and no link on the way leads out of the root."""
    try:
        return path.exists() and path.resolve().is_relative_to(root.resolve())
    except OSError:  # a name that is too long, a folder that may not be read
        return False


def _has_anchor(target: Policy, fragment: str) -> bool:
    """Say whether a document has that anchor, or a heading from which sites make it."""
    if target.document.media_type not in ("text/markdown", "text/html"):
        return True
    folded = COUNT.sub("", fragment.casefold())
    return fragment in target.anchors or folded in ("", "top") or folded in target.slugs


def _block(policy: Policy, offset: int) -> tuple[int, int]:
    """Return the block that begins at an offset, or holds it."""
    at = bisect.bisect_right(policy.blocks, offset, key=lambda block: block.end)
    return (policy.blocks[at].start, policy.blocks[at].end) if at < len(policy.blocks) else (0, 0)
