"""A reference to a policy, a section, an appendix, a table or a page that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ingest.lint.corpus import Corpus, Fault, Policy

CODE = "reference-dead"
POLICY_ID = re.compile(r"([A-Z]{2,6})-(\d{2,5})")
NAMED = re.compile(r"(?<![\w-])([A-Z]{2,6}-\d{2,5})(?![\w-])")
PLACE = re.compile(
    r"\b(?P<label>section|clause|paragraph|para|appendix|annex|schedule|table|page)s? "
    r"(?P<number>\d{1,3}(?:\.\d{1,3}){0,3}|[A-Z])(?![\w%])",
    re.IGNORECASE,
)
HEADED = re.compile(
    r"(?:\W{0,4}(?P<label>section|clause|appendix|annex|schedule|table)\s+)?"
    r"(?P<number>\d{1,3}(?:\.\d{1,3}){0,3}|[A-Z])(?=[.):\s–—-]|$)",
    re.IGNORECASE,
)
OF = re.compile(r"(?:\s?\([a-z0-9]{1,3}\)){0,3},? (?:of|in|to|from|on) (?P<whose>\w+)?")
OWN = {"this", "these", "present"}
NUMBERED = frozenset({"section", "clause", "paragraph", "para"})
LEAST = 3  # numbered headings of a document whose sections are numbered
BEYOND = 5  # times the last section: "section 512" is a law's
BEFORE, AFTER = 60, 120  # characters beside a reference in which the document that it is to is named

Names = Mapping[str, set[str]]  # label -> numbers


def check(corpus: Corpus) -> Iterator[Fault]:
    """Yield each reference that leads nowhere."""
    schemes = {(m[1], len(m[2])) for known in corpus.by_id if (m := POLICY_ID.fullmatch(known))}
    titles = {policy.document.title.casefold(): policy for policy in corpus.policies if policy.document.title}
    places = {policy.source: _places(policy) for policy in corpus.policies}
    for policy in corpus.in_force:
        for match in NAMED.finditer(policy.text):
            prefix, number = match[1].split("-")
            if (prefix, len(number)) in schemes and match[1] not in corpus.by_id:
                yield Fault(f"There is no {match[1]}.", policy, *match.span())
        for match in PLACE.finditer(policy.text):
            target = _target(policy, match, corpus, titles)
            if target and _is_dead(match, target, places[target.source]):
                label = match["label"].lower()
                yield Fault(f"There is no {label} {match['number']} in {target.source}.", policy, *match.span())


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
    before = policy.text[max(0, match.start() - BEFORE) : match.start()]
    after = policy.text[match.end() : match.end() + AFTER]
    of = OF.match(after)
    if of and (of["whose"] or "").casefold() in OWN:
        return policy
    beside = after if of else _clause(before)
    for name in NAMED.findall(beside)[:1]:
        versions = corpus.by_id.get(name, [])
        return next((version for version in versions if version.in_force(corpus.today)), None)
    if of:
        named = [one for title, one in titles.items() if title in beside.casefold()]
        return named[0] if len(named) == 1 else None
    return None if re.search(r"\b(?:Act|Regulations?|Directive|GDPR|Code|Order|[A-Z]{2,}) *,? *$", before) else policy


def _clause(text: str) -> str:
    """Return what follows the last full stop."""
    return re.split(r"[.;:\n] ?", text)[-1]


def _is_dead(match: re.Match[str], target: Policy, places: Names) -> bool:
    label, number = match["label"].lower(), match["number"].upper()
    if label == "page":
        return bool(target.document.pages) and number.isdigit() and int(number) > len(target.document.pages)
    if label in NUMBERED:
        known = places["section"]
        numbers = [int(one) for one in known if one.isdigit()]
        if len(numbers) < LEAST or not number[0].isdigit() or int(number.partition(".")[0]) > BEYOND * max(numbers):
            return False
        return not _has(known, number)
    return number not in places.get(label, set())


def _has(known: set[str], number: str) -> bool:
    return number in known or any(one.startswith(f"{number}.") for one in known)
