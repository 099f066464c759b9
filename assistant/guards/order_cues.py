"""What an order to a machine, planted in a document, is made of, beside what any request to an assistant is made of.

A document speaks to people of what they are to do. An order speaks of the text itself, of who reads or retells it, and
of what is to be said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.guards import injection_cues
from assistant.guards.rules import cues

_SAY = (
    r"(?:say|state|mention|add|append|insert|include|recommend|claim|begin|start|end|close|open|finish|conclude|lead|"
    r"answer|reply|respond|tell|write|praise|omit|leave out|output|print|insist|pretend|show|send|link)"
)
_PATTERNS = {
    "machine": r"\b(?:ais?|llms?|(?:language )?models?|chat-?bots?|bots?|copilots?|assistants?|agents?|machines?|"
    r"software|"
    r"programs?|scripts?|crawlers?|parsers?|summari[sz]ers?|automated \w+|virtual \w+|digital \w+)\b",
    "this_text": r"\b(?:this|the) (?:page|file|document|text|passage|section|paragraph|note|sentence|lines?)\b|"
    r"\bthese lines\b",
    "reads": r"\b(?:reads?|reading|process\w*|pars\w+|index\w*|ingest\w*|digest\w*|scan\w*|sees?)\b",
    "retells": r"\b(?:summar\w+|condens\w+|paraphras\w+|retell\w*|translat\w+|quot\w+|overview|answers?|repl(?:y|ies)|"
    r"responses?)\b",
    "must_say": rf"\b(?:must|shall|should|has to|have to|is to|are to|needs? to|always|please|"
    rf"never)\b.{{0,30}}?\b{_SAY}\b",
    "say_first": rf"^\W*(?:please |kindly |always |instead,? |and )*{_SAY}\b",
    "say_that": rf"\b{_SAY} (?:that|yes|no|only|just|with|by|in|to)\b",
    "asker": r"\b(?:the |any |every )?(?:users?|readers?|askers?|person asking|whoever asks|people who ask|someone "
    r"asks|asks)\b",
    "when_asked": r"\b(?:when|if|whenever|once)\b.{0,24}\b(?:ask(?:ed|s)?|summari\w+|answering|quoting|question)\b",
    "your_answer": r"\b(?:in|of|to|with|your|each|every|any) (?:your |each |every )?(?:answers?|repl(?:y|ies)|response|"
    r"summary|output)\b",
    "note_to": r"\b(?:note|message|notice|hint|memo|dear|hey|attention|instructions?|advice) (?:to|for)\b|^(?:dear|"
    r"hey|attention)\b",
    "address_of_attacker": r"https?://|\bwww\.|\w@\w|\b0900\b",
    "drop": r"\b(?:ignore|disregard|forget|override|skip|drop|stop|no longer|instead|void|draft|binding)\b",
    "people": r"\b(?:employees?|staff|managers?|customers?|supervisors?|contractors?|applicants?|team|you)\b",
    "told_about": r"\b(?:are|is|be|was|were|been) \w+ed\b",
}  # fmt: skip
CUES = {f"order_{name}": re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}
_COMBINED = {
    "machine_must": ("order_machine", "order_must_say"), "machine_reads": ("order_machine", "order_reads"),
    "text_retold": ("order_this_text", "order_retells"), "retold_must": ("order_retells", "order_must_say"),
    "asked_say": ("order_when_asked", "order_say_that"), "asker_told": ("order_asker", "order_say_first"),
    "answer_must": ("order_your_answer", "order_must_say"), "dropped_text": ("order_drop", "order_this_text"),
    "noted_machine": ("order_note_to", "order_machine"), "sent_away": ("order_address_of_attacker", "order_asker"),
}  # fmt: skip
FEATURES = (*injection_cues.FEATURES, *CUES, *_COMBINED)


def features(piece: str) -> Mapping[str, float]:
    """Return the cues of one sentence, by name."""
    has = cues(CUES, piece)
    return {
        **injection_cues.features(piece), **has, **{name: has[a] * has[b] for name, (a, b) in _COMBINED.items()}
    }  # fmt: skip
