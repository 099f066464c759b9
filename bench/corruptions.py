"""Sentences made wrong in one place, and said otherwise without being made wrong; for `bench.support`.

Each function takes a sentence, a random generator and the names and nouns of other documents, and returns the changed
sentence, or None where there is nothing of the kind to change. None of the word lists is the support check's own.
After the transformations of FactCC (Kryscinski et al., 2020), without a parser or a translator.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Others:
    """What a sentence can be given in place of its own: names and nouns of the documents that it is not from."""

    names: tuple[str, ...]
    nouns: tuple[str, ...]


Change = Callable[[str, random.Random, Others], str | None]

FIGURE = re.compile(r"(?<![\w.,@/-])\d+(?:[.,]\d+)*(?![\w@/-])")
WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty""".split()
SPELT = re.compile(rf"\b(?:{'|'.join(WORDS[2:])})\b", re.IGNORECASE)  # "one" is as often a pronoun
QUANTITY = re.compile(rf"{FIGURE.pattern}|{SPELT.pattern}", re.IGNORECASE)
MONTHS = """January February March April May June July August September October November December""".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTH = "|".join(MONTHS)
DATED: tuple[tuple[re.Pattern[str], Callable[[str], list[str]]], ...] = (
    (re.compile(rf"\b(?:{MONTH.replace('|May', '')})\b|(?<=\d )May\b|\bMay(?= \d)"), lambda old: MONTHS),
    (re.compile(rf"\b\d{{1,2}}(?=(?:st|nd|rd|th)? (?:{MONTH})\b)"), lambda old: [str(day) for day in range(1, 29)]),
    (
        re.compile(r"(?<![\w.,£$€-])(?:19|20)\d\d\b(?![.,-]\d)"),
        lambda old: [str(int(old) + n) for n in (-10, -1, 1, 2)],
    ),
    (re.compile(rf"\b(?:{'|'.join(DAYS)})(?=s?\b)"), lambda old: DAYS),
)
UNITS = "minute hour day week month year mile kilometre pound euro dollar".split()
ROLES = """employee employer manager supervisor contractor supplier customer client vendor landlord tenant applicant
    claimant parent partner director trustee volunteer student teacher doctor patient member provider partner agency
    lender borrower seller buyer owner approver sponsor visitor candidate officer lawyer child""".split()
ROLE = re.compile(rf"\b(?:{'|'.join(ROLES)})(s?)\b", re.IGNORECASE)
NAME = re.compile(r"(?<=[a-z,] )(?!I\b)[A-Z][\w&-]+(?: (?:of |and )?[A-Z][\w&-]+)*")
JOINT = re.compile(r",? ?(?:and|or|/|,)? ?(?:the |an? |your )?")
BEFORE_NOUN = "|".join(rf"(?<=\b{word} )" for word in "the your any of an in a".split())
NOUN = re.compile(rf"(?:{BEFORE_NOUN})[a-z]{{4,}}(?= (?:is|are|was|to|of|for|in|by|from|with|on|or|and)\b|[.,;:])")
NEGATED = (
    (re.compile(r"(?<!or )(?<!if )(?<!why )\bnot (?!only\b|just\b|least\b|necessarily\b)"), ""),
    (re.compile(r"\b(do|does|did|is|are|was|were|should|would|could|have|has)n['’]t\b", re.IGNORECASE), r"\1"),
    (re.compile(r"\b([Cc]an)(?:not|['’]t)\b"), r"\1"),
    (re.compile(r"\b([Ww])on['’]t\b"), r"\1ill"),
    (re.compile(r"\bnever\b"), "always"),
    (re.compile(r"\bwithout\b"), "with"),
    (re.compile(r"\bunless\b"), "if"),
    (re.compile(r"\bno (?=[a-z])(?!longer\b|matter\b|one\b)"), "a "),
)  # fmt: skip
ANTONYMS = tuple(
    pair.split("/")
    for pair in """minimum/maximum above/below include/exclude includes/excludes including/excluding paid/unpaid
    internal/external approve/reject approved/rejected more/less higher/lower increase/decrease before/after
    accept/refuse allowed/forbidden start/end first/last public/private all/some always/sometimes full-time/part-time
    same/different taxable/tax-free early/late always/never annual/monthly weekly/monthly permanent/temporary
    mandatory/optional""".split()
)
FORCE = {"must": ("may", "should"), "shall": ("may",), "should": ("must", "may"), "may": ("must", "should"),
         "can": ("must", "should"), "will": ("may",), "required to": ("allowed to",), "need to": ("may",),
         "have to": ("can",), "entitled to": ("required to",), "allowed to": ("required to",)}  # fmt: skip
FORCED = re.compile(rf"\b(?:{'|'.join(FORCE)})\b(?! not\b|['’]t)")
CONDITION = re.compile(
    r",? (?:unless|except|provided that|as long as|only if|if|until|but only|within \d+|at least \d+ [a-z]+ before)\b"
    r"[^,;:()]*(?=[.;]?$)"
)
PAIR = re.compile(
    r"\b(?:([a-z]+s) (?:and|or) ([a-z]+s)|(?:an?|your|the) ([a-z]+) or (?:an? |your |the )?([a-z]+))(?=[ .,;:])"
)
LIST = re.compile(r"\b[\w-]+, (?:[\w-]+, )*[\w-]+,? (?:and|or) [\w-]+")
# What keeps a clause from being trimmed as meaning nothing more: a limit, a negation, a modal or a number.
WEIGHTY = re.compile(
    r"\b(?:not?|never|without|only|unless|except|if|must|may|can|should|until|before|after|exclud\w+|cannot|shall|least|"
    r"most|than|within|up to|and|or|provided)\b|n['’]t|\d",
    re.IGNORECASE,
)
OPENING = re.compile(
    r"^(?:However|Also|Additionally|In addition|Please note that|Note that|For example|Therefore|As a result|Please)"
    r"[,:]? +(?=\w)"
)


def number(text: str, rng: random.Random, others: Others) -> str | None:
    """Change one figure or spelt number to a value that the sentence does not have."""
    places = [m for m in QUANTITY.finditer(text) if not _in_date(text, m)]
    if not places:
        return None
    chosen = rng.choice(places)
    old = chosen.group()
    for _ in range(20):
        new = rng.choice((_digit, _tenfold, _near, _shorter))(old, rng) if old[0].isdigit() else rng.choice(WORDS[2:])
        if (
            new
            and _value(new) != _value(old)
            and not re.search(rf"(?<![\d.,]){re.escape(new)}(?![\d]|[.,]\d)", text, re.IGNORECASE)
            and new != old.lower()
        ):
            return _put(text, chosen, new)
    return None


def _value(figure: str) -> float | str:
    plain = figure.replace(",", "")
    return float(plain) if plain.count(".") < 2 and plain.replace(".", "").isdigit() else figure


def _digit(old: str, rng: random.Random) -> str:
    at = rng.choice([i for i, c in enumerate(old) if c.isdigit()])
    return old[:at] + str((int(old[at]) + rng.randint(1, 9)) % 10 or 1) + old[at + 1 :]


def _tenfold(old: str, rng: random.Random) -> str:
    return old + "0" if "." not in old and "," not in old else ""


def _near(old: str, rng: random.Random) -> str:
    return str(int(old) + rng.choice((-1, 1))) if old.isdigit() and int(old) > 1 else ""


def _shorter(old: str, rng: random.Random) -> str:
    return old[:-1].rstrip(".,") if len(old) > 1 else ""


def numbers_swapped(text: str, rng: random.Random, others: Others) -> str | None:
    return _swap(text, [m for m in QUANTITY.finditer(text) if not _in_date(text, m)], rng)


def number_from_further_on(text: str, rng: random.Random, others: Others) -> str | None:
    """Leave out what stands between two numbers, and the first: "5 days for A, 10 for B" becomes "10 for B"."""
    places = [m for m in QUANTITY.finditer(text) if not _in_date(text, m)]
    pairs = [
        (a, b)
        for a, b in pairwise(places)
        if a.group() != b.group() and len(text[: a.start()].split()) > 2 and len(text[a.end() : b.start()].split()) > 1
    ]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    return text[: a.start()] + text[b.start() :]


def number_repeated(text: str, rng: random.Random, others: Others) -> str | None:
    """Give one number the value of another one of the sentence."""
    places = [m for m in FIGURE.finditer(text) if not _in_date(text, m)]
    if len({m.group() for m in places}) < 2:
        return None
    one = rng.choice(places)
    return _put(text, one, rng.choice([m.group() for m in places if m.group() != one.group()]))


def unit(text: str, rng: random.Random, others: Others) -> str | None:
    """Change the unit or the currency of a number."""
    signs = list(re.finditer(r"[£€$](?=\d)|(?<=\d)%", text))
    units = list(re.finditer(rf"(?<=[\w] )(?:{'|'.join(UNITS)})(?=s?\b)", text))
    places = signs + [m for m in units if QUANTITY.search(text[max(0, m.start() - 12) : m.start()])]
    if not places:
        return None
    chosen = rng.choice(places)
    pool = ["£", "€", "$"] if chosen.group() in "£€$" else [" euros"] if chosen.group() == "%" else UNITS
    return _put(text, chosen, rng.choice([u for u in pool if u not in text] or ["decade"]))


def date(text: str, rng: random.Random, others: Others) -> str | None:
    """Change the day, month, year or weekday of a date."""
    found = [(m, pool(m.group())) for pattern, pool in DATED for m in pattern.finditer(text)]
    if not found:
        return None
    chosen, pool = rng.choice(found)
    return _put(text, chosen, rng.choice([p for p in pool if p not in text]))


def negation_removed(text: str, rng: random.Random, others: Others) -> str | None:
    found = [(m, new) for pattern, new in NEGATED for m in pattern.finditer(text)]
    if not found or "whether" in text or "if not" in text:
        return None
    chosen, new = rng.choice(found)
    return _put(text, chosen, chosen.expand(new))


def negation_added(text: str, rng: random.Random, others: Others) -> str | None:
    places = list(
        re.finditer(r"\b(?:must|should|may|can|will|is|are|was|does|would)\b(?! not\b| only\b| no\b)(?= [a-z])", text)
    )
    if not places or "whether" in text or "?" in text:
        return None
    chosen = rng.choice(places)
    return _put(text, chosen, f"{chosen.group()} not")


def negation_moved(text: str, rng: random.Random, others: Others) -> str | None:
    """Negate another verb than the sentence does: "is not paid and is taxed" becomes "is paid and is not taxed"."""
    found = list(re.finditer(r"\b(?:is|do|are|can|may|was|must|will|does) (not )(?=[a-z]{3})", text))
    if len(found) != 1:
        return None
    start, end = found[0].span(1)
    bare = text[:start] + text[end:]
    places = [
        m for m in re.finditer(r"\b(?:is|are|can|may|must|will|and|or|to) (?=[a-z]{3})", bare) if m.end() != start
    ]
    return _put(bare, chosen := rng.choice(places), chosen.group() + "not ") if places else None


def modality(text: str, rng: random.Random, others: Others) -> str | None:
    """Make a duty a permission or advice, or the other way round."""
    places = list(FORCED.finditer(text))
    if not places:
        return None
    chosen = rng.choice(places)
    return _put(text, chosen, rng.choice(FORCE[chosen.group()]))


def modality_dropped(text: str, rng: random.Random, others: Others) -> str | None:
    """State as a fact what the sentence permits or advises."""
    places = list(re.finditer(r"\b(?:may|might|could|should) (?!not\b|be\b|have\b)(?=[a-z])", text))
    return _put(text, rng.choice(places), "") if places and "?" not in text else None


def hedge_dropped(text: str, rng: random.Random, others: Others) -> str | None:
    """State of all, or always, what the sentence says of most or usually."""
    match = re.search(r"\b(?:usually|often|sometimes|normally|generally|typically|most|some) (?!of\b)(?=[a-z])", text)
    return _put(text, match, "") if match else None


def actor(text: str, rng: random.Random, others: Others) -> str | None:
    """Put another role in the place of one."""
    places = list(ROLE.finditer(text))
    if not places:
        return None
    chosen = rng.choice(places)
    other = rng.choice([r for r in ROLES if r not in text.lower() and r != "child"])
    return _put(text, chosen, other + chosen[1])


def actors_swapped(text: str, rng: random.Random, others: Others) -> str | None:
    return _swap(text, list(ROLE.finditer(text)), rng)


def you_swapped(text: str, rng: random.Random, others: Others) -> str | None:
    """Let the other party do what the reader does: "You tell your employer" becomes "Your employer tells you"."""
    reader = re.search(r"\b[Yy]ou(?= (?:must|should|may|can|will|need|have|tell|pay|give|send))", text)
    other = re.search(rf"\byour (?:{'|'.join(ROLES)})\b", text)
    if not reader or not other or other.start() < reader.start():
        return None
    name = other.group().capitalize() if reader.group() == "You" else other.group()
    return text[: reader.start()] + name + text[reader.end() : other.start()] + "you" + text[other.end() :]


def entity(text: str, rng: random.Random, others: Others) -> str | None:
    """Put a name of another document in the place of one."""
    places = [m for m in NAME.finditer(text) if m.group() not in MONTHS + DAYS]
    if not places:
        return None
    return _put(text, rng.choice(places), rng.choice([n for n in others.names if n.lower() not in text.lower()]))


def entities_swapped(text: str, rng: random.Random, others: Others) -> str | None:
    places = [m for m in NAME.finditer(text) if m.group() not in MONTHS + DAYS]
    return _swap(text, places, rng)


def noun(text: str, rng: random.Random, others: Others) -> str | None:
    """Put a noun of another document in the place of one."""
    places = [m for m in NOUN.finditer(text) if m.group() in others.nouns]
    if not places:
        return None
    return _put(text, rng.choice(places), rng.choice([n for n in others.nouns if n not in text]))


def antonym(text: str, rng: random.Random, others: Others) -> str | None:
    found = [
        (m, pair[1 - i])
        for pair in ANTONYMS
        for i in (0, 1)
        for m in re.finditer(rf"(?<![\w-]){pair[i]}(?![\w-])", text)
    ]
    if not found:
        return None
    return _put(text, *rng.choice(found))


def and_or(text: str, rng: random.Random, others: Others) -> str | None:
    """Make all a choice, or a choice all."""
    places = [m for m in re.finditer(r"\b(?:and|or)\b", text) if "whether" not in text]
    if not places:
        return None
    chosen = rng.choice(places)
    return _put(text, chosen, "or" if chosen.group() == "and" else "and")


def condition_dropped(text: str, rng: random.Random, others: Others) -> str | None:
    match = CONDITION.search(text)
    return text[: match.start()] + text[match.end() :] if match and match.start() > 15 else None


def only_dropped(text: str, rng: random.Random, others: Others) -> str | None:
    match = re.search(r"\b[Oo]nly ", text)
    return _put(text, match, "") if match and "not only" not in text.lower() else None


def alternative_dropped(text: str, rng: random.Random, others: Others) -> str | None:
    """Leave out one of exactly two to choose from: "a passport or a visa" becomes "a passport"."""
    return _half_dropped(text, rng, "or")


def part_dropped(text: str, rng: random.Random, others: Others) -> str | None:
    """Leave out one of exactly two that go together: "employees and contractors" becomes "employees"."""
    return _half_dropped(text, rng, "and")


def _half_dropped(text: str, rng: random.Random, joint: str) -> str | None:
    found = [m for m in PAIR.finditer(text) if f" {joint} " in m.group() and "between" not in text]
    places = [m for m in found if not re.search(r", $", text[: m.start()])]
    if not places:
        return None
    chosen = rng.choice(places)
    cut = re.split(r" (?:and|or) ", chosen.group())
    return _put(text, chosen, rng.choice(cut))


def member_dropped(text: str, rng: random.Random, others: Others) -> str | None:
    """Leave out the first of three or more."""
    match = LIST.search(text)
    return _put(text, match, match.group().split(", ", 1)[1]) if match else None


CORRUPTIONS: Mapping[str, Change] = {
    "number": number, "numbers swapped": numbers_swapped, "number repeated": number_repeated,
    "number from further on": number_from_further_on, "unit": unit, "date": date,
    "negation removed": negation_removed, "negation added": negation_added, "negation moved": negation_moved,
    "modality": modality, "modality dropped": modality_dropped, "hedge dropped": hedge_dropped,
    "actor": actor, "actors swapped": actors_swapped, "reader and actor swapped": you_swapped,
    "entity": entity, "entities swapped": entities_swapped, "noun": noun, "antonym": antonym, "and/or": and_or,
    "condition dropped": condition_dropped, "only dropped": only_dropped,
    "one of two dropped (or)": alternative_dropped, "one of two dropped (and)": part_dropped,
    "list member dropped": member_dropped,
}  # fmt: skip
BARS: Mapping[str, float] = dict.fromkeys(
    ("number", "numbers swapped", "number repeated", "date", "negation removed", "negation added"), 0.99
)


def layout(text: str, rng: random.Random, others: Others) -> str | None:
    """Change capitals, white space and the last full stop."""
    return "  ".join(text.rstrip(".").lower().split(" "))


def number_format(text: str, rng: random.Random, others: Others) -> str | None:
    """Write `five` for 5 and 5 for `five`, `1,250 pounds` for £1,250.00, `9 percent` for 9%."""
    new = re.sub(r"£(\d[\d,]*)(?:\.00)?(?![\d.,]*\d| ?(?:million|billion|thousand))", r"\1 pounds", text)
    new = re.sub(r"\$(\d[\d,]*)(?:\.00)?(?![\d.,]*\d| ?(?:million|billion|thousand))", r"\1 dollars", new)
    new = re.sub(r"(?<=\d)%", " percent", new)
    if new == text:
        new = SPELT.sub(lambda m: str(WORDS.index(m.group().lower())), text)
    if new == text:
        new = re.sub(
            r"(?<![\w.,:£$€/-])\d{1,2}(?= (?:days|weeks|months|years|hours|minutes)\b)",
            lambda m: WORDS[int(m.group())] if 2 <= int(m.group()) <= 20 else m.group(),
            text,
        )
    return new if new != text else None


def date_format(text: str, rng: random.Random, others: Others) -> str | None:
    """Write `March 31, 2024` for `31 March 2024`, and the other way round."""
    new = re.sub(
        rf"\b(\d{{1,2}})(?:st|nd|rd|th)? ({MONTH})(?: (\d{{4}}))?\b",
        lambda m: f"{m[2]} {m[1]}" + (f", {m[3]}" if m[3] else ""),
        text,
    )
    if new == text:
        new = re.sub(
            rf"\b({MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?:, (\d{{4}}))?\b",
            lambda m: f"{m[2]} {m[1]}" + (f" {m[3]}" if m[3] else ""),
            text,
        )
    return new if new != text else None


def contraction(text: str, rng: random.Random, others: Others) -> str | None:
    """Write `don't` for `do not` and the other way round."""
    new = re.sub(r"\b([Dd]o|[Dd]oes|[Ii]s|[Aa]re|[Ss]hould|[Ww]as|[Ww]ere) not\b", r"\1n't", text)
    new = re.sub(r"\b([Cc]an)not\b", r"\1't", new)
    if new == text:
        new = re.sub(r"\b([Dd]o|[Dd]oes|[Ii]s|[Aa]re|[Ss]hould|[Ww]as|[Ww]ere)n['’]t\b", r"\1 not", text)
        new = re.sub(r"\b([Cc]an)['’]t\b", r"\1not", new)
        new = re.sub(r"\b([Ww])on['’]t\b", r"\1ill not", new)
        new = re.sub(r"\b([Yy]ou|[Ww]e|[Tt]hey)['’]re\b", r"\1 are", new)
        new = re.sub(r"\b([Yy]ou|[Ww]e|[Tt]hey)['’]ll\b", r"\1 will", new)
    return new if new != text else None


def same_force(text: str, rng: random.Random, others: Others) -> str | None:
    """Write `can` for `may`, `must` for `shall`, and `may` for `can`."""
    pairs = {"may": "can", "can": "may", "shall": "must"}
    new = re.sub(r"\b(?:may|can|shall)\b(?! not\b|['’])", lambda m: pairs[m.group()], text)
    return new if new != text else None


def trimmed(text: str, rng: random.Random, others: Others) -> str | None:
    """Leave out an opening word, or a relative clause or a bracket without a number, a limit, a modal or a negation."""
    if OPENING.match(text):
        return OPENING.sub("", text)
    for match in re.finditer(r"(?:,? \((?:e\.g\.,? )?[^()]*\)|, (?:which|who) [^,;:()]*,?)(?=[ .])", text):
        if not WEIGHTY.search(match.group()) and not NAME.search(match.group()) and not ROLE.search(match.group()):
            return text[: match.start()] + text[match.end() :]
    return None


def answered(text: str, rng: random.Random, others: Others) -> str | None:
    """Put "Yes" before it, as an answer to a question begins."""
    return f"Yes, {text[0].lower()}{text[1:]}" if re.match(r"[A-Z][a-z]+ [^?]*\.$", text) else None


FAITHFUL: Mapping[str, Change] = {
    "layout": layout, "number format": number_format, "date format": date_format, "contraction": contraction,
    "same force": same_force, "trimmed": trimmed, "answered": answered,
}  # fmt: skip


def _put(text: str, match: re.Match[str], new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def _said(match: re.Match[str]) -> str:
    """Fold a number word into its figure, and a plural into its singular."""
    word = match.group().lower()
    return str(WORDS.index(word)) if word in WORDS else word.rstrip("s")


def _swap(text: str, places: list[re.Match[str]], rng: random.Random) -> str | None:
    """Let two different places of a sentence change their texts."""
    # Two that are only joined, "A and B", have the same part; so have "provider" and "providers".
    pairs = [
        (a, b)
        for i, a in enumerate(places)
        for b in places[i + 1 :]
        if _said(a) != _said(b) and not JOINT.fullmatch(text[a.end() : b.start()])
    ]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    return text[: a.start()] + b.group() + text[a.end() : b.start()] + a.group() + text[b.end() :]


def _in_date(text: str, match: re.Match[str]) -> bool:
    around = text[max(0, match.start() - 16) : match.end() + 14]
    return bool(re.search(MONTH, around)) or bool(re.fullmatch(r"(?:19|20)\d\d", match.group()))
