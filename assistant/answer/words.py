"""A generator's reply -> sentences that may be shown, each checked against what it names, with its quotes and keys.

A sentence is left out if it names no passage that was given, or a figure or name that stands in nothing that was
given. The rest is shown above the quotes that carry it, with what is known of it (`Sentence.check`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import shorten

from assistant.answer.brief import Brief
from assistant.answer.carry import carrying
from assistant.answer.disclosure import permitted
from assistant.answer.evidence import covers, quote_text
from assistant.answer.proof.agreement import Disagreement, Stated, disagreement
from assistant.answer.proof.citations import cite, is_its_quote, moved_keys
from assistant.answer.question import Tell, tell_nobody
from assistant.answer.read import evidence_in
from assistant.core.records import Action, Check, Citation, Evidence, Hit, Sentence, Verdict
from assistant.guards.run import Guards, redacted
from assistant.text.canonical import ITEM, last_heading, printable, sentences, trim
from assistant.text.prompts import KEYS, NOT_FOUND

GROWN = 40  # characters of a reply after which it is looked at again
MOST_SENTENCES = 20  # of an answer
MAX_SENTENCE, MAX_REASON = 1_500, 180  # characters
OPENER = re.compile(r"(?:yes|no|maybe|it depends|not (?:quite|necessarily|always))[.!]", re.IGNORECASE)
SUPPORT = "words"  # the guard that checks them
LEFT_OUT = "a sentence was left out: "
# Markdown and HTML that would load, link or format; a link's text stays.
IMAGE = re.compile(r"!\[[^\[\]]*\]\([^)]*\)?|<[a-zA-Z/!][^<>]*>?")
LINK = re.compile(r"\[((?!\d{1,3}\])[^\[\]]{1,300})\]\([^()]{0,2000}\)")
KEY_LINK = re.compile(r"(\[\d{1,3}\])\([^()]{0,2000}\)")
# Signs of a source that no answer has, where no key is.
FOREIGN_KEY = re.compile(r"[\[\]{}【】［］⟦⟧〔〕†‡※^⁰¹²³⁴-⁹⁽⁾₀-₉①-⓿❶-➓]")
HALF_KEY = re.compile(r"\[[^\[\]\n]*$")
MARKS = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]*)|\*\*|__|`+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence as it was written, with the keys of the sources that it names; an item of a list has its mark."""

    text: str
    keys: tuple[int, ...]
    mark: str = ""


def drafts(reply: str) -> list[Draft]:
    """Split a reply into sentences and items; keys behind a full stop belong to the sentence before them."""
    found: list[Draft] = []
    for line in moved_keys(_plain(reply)).splitlines():
        mark = ITEM.match(line)
        begins = mark.end() if mark else 0
        for start, end in sentences(line, *trim(line, begins, len(line))):
            keys = [key for match in KEYS.finditer(line, start, end) for key in _keys(match[1])]
            text = re.sub(r" +([.,;:!?])", r"\1", " ".join(KEYS.sub(" ", line[start:end]).split()))
            if any(map(str.isalnum, text)):
                own = mark.group().strip() + " " if mark and start == begins else ""
                found.append(Draft(text, tuple(dict.fromkeys(keys)), own))
    return found


def _plain(reply: str) -> str:
    """Return what Markdown and HTML say, without what they would load, link or format."""
    text = "\n".join(printable(line) for line in reply.splitlines())
    return MARKS.sub("", LINK.sub(r"\1", KEY_LINK.sub(r"\1", IMAGE.sub("", text))))


def _keys(named: str) -> Iterator[int]:
    """Yield the keys of "1", "1, 3" and "1-3"."""
    for part in re.split(r"[\s,;]+", named.strip()):
        first, _, last = re.sub(r"[–]", "-", part).partition("-")
        if first.isdigit():
            yield from range(int(first), min(int(last or first), int(first) + MOST_SENTENCES) + 1)


class Words:
    """Reads a reply as it grows, and keeps what may be shown of it: sentences, citations, and what was left out."""

    def __init__(self, brief: Brief, guards: Guards, tell: Tell = tell_nobody) -> None:
        """`tell` is given each sentence as soon as it is checked."""
        self._brief = brief
        self._guards = guards
        self._tell = tell
        self._texts = [f"{source.place}\n{source.text}" for source in brief.sources]
        self._shown = Stated.of([*self._texts, *brief.asked])
        self._read = self._seen = 0
        self._opening = ""  # a lead-in or "No.", which is said with what follows
        self.sentences: list[Sentence] = []
        self.written: list[Sentence] = []  # the same, with the keys of the sources that they name
        self.evidence: list[Evidence] = []
        self.verdicts: list[Verdict] = []

    @property
    def left_out(self) -> int:
        """How many sentences may not be shown."""
        return sum(verdict.reason.startswith(LEFT_OUT) for verdict in self.verdicts)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The quotes, by their keys."""
        return tuple(cite(key, evidence) for key, evidence in enumerate(self.evidence, 1))

    def hear(self, reply: str) -> None:
        """Check the whole sentences of a reply so far: the last one may go on, and its key may be half there."""
        if len(reply) - self._read >= GROWN:
            self._read = len(reply)
            self._check(drafts(HALF_KEY.sub("", reply))[:-1])

    def end(self, reply: str) -> None:
        """Check what is left of the whole reply."""
        self._check(drafts(reply))

    def is_not_found(self, reply: str) -> bool:
        """Tell whether a reply says that the passages do not answer."""
        said = _plain(reply).strip().strip('."')
        return not said or said.startswith(NOT_FOUND) or (NOT_FOUND in said and not KEYS.search(said))

    def keep(self, kept: Sequence[bool]) -> None:
        """Leave out the sentences that the generator took back, and the quotes that carried these alone."""
        taken_back = [one for one, stays in zip(self.sentences, kept, strict=True) if not stays]
        self.verdicts += [_left_out(f"the model takes back {one.text!r}") for one in taken_back]
        stay = [one for one, stays in zip(self.sentences, kept, strict=True) if stays]
        keys = sorted({key for one in stay for key in one.keys})
        self.evidence = [self.evidence[key - 1] for key in keys]
        anew = {key: number for number, key in enumerate(keys, 1)}
        self.sentences = [replace(one, keys=tuple(anew[key] for key in one.keys)) for one in stay]
        self.written = [one for one, stays in zip(self.written, kept, strict=True) if stays]

    def _check(self, found: Sequence[Draft]) -> None:
        for draft in found[self._seen : MOST_SENTENCES]:
            self._seen += 1
            opens = not draft.keys and (draft.text.endswith(":") or OPENER.fullmatch(draft.text))
            if opens:
                self._opening = f"{draft.mark}{draft.text}"
                continue
            if not draft.mark and not self._opening.endswith((".", "!")):
                self._opening = ""  # of a list that has ended
            if sentence := self._sentence(draft):
                self.sentences.append(sentence)
                self.written.append(replace(sentence, keys=draft.keys))
                self._tell(sentence)
            if sentence or not draft.mark:
                self._opening = ""

    def _sentence(self, draft: Draft) -> Sentence | None:
        """Return a sentence that may be shown; None, with a verdict, where that is not so."""
        if fault := self._unnamed(draft):
            return self._refused(draft, fault)
        hits = [self._brief.sources[key - 1].hit for key in draft.keys]
        texts = [self._texts[key - 1] for key in draft.keys]
        said = f"{self._opening} {draft.text}" if self._opening else draft.text
        if foreign := set(FOREIGN_KEY.findall(said)).difference(*texts):
            return self._refused(draft, f"it has {min(foreign)!r}, as if it named a source")
        found = disagreement(said, Stated.of([*texts, *self._brief.asked[:3]]), self._shown)
        if found.invented:
            return self._refused(draft, f"{found.invented[0]!r} stands in nothing that the model was given")
        if not found.carried:
            return self._refused(draft, "few of its words stand in the passages that it names")
        text = f"{self._opening}{chr(10) if draft.mark else ' '}" if self._opening else ""
        screened = self._guards.output(f"{text}{draft.mark}{draft.text}", texts)
        evidence, withheld = permitted(carrying(draft.text, hits), self._guards)
        self.verdicts += (*screened.verdicts, *withheld)
        if screened.refusal or not evidence:
            return self._refused(draft, "no quote may be shown for it")
        check = check_of(draft.text, found, hits)
        if check == "unchecked":
            self.verdicts.append(_verdict("allow", f"{found.elsewhere[0]!r} stands elsewhere: {draft.text!r}"))
        keys = dict.fromkeys(map(self._cited, evidence))
        return Sentence(screened.text, tuple(sorted(keys)), check)

    def _unnamed(self, draft: Draft) -> str:
        """Say what is wrong with what a sentence names, "" where it names sources that were given."""
        if unknown := [key for key in draft.keys if not 1 <= key <= len(self._texts)]:
            return f"it names source [{unknown[0]}], which was not given"
        return ("" if draft.keys else "it names no passage") if len(draft.text) <= MAX_SENTENCE else "it does not end"

    def _cited(self, evidence: Evidence) -> int:
        """Return the key of the quote of evidence, which another sentence may have had before."""
        for key, known in enumerate(self.evidence, 1):
            if covers(known, evidence):
                return key
        self.evidence.append(evidence)
        return len(self.evidence)

    def _refused(self, draft: Draft, why: str) -> Sentence | None:
        self.verdicts.append(_left_out(f"{why}: {draft.text!r}"))
        return None


def check_of(text: str, found: Disagreement, hits: Sequence[Hit]) -> Check:
    """Say what is known of a sentence that agrees with the passages that it names as far as was found."""
    if found.invented or found.elsewhere:
        return "unchecked"
    quoted = (
        is_its_quote(text, quote_text(part), last_heading(hit.title, hit.passage.headings))
        for hit in hits
        for part in evidence_in(hit)
    )
    return "quote" if any(quoted) else "agrees"


def _left_out(why: str) -> Verdict:
    return _verdict("redact", f"{LEFT_OUT}{why}")


def _verdict(action: Action, reason: str) -> Verdict:
    """Return a verdict that holds no secret of a sentence which is not shown; masked before it is cut."""
    told = shorten(redacted(reason), MAX_REASON, placeholder=" …")
    return Verdict(SUPPORT, "output", action, told, 0.0)
