"""References that lead nowhere: to a policy, a section, an appendix, a schedule, a table or a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from ingest.lint.corpus import Corpus, Fault, Policy

POLICY_ID = re.compile(r"(?<![\w-])(([A-Z]{2,6})-(\d{2,5}))(?![\w-])")
# "schedule a call" and "schedule 60 minutes" are orders: a letter is a capital, and a number counts nothing.
PLACE = re.compile(
    r"\b(?P<label>(?i:section|clause|paragraph|para|appendix|annex|schedule|table|page))s? "
    r"(?P<number>\d{1,3}(?:\.\d{1,3}){0,3}|[A-Z])(?![\w%:'’]|\.\w)"
    r"(?P<of>(?:\s?\([a-z0-9]{1,3}\)){0,3},?\s(?i:of|in|to|from|on)\s(?P<whose>\w+)?)?",
)
VERBS = ("schedule", "table", "page")  # labels that are: "schedule 3 calls"
LEADING = re.compile(r"\b(?:in|see|of|by|under|with|from|per)\W{1,4}$", re.IGNORECASE)
HEADED = re.compile(
    r"(?:\W{0,4}(?P<label>section|clause|appendix|annex|schedule|table)\s+)?"
    r"(?P<number>\d{1,3}(?:\.\d{1,3}){0,3}|[A-Z])(?=[.):(\s–—-]|$)",
    re.IGNORECASE,
)
OWN = {"this", "these", "present"}
NUMBERED = frozenset({"section", "clause", "paragraph", "para"})
LAWS = re.compile(r"\b(?:Act|Regulations?|Directive|Code|Order|Statute)\b")
CONTEXT_CHARACTERS = 120  # behind a reference, and half as many before it, in which its document is named
TITLE_WORDS = 2  # of a title, at least, that is told from a word of the sentence

Names = Mapping[str, set[str]]  # label -> numbers


def dead_references(corpus: Corpus) -> Iterator[Fault]:
    """Yield each reference that leads nowhere."""
    schemes = {(m[2], len(m[3])) for known in corpus.by_id if (m := POLICY_ID.fullmatch(known))}
    titles = {p.document.title.casefold(): p for p in corpus.policies if len(p.document.title.split()) >= TITLE_WORDS}
    places = {policy.source: _places(policy) for policy in corpus.policies}
    for policy in corpus.in_force:
        for match in POLICY_ID.finditer(policy.text):
            if (match[2], len(match[3])) in schemes and match[1] not in corpus.by_id:
                yield Fault(f"There is no {match[1]}.", policy, *match.span())
        outward = {policy.block_at(offset) for address, offset in policy.links if _leads_out(address)}
        for match in PLACE.finditer(policy.text):
            target = _target(policy, match, corpus, titles)
            block = policy.block_at(match.start())
            if target is None or (target is policy and block in outward) or policy.text.startswith("#", block[0]):
                continue  # beside a link it is what the link leads to that has the section; a heading says its own
            if _is_dead(match, target, places[target.source]):
                message = f"There is no {match['label'].lower()} {match['number']} in {target.source}."
                certain = _is_certain(match, places[target.source])
                yield Fault(message, policy, match.start(), match.end("number"), certain=certain)


def _leads_out(address: str) -> bool:

    try:
        return urlsplit(address).scheme in ("http", "https")
    except ValueError:
        return False


def _places(policy: Policy) -> Names:
    """Return the numbers of what a document heads with one: sections, and each label of its own.

    The "chapter" numbers are those that its headings begin with: a document may be one chapter of several.
    """
    found: dict[str, set[str]] = {"section": set(), "chapter": set()}
    for block in policy.blocks:
        line = policy.text[block.start : block.end].lstrip("# ")
        match = HEADED.match(line)
        if match and (match["label"] or block.kind == "heading" or "." in match["number"] or block.kind == "item"):
            label = (match["label"] or "section").lower()
            found.setdefault(label, set()).add(match["number"].upper())
            if label == "section" and block.kind == "heading":
                found["chapter"].add(match["number"].partition(".")[0])
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
        said = policy.text[match.start("whose") : match.end("number") + CONTEXT_CHARACTERS].casefold()
        titled = [one for title, one in titles.items() if said.removeprefix("the ").startswith(title)]
        return titled[0] if len(titled) == 1 else None
    word = before.rstrip(" ,").rpartition(" ")[2]
    is_other = LAWS.search(before) or (word.isupper() and word.isalpha() and len(word) > 1)
    return None if is_other or not _is_told(match, before) else policy


def _is_told(match: re.Match[str], before: str) -> bool:
    """Tell "listed in table 4" from "to schedule 3 calls": a label that is a verb too is led to, or a name."""
    label = match["label"]
    return label.casefold() not in VERBS or label[0].isupper() or LEADING.search(before) is not None


def _is_dead(match: re.Match[str], target: Policy, places: Names) -> bool:
    label, number = match["label"].lower(), match["number"].upper()
    if label == "page":
        return bool(target.document.pages) and number.isdigit() and int(number) > len(target.document.pages)
    if label in NUMBERED:
        chapters = [int(one) for one in places["chapter"] if one.isdigit()]
        # With fewer than three, its headings are not numbered; "section 512" is a law's.
        if len(chapters) < 3 or not number[0].isdigit() or int(number.partition(".")[0]) > 5 * max(chapters):
            return False
        return not _has(places["section"], number)
    return number not in places.get(label, set())


def _is_certain(match: re.Match[str], places: Names) -> bool:
    """Say whether the document numbers others of the kind, so that this one is missing and not numbered otherwise."""
    label, above = match["label"].lower(), match["number"].rpartition(".")[0]
    if label == "page":
        return True
    if label in NUMBERED:
        sections = places["section"]
        return not above or not _has(sections, above) or any(one.startswith(f"{above}.") for one in sections)
    return label in places


def _has(known: set[str], number: str) -> bool:
    return number in known or any(one.startswith(f"{number}.") for one in known)
