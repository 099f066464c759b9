"""Words: which count, how names and terms are folded for look-up."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

WORD = re.compile(r"[^\W_]+(?:[-'’.&/][^\W_]+)*")
VERBS = frozenset("am is are was were do does did has have can could may must should will would".split())
STOP_WORDS = frozenset(
    """a about after all am an and any are as at be been before being but by can could did do does doing for from
    get had has have he her hers him his how i if in into is it its itself just may me mean means might must
    my no not of on or our ours please shall she should so some tell than that the their them then there
    these they this those to up us was we were what whats when where which who whom whose why will with
    would you your yours""".split()
)


def normalise_term(name: str) -> str:
    """Fold a term's name for look-up: case, punctuation and inner white space do not count."""
    return " ".join(re.findall(r"[^\W_]+(?:[&+#/.'-][^\W_]+)*", name.casefold()))


def title_of(source: str) -> str:
    """Make a readable title of a file name, for documents that have none."""
    return Path(source).stem.replace("-", " ").replace("_", " ").strip() or source


def shown_title(title: str, source: str) -> str:
    """Return a document's title: where it has none, or a status in brackets alone, its file's name stands for it."""
    return title if title and (title[0], title[-1]) != ("[", "]") else f"{title_of(source)} {title}".strip()


@lru_cache(maxsize=2**16)  # a document says the same words over and over
def stem(word: str) -> str:
    """Strip the common English endings, enough to match a word with its plural or participle."""
    word = word.casefold().replace("’", "'").removesuffix("'s")
    for ending, least in (("ies", 3), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3), ("e", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            return word.removesuffix(ending) + ("y" if ending == "ies" else "")
    return word


def content(text: str) -> set[str]:
    """Return the stems of a text's words that are not stop words."""
    words = (match.group().casefold() for match in WORD.finditer(text))
    return {stem(word) for word in words if word not in STOP_WORDS}
