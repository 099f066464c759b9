"""Does a quote support a sentence? Rules that tell, and that say why not.

Every number with its unit, date, negation, obligation, actor and name of a claim must be in the quote, in the quote's
order and by the same words; no word may take another's place; limits, conditions, enumerations and alternatives must be
kept; and most of the other words must be the quote's. The rules err towards refusing: what is refused is replaced by
the quote itself. `python -m bench.support` counts what they let through and what they refuse without need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from assistant.core.text import ITEM, UNPRINTABLE, cells, sentences
from assistant.evidence import row_text
from assistant.facts import ACTORS, DETERMINER, MODALS, ROLES, STOPS, UNITS, WORD, Facts, fold, stem, stemmed, stems
from assistant.facts import numbers as numbers  # the evaluation compares answers by them

# Footnote signs, brackets of keys, raised and circled figures; asterisks in pairs are emphasis.
MARK = re.compile(
    rf"""!\[|\]\(|(?<!\*)\*(?!\*)|[^\w\s.,;:!?'"‘’“”()/&+=@\#*—–-]|[²³¹⁰-₟①-⓿❶-➓]|{UNPRINTABLE.pattern}"""
)
# The first begins in the sentence before.
QUOTED = re.compile(r"""^([^"“«‘]+)["”»’]\W*$|"([^"]+)"?|“([^”]+)|«([^»]+)|(?<!\w)['‘]([^'’]+)['’](?!\w)""")
# What tells where something is from.
ATTRIBUTION = re.compile(
    r"""[(—]|\b(?:according\ to|per|see|sources?|references?|ibid|says?|said|stat(?:es?|ed)|set\ out|laid\ down|
    confirm\w*|announc\w*|polic(?:y|ies)|handbooks?|manuals?|guid(?:es?|elines?|ance)|procedures?|codes?|charters?|
    laws?|acts?|regulations?|directives?|standards?|sections?|clauses?|articles?|pages?|chapters?|annex\w*|
    appendi\w+)\b""",
    re.IGNORECASE | re.VERBOSE,
)
CHOICE = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
HEDGE = re.compile(r"\b(?:some|most|sometimes|usually|often|normally|generally|typically)\b", re.IGNORECASE)
LIMIT = re.compile(
    r"""\b(?:only|unless|except|until|if|as\ long\ as|at\ least|at\ most|up\ to|more\ than|less\ than|within|before|
    after|provided(?!\ (?:by|to|with|in|for|on|at)\b)|working|business|calendar|full[- ]time|part[- ]time|unpaid)\b""",
    re.IGNORECASE | re.VERBOSE,
)
EXTENT = re.compile(
    rf"\b(?:all|every|each|any|both|always|more|less|fewer|above|below)\b|{HEDGE.pattern}", re.IGNORECASE
)
MEMBER = r"[^\W_][\w'’-]*(?: [^\W_][\w'’-]*){0,3}"
ENUMERATION = re.compile(rf"((?:{MEMBER}, )+{MEMBER}),? (?:and|or) {DETERMINER}([^\W_][\w'’-]*)")
OPENING = re.compile(r"(?:however|also|additionally|therefore|otherwise|for example|in addition)", re.IGNORECASE)
# A clause that says something more, and limits nothing: "the finance team, which pays within 30 days".
ASIDE = re.compile(r", (?:which|who|where|an?) [^,;:]*(?=[,.;]|$)")
# A term's other names, as glossaries are read: "CISO (also: Chief Information Security Officer)".
ALIASES = re.compile(r" ?\(also: [^()]*\)")
RESTRICTS = re.compile(r"\b(?:only|unless|except|until|if|provided|not|no|never|must|may|can|should)\b", re.IGNORECASE)
# What begins a sentence that qualifies the one before it.
GOES_ON = re.compile(
    r"(?:this|these|that|those|such|however|but|except\w*|unless|otherwise|only|not|in (?:this|that|these) cases?)\b",
    re.IGNORECASE,
)
# Words that an answer may add to a quote's.
FILLERS = stemmed("yes also well however therefore thus too actually additionally please note")
# Words that may tell of a claim that it is the quote's document that says so.
SOURCE_WORDS = stemmed("according per see says said states stated set out policy document")
MAX_SLOT = 3  # words of the quote that another word can have taken the place of


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a quote supports a claim, the share of the claim's content it holds, and why not, in words.

    `rule` names the rule that refused; `missing` says so to a reader: `it leaves out "unless"`.
    """

    supported: bool
    score: float
    rule: str = ""
    missing: str = ""


def check_support(claim: str, quote: str, min_share: float, context: str = "") -> Support:
    """Tell whether `quote` supports `claim`; `context` (title, headings) may supply names, never numbers."""
    if _same(claim) in (_same(quote), _same(_near(quote))):
        return Support(True, 1.0)
    said, around = Facts(fold(claim)), frozenset(stems(context))
    if reason := _subject_lost(said, quote):
        return Support(False, 0.0, "row", reason)
    quote = _near(quote)
    whole = _check(said, Facts(fold(quote)), around, min_share)
    if whole.supported:
        return whole
    parts = (_check(said, Facts(fold(part)), around, min_share) for part in _statements(quote))
    return next((part for part in parts if part.supported), whole)


def _subject_lost(claim: Facts, quote: str) -> str:
    """Refuse a claim from a table row without what the row is about, its first cell: a value alone answers anything."""
    lines = quote.splitlines()
    if len(lines) < 2 or not lines[-1].startswith("|"):
        return ""
    subject = Facts(fold(cells(lines[-1])[0]))
    kept = subject.words.keys() - STOPS <= claim.words.keys() and subject.numbers <= claim.numbers
    return "" if kept else _lost({subject.text})


def _check(claim: Facts, quote: Facts, context: frozenset[str], min_share: float) -> Support:
    around = context | quote.words.keys()
    for name, rule in RULES.items():
        if reason := rule(claim, quote, around):
            return Support(False, 0.0, name, reason)
    content = claim.words.keys() - STOPS - FILLERS
    share = len(content & around) / len(content) if content else 0.0
    if share < min_share:
        return Support(False, share, "words", f"only {share:.0%} of its words are the quote's")
    return Support(True, share)


def _addresses(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    return _unsaid(claim.addresses - quote.addresses)


def _marks(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse what would be shown as something else: links, tags, control characters, keys and footnotes."""
    added = set(MARK.findall(claim.text)) - set(MARK.findall(quote.text))
    return "it holds marks that the quote has not" if added else ""


def _quotations(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse words in quotation marks that are not the quote's."""
    said = (next(filter(None, m.groups())) for m in QUOTED.finditer(claim.text))
    return _unsaid(part for part in said if _same(part.rstrip(" ,;:!?")) not in _same(quote.text))


def _attributions(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse a source that the quote does not name, and that is not where the quote is from."""
    if not claim.phrases(ATTRIBUTION) - quote.phrases(ATTRIBUTION):
        return ""
    return _unsaid(claim.written(key) for key in claim.words.keys() - around - STOPS - FILLERS - SOURCE_WORDS)


def _numbers(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    return _unsaid(claim.numbers - quote.numbers)


def _units(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    return _unsaid(claim.written(u) for u in claim.words.keys() & UNITS - quote.words.keys())


def _dates(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    return _unsaid(claim.written(d) for d in claim.dates - quote.dates)


def _names(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    return _unsaid(name for name in claim.names if stem(name) not in around)


def _actors(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    return _unsaid(claim.written(a) for a in claim.words.keys() & ACTORS - around)


def _obligations(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    return _unsaid(claim.modals[name][0].group() for name in claim.modals.keys() - quote.modals.keys())


def _limits(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    return _unsaid(claim.phrases(LIMIT, EXTENT).keys() - quote.phrases(LIMIT, EXTENT).keys())


def _choices(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse `and` or `or` where the quote has the other, or with a word that the quote has not."""
    if added := {key for pair in claim.pairs for key in pair} - around - STOPS - FILLERS:
        return _unsaid(map(claim.written, added))
    said, meant = claim.phrases(CHOICE), quote.phrases(CHOICE)
    changed = {word for word in said.keys() - meant.keys() if word == "or" or "or" in meant}
    for pair in claim.pairs.keys() & quote.pairs.keys():
        changed |= claim.pairs[pair] - quote.pairs[pair]
    return f'it says "{min(changed)}" where the quote does not' if changed else ""


def _left_out(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse a claim without the quote's limits, exceptions and actors."""
    text = ALIASES.sub("", quote.text)
    kept = Facts(ASIDE.sub(lambda aside: aside[0] if _matters(aside[0], claim) else "", text))
    dropped = set(kept.phrases(LIMIT) - claim.phrases(LIMIT))
    return _lost(dropped | {kept.written(a) for a in kept.words.keys() & ACTORS - claim.words.keys()})


def _matters(aside: str, claim: Facts) -> bool:
    return bool(RESTRICTS.search(aside)) or not claim.keys.isdisjoint(Facts(aside).keys)


def _members(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse a claim that names some members of an enumeration, or one of two alternatives, and not the others."""
    dropped: set[str] = set()
    for match in ENUMERATION.finditer(quote.bare):
        parts = [part for part in match[1].split(", ") if not OPENING.fullmatch(part)]
        dropped |= _some_of({stem(w[-1]) for part in [*parts, match[2]] if (w := WORD.findall(part))}, claim, quote)
    for pair in quote.pairs:
        dropped |= _some_of(set(pair), claim, quote)
    return _lost({quote.written(member) for member in dropped})


def _some_of(members: set[str], claim: Facts, quote: Facts) -> set[str]:
    """Return the members that a claim does not name as often as the quote, if it does so name others."""
    members = members - STOPS
    absent = {m for m in members if claim.counts[m] < quote.counts[m]}
    return absent if absent != members else set()


def _negations(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    if len(claim.negations) > len(quote.negations):
        return _unsaid(m.group().casefold() for m in claim.negations)
    fewer = len(claim.negations) < len(quote.negations)
    return _lost({m.group().casefold() for m in quote.negations}) if fewer else ""


def _hedges(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse a claim that states what the quote says only some do, or may or should do."""
    for pattern in (MODALS["may"], MODALS["should"], HEDGE):
        kept = {key for match in pattern.finditer(claim.text) for key in claim.after(match, 2)}
        for match in pattern.finditer(quote.text):
            following = quote.after(match, 1)
            if following and following[0] in claim.keys - kept:
                return _lost({match.group()})
    return ""


def _order(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse numbers, negations, obligations, actors and names in another order than the quote's."""
    names = frozenset(map(stem, claim.names | quote.names))
    meant = quote.ordered(names)
    known, rest = set(meant), iter(meant)
    for token in claim.ordered(names):
        if token in known and token not in rest:
            return _moved(claim.written(token[1]) or "not")
    return ""


def _company(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse a negation or an obligation that stands before a word which it does not stand by in the quote."""
    modals = ((claim.modals[name], quote.modals.get(name, [])) for name in claim.modals)
    for said, meant in ((claim.negations, quote.negations), *modals):
        # What must be done can be said to be a must: a modal's word may come before it.
        back = 0 if said is claim.negations else 2
        near = {key for m in meant for key in (*quote.before(m, back), *quote.after(m, 3))}
        for match in said:
            if not quote.keys.isdisjoint(following := claim.after(match, 1)) and near.isdisjoint(following):
                return _moved(match.group())
    negated = {key for m in claim.negations for key in claim.after(m, 3)}
    for match in quote.negations:
        if not claim.keys.isdisjoint(following := quote.after(match, 1)) and negated.isdisjoint(following):
            return _moved(match.group())
    return ""


def _substitutes(claim: Facts, quote: Facts, around: frozenset[str]) -> str:
    """Refuse a word in the place of another, and a number taken from beyond another number."""
    said, meant = [key for _, key in claim.content], [key for _, key in quote.content]
    known = around | quote.keys | FILLERS
    for op, i1, i2, j1, j2 in SequenceMatcher(None, said, meant, autojunk=False).get_opcodes():
        if op == "equal":
            continue
        new = [key for key in said[i1:i2] if key not in known]
        gone = [key for key in meant[j1:j2] if key not in claim.keys]
        slot = 0 < j2 - j1 <= MAX_SLOT
        if slot and gone and any(not any(_kin(key, g) for g in gone) for key in new):
            return f'it says "{claim.written(new[0])}" where the quote says "{quote.written(gone[0])}"'
        if slot and not new and not quote.keys.isdisjoint(said[i1:i2]):
            return _moved(claim.written(said[i1]))
        skipped = [key for key in gone if key[-1].isdigit()]
        if i1 > 0 and skipped and any(key[-1].isdigit() for key in said[i2:]):
            return f"it passes over {skipped[0]} to another number"
    return ""


def _kin(one: str, other: str) -> bool:
    """Tell whether two stems are of one family, `charity` and `charitable`; who gives and who gets are not."""
    if one[:5] != other[:5] or len(one) < 5:
        return False
    # What is left of "trainee" ends in "e".
    return not ({one, other} & ROLES or any(word.endswith(("er", "or", "e")) for word in (one, other)))


Rule = Callable[[Facts, Facts, frozenset[str]], str]
RULES: Mapping[str, Rule] = {
    "address": _addresses, "mark": _marks, "quotation": _quotations, "attribution": _attributions,
    "number": _numbers, "unit": _units, "date": _dates, "name": _names,
    "actor": _actors, "obligation": _obligations, "limit": _limits, "choice": _choices, "left out": _left_out,
    "member": _members, "negation": _negations, "hedge": _hedges, "order": _order, "company": _company,
    "substitute": _substitutes,
}  # fmt: skip


def _unsaid(words: Iterable[str]) -> str:
    found = sorted(set(words))
    return f"the quote does not say {_listed(found)}" if found else ""


def _lost(words: set[str]) -> str:
    return f"it leaves out {_listed(sorted(words))}" if words else ""


def _moved(word: str) -> str:
    return f'it puts "{word}" in another place than the quote'


def _listed(words: list[str]) -> str:
    return ", ".join(f'"{w}"' for w in words)


def _statements(quote: str) -> list[str]:
    """Return the sentences of a quote of several, each with those that go on about it."""
    parts: list[str] = []
    for start, end in sentences(quote, 0, len(quote)):
        if parts and GOES_ON.match(quote, start):
            parts[-1] += " " + quote[start:end]
        else:
            parts.append(quote[start:end])
    return parts if len(parts) > 1 else []


def _same(text: str) -> str:
    """Fold what does not matter between a sentence and its quote: white space, capitals, the last full stop."""
    return " ".join(text.split()).casefold().rstrip(".")


def _near(quote: str) -> str:
    """Leave out the list items and table rows that a quote passes between what introduces it and itself."""
    lines = quote.splitlines()
    if len(lines) > 1 and lines[-1].startswith("|"):
        return row_text(lines[0], lines[-1])
    items = [i for i, line in enumerate(lines) if ITEM.match(line)]
    if len(items) > 1 and items[0] > 0:
        lines = lines[: items[0]] + lines[items[-1] :]
    return "\n".join(ITEM.sub("", line, count=1) if ITEM.match(line) else line for line in lines)
