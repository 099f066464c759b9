"""The words that make a sentence's facts: who, must or may, not, at most, and what is counted in.

Words are stems (`text/words.py`); a phrase is written in one way, by which it is compared.
"""

from __future__ import annotations

from collections.abc import Mapping

from assistant.text.facts import MONTH
from assistant.text.words import stem
from ingest.impact.records import FactKind


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


def _phrases(kinds: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Return what each of the phrases, which semicolons part, is written as."""
    return {tuple(told.split()): name for name, phrases in kinds.items() for told in phrases.split(";")}


MONTHS = frozenset(MONTH.split("|"))
DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
TIMES = _stems("second minute hour day night weekend week fortnight month quarter semester year decade")
UNITS = TIMES | _stems(
    """pound euro dollar pence penny cent gbp eur usd percent km kilometre kilometer mile metre cm mm kg
    kilogram gram tonne litre liter gb mb tb kb kwh"""
)
MEASURES = _stems("working business calendar consecutive full half net gross complete clear")  # before a unit
PER = {
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "annually": "year",
}
EVERY = frozenset("a an per each every".split())  # before a unit: how often

# Who may or must. What else is a person, a body or a place is known by its capital letter.
PEOPLE = _stems(
    """employee worker staff colleague manager director officer head lead leader team board committee council
    department contractor freelancer supplier vendor customer client visitor guest host owner sponsor partner spouse
    parent child dependant relative applicant candidate recruiter interviewer buyer requester approver reviewer
    auditor counsel secretary chair chairman chairperson president executive administrator coordinator assistant
    adviser advisor consultant engineer technician doctor nurse trainee apprentice intern student volunteer trustee
    member representative delegate agent agency regulator authority court police company organisation organization
    employer union panel landlord tenant lessor lessee licensor licensee lender borrower citizen resident patient
    pupil teacher driver user cardholder holder trainer mentor mentee payer payee guarantor donor donee interviewee
    nominee transferor transferee reporter investigator companion witness beneficiary everybody everyone anybody
    anyone somebody someone person people"""
)

OBLIGATIONS = _phrases(
    {
        "must": """must;shall;has to;have to;had to;needs to;need to;is required to;are required to;is obliged to;
            are obliged to""",
        "must not": """must not;shall not;may not;cannot;can not;is not allowed to;
            are not allowed to;is not permitted to;are not permitted to;is forbidden to;are forbidden to;
            is prohibited from;are prohibited from""",
        "may": """may;can;could;might;is allowed to;are allowed to;is permitted to;are permitted to;is entitled to;
            are entitled to""",
        "should": "should;ought to;is expected to;are expected to",
        "should not": "should not;ought not to",
        "need not": """need not;do not have to;does not have to;do not need to;does not need to;is not required
            to;are not required to""",
        "required": "required;mandatory;compulsory;obligatory",
        "optional": "optional;voluntary;optionally;voluntarily",
        "allowed": "allowed;permitted;allow;allows;permits;permit",
        "forbidden": "forbidden;prohibited;banned;not allowed;not permitted;disallowed",
    }
)
NEGATIONS = _phrases(
    {
        "not": """not;no;do not;does not;did not;will not;would not;has not;have not;non""",
        "never": "never;at no time",
        "none": "none;nothing;neither;nor",
        "nobody": "nobody;no one;no-one",
        "without": "without",
        "yes": "yes",
    }
)
LIMITS = _phrases(
    {
        "at least": "at least;no less than;not less than;no fewer than;not fewer than;minimum;a minimum of;or more",
        "at most": """at most;no more than;not more than;up to;maximum;a maximum of;no longer than;not longer than;
            not exceeding;or less;or fewer""",
        "above": "above;more than;exceeding;exceeds;exceed;in excess of;longer than;greater than",
        "below": "below;less than;fewer than;shorter than",
        "only": "only;solely;exclusively",
        "except": "except;except for;apart from;other than;excluding;with the exception of",
        "unless": "unless",
        "before": "before;prior to;ahead of",
        "after": "after",
        "until": "until;till",
        "every": "all;every;each",
        "any": "any",
        "some": "some;most;few;several",
        "both": "both",
        "either": "either",
        "always": "always",
    }
)
PHRASES: dict[tuple[str, ...], tuple[FactKind, str]] = {
    **{words: ("obligation", name) for words, name in OBLIGATIONS.items()},
    **{words: ("negation", name) for words, name in NEGATIONS.items()},
    **{words: ("limit", name) for words, name in LIMITS.items()},
}
COMPARING = {"over": "above", "under": "below"}  # before a number alone
LONGEST = max(map(len, PHRASES))

# What takes another word back: "unpaid" for "paid", and words of a group's one side for those of its other.
NEGATING = ("un", "in", "im", "il", "ir", "non", "dis", "mis")
CONTRARY = tuple(
    tuple(map(_stems, sides.split("/")))
    for sides in """include/exclude;internal inside/external outside;increase raise add/decrease reduce lower cut
    ;accept approve grant agree/refuse reject decline deny withhold;with/without;first earliest/last latest;open/close
    ;public/private confidential restricted internal;temporary/permanent;gross/net;part/full whole;lose lost/keep kept
    ;pay pays/receive receives;paid/free;buy/sell;begin start/end stop finish;give/take;more/less;high higher/low lower
    ;early earlier/late later;above/below;valid/void invalid;safe/dangerous;true/false""".split(";")
)
DETERMINERS = frozenset(
    "a an the your our their his her its my this that each every any all no some by of for with from and or".split()
)
REFERS = _stems(
    "section clause article chapter paragraph annex appendix part page table figure"
)  # to a place by number
