"""Links and references that lead nowhere: to a file, a heading, a policy, a section, an appendix, a table or a page."""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ingest.lint.corpus import Corpus, Fault, Policy, without_count

PAGES = ("", ".md", ".html", ".htm", "/index.md", "/index.html", "/README.md")  # what a site's server tries
POLICY_ID = re.compile(r"(?<![\w-])(([A-Z]{2,6})-(\d{2,5}))(?![\w-])")
PLACE = re.compile(
    r"\b(?P<label>section|clause|paragraph|para|appendix|annex|schedule|table|page)s? "
    r"(?P<number>\d{1,3}(?:\.\d{1,3}){0,3}|[A-Z])(?![\w%])"
    r"(?P<of>(?:\s?\([a-z0-9]{1,3}\)){0,3},? (?:of|in|to|from|on) (?P<whose>\w+)?)?",
    re.IGNORECASE,
)
HEADED = re.compile(
    r"(?:\W{0,4}(?P<label>section|clause|appendix|annex|schedule|table)\s+)?"
    r"(?P<number>\d{1,3}(?:\.\d{1,3}){0,3}|[A-Z])(?=[.):\s–—-]|$)",
    re.IGNORECASE,
)
OWN = {"this", "these", "present"}
NUMBERED = frozenset({"section", "clause", "paragraph", "para"})
LAWS = {"Act", "Regulation", "Regulations", "Directive", "Code", "Order"}
CONTEXT_CHARACTERS = 120  # behind a reference, and half as many before it, in which its document is named

Names = Mapping[str, set[str]]  # label -> numbers


def dead_links(corpus: Corpus) -> Iterator[Fault]:
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
    folded = without_count(fragment.casefold())
    return fragment in target.anchors or folded in ("", "top") or folded in target.slugs


def _block(policy: Policy, offset: int) -> tuple[int, int]:
    """Return the block that begins at an offset, or holds it."""
    at = bisect.bisect_right(policy.blocks, offset, key=lambda block: block.end)
    return (policy.blocks[at].start, policy.blocks[at].end) if at < len(policy.blocks) else (0, 0)


def dead_references(corpus: Corpus) -> Iterator[Fault]:
    """Yield each reference that leads nowhere."""
    schemes = {(m[2], len(m[3])) for known in corpus.by_id if (m := POLICY_ID.fullmatch(known))}
    titles = {policy.document.title.casefold(): policy for policy in corpus.policies if policy.document.title}
    places = {policy.source: _places(policy) for policy in corpus.policies}
    for policy in corpus.in_force:
        for match in POLICY_ID.finditer(policy.text):
            if (match[2], len(match[3])) in schemes and match[1] not in corpus.by_id:
                yield Fault(f"There is no {match[1]}.", policy, *match.span())
        for match in PLACE.finditer(policy.text):
            target = _target(policy, match, corpus, titles)
            if target and _is_dead(match, target, places[target.source]):
                label = match["label"].lower()
                yield Fault(
                    f"There is no {label} {match['number']} in {target.source}.",
                    policy,
                    match.start(),
                    match.end("number"),
                )


def _places(policy: Policy) -> Names:
    """Return the numbers of what a document heads with one: sections, and each label of its own."""
    found: dict[str, set[str]] = {"section": set()}
    for block in policy.blocks:
        line = policy.text[block.start : block.end].lstrip("# ")
        match = HEADED.match(line)
        if match and (match["label"] or block.kind == "heading" or "." in match["number"] or block.kind == "item"):
            label = (match["label"] or "section").lower()
            found.setdefault(label, set()).add(match["number"].upper())
    return found


def _target(policy: Policy, match: re.Match[str], corpus: Corpus, titles: Mapping[str, Policy]) -> Policy | None:
    """Return the document that a reference is to, None for one that is not ours or cannot be told."""
    before = policy.text[max(0, match.start() - CONTEXT_CHARACTERS // 2) : match.start()]
    after = policy.text[match.end("number") : match.end("number") + CONTEXT_CHARACTERS]
    if (match["whose"] or "").casefold() in OWN:
        return policy
    context = after if match["of"] else before[max(map(before.rfind, ".;:\n")) + 1 :]
    if named := POLICY_ID.search(context):
        versions = corpus.by_id.get(named[1], [])
        return next((version for version in versions if version.in_force(corpus.today)), None)
    if match["of"]:
        titled = [one for title, one in titles.items() if title in context.casefold()]
        return titled[0] if len(titled) == 1 else None
    word = before.rstrip(" ,").rpartition(" ")[2]
    return None if word in LAWS or (word.isupper() and word.isalpha() and len(word) > 1) else policy


def _is_dead(match: re.Match[str], target: Policy, places: Names) -> bool:
    label, number = match["label"].lower(), match["number"].upper()
    if label == "page":
        return bool(target.document.pages) and number.isdigit() and int(number) > len(target.document.pages)
    if label in NUMBERED:
        known = places["section"]
        numbers = [int(one) for one in known if one.isdigit()]
        # With fewer than three, its headings are not numbered; "section 512" is a law's.
        if len(numbers) < 3 or not number[0].isdigit() or int(number.partition(".")[0]) > 5 * max(numbers):
            return False
        return not _has(known, number)
    return number not in places.get(label, set())


def _has(known: set[str], number: str) -> bool:
    return number in known or any(one.startswith(f"{number}.") for one in known)
