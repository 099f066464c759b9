"""What a request to the assistant about itself is made of, and what a question about a policy is made of: weak cues.

A policy assistant is asked what a document says. Who asks it about its instructions or secrets, gives it a role, a turn
of its own to finish, or a way to write that hides what it says, asks no policy. A linear model weighs the cues.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.guards.languages import kept_words
from assistant.guards.rules import cues

LONG = 40  # words
MANY = 100
FEW = 9

_SECRET = (
    r"(?:pas{1,3} ?-?(?:w(?:or|ro|o|r)ds?|phrases?|codes?|keys?)|secrets?|"
    r"(?:api|secret|hidden|private|access) (?:keys?|codes?|words?|tokens?)|code ?words?|credentials|pwd|pin|"
    r"what you (?:hide|know)|"
    r"contrasena|clave|passwort|kennwort|geheim\w*|schlussel|mot de passe|mot secret|senha|chave|wachtwoord|geheime|"
    r"hasl[oł]|sifre|losenord\w*|adgangskode|salasana\w*|jelszo|parola|lozinka|heslo|mat khau|kata sandi)"
)
_YOUR = (
    r"(?:instructions?|prompts?|rules|guidelines|directives|orders|programming|training|configuration|setup|memory|"
    r"context|"
    r"creators?|developers?|makers?|restrictions?|filters?|limits|polic(?:y|ies)|secrets?|passwords?|system)"
)
_SAY = (
    r"(?:tell|give|reveal|show|print|disclose|say|display|output|repeat|write|spell|list|leak|share|state|recite|echo|"
    r"dump|return|translate|encode|decode|convert|describe|summari[sz]e|quote|paste|copy|sing|confess|guess)"
)
_PATTERNS = {
    "ai": r"\b(?:ai|a\.i\.|chat-?gpt|gpt-?\d?|openai|llm|language model|chat-?bot|assistant|dan|bot|robot|machine)\b",
    "told": r"\b(?:prompt|instructions?|directives?|guidelines|programm(?:ed|ing)|developer|system)\b",
    "you_were_told": r"\byou(?:'ve| (?:have|had|were|are|was))? (?:been )?(?:told|given|instructed|ordered|programmed|"
    r"trained|asked|forbidden|supposed|designed|guarding|hiding|keeping|keep|hide|not allowed|allowed|free|now)\b",
    "imperative": r"(?:^|[.!?\n:,;] ?)(?:please |now |just |then |and )*(?:ignore|disregard|forget|repeat|print|output|"
    r"reveal|pretend|act|write|respond|reply|answer|say|translate|encode|display|show|tell|start|begin|enter|stop|do|"
    r"don't|remember|play|give|imagine|suppose|complete|continue|finish|decode|spell|confirm|execute|run|simulate)\b",
    "say_first": rf"^\W*(?:please |now |just )*{_SAY}\b",
    "say_it": rf"\b{_SAY} (?:it|me|us|the|your|what|that|all|everything)\b",
    "you_will": r"\byou (?:will|must|are(?: now)?|should|can|have to|shall|never|always|do not|don't|cannot|may|"
    r"would)\b",
    "your": rf"\byour (?:\w+ ){{0,2}}?{_YOUR}\b",
    "yourself": r"\b(?:yourself|your own|are you|do you|did you|were you|have you)\b",
    "above": r"\b(?:the above|(?:text|words?|everything|all|lines?|messages?|sentences?|prompts?|instructions?|rules?|"
    r"is|stored) "
    r"(?:\w+ )?above|above (?:this|text|message)|before (?:this|that|mine|my)|preceding|so far|first message|earlier "
    r"text|previous text|"
    r"this (?:chat|conversation|line|message))\b",
    "free": r"\b(?:unrestricted|unfiltered|uncensored|amoral|immoral|illegal|unethical|jailbreak\w*|no (?:rules|limits|"
    r"restrictions|filters?|secrets?|bans?)|any(?:thing)? (?:request|question)|bypass\w*|without (?:any )?(?:rules|"
    r"restrictions|limits|filters?))\b",
    "character": r"\b(?:role-?play\w*|character|persona|pretend|simulat\w+|act(?:ing)? as|act like|become|emulate)\b",
    "unreal": r"\b(?:hypothetical\w*|fictional|imagin\w+|suppos\w+|in theory|theoretical\w*|parallel|dream|world|if i "
    r"were|what if|let'?s (?:say|play|pretend)|as if|as though)\b",
    "tale": r"\b(?:story|poem|song|novel|tale|scene|dialogue|play|game|film|script|haiku|limerick|joke|essay|lullaby|"
    r"rhyme|riddle|hangman|once upon)\b",
    "secret": rf"\b{_SECRET}\b",
    "bare_secret": rf"\b(?:the|your|a|that|this) (?:\w+ )?{_SECRET}(?! (?:polic|rule|require|manage|reset|length|for|"
    rf"of|"
    r"must|may|should|expire|has|was|is|box|safe|santa))\b",
    "own_secret": rf"\b(?:my|our|their|his|her|his|a colleague'?s|client'?s|guest|shared|default|new|old|admin|root|"
    rf"wi-?fi) {_SECRET}\b|\b{_SECRET} (?:polic\w+|rules?|require\w+|manage\w+|reset|length|box)\b",
    "way_of_writing": r"\b(?:base ?64|base ?32|rot ?13|hex\w*|morse|cipher|caesar|leet\w*|emojis?|reversed?|backwards|"
    r"letter by letter|(?:first|each|every|next) (?:letter|word|line|character)|acrostic|spell\w*|ascii|binary|"
    r"pig latin|alphabet|vowels?|encod\w+|decod\w+|obfuscat\w+|scramble\w*|characters?|syllables?)\b",
    "format": r"\b(?:json|yaml|csv|xml|html|markdown|latex|code block|code|python|javascript|sql|bash|function|def|"
    r"print|echo|eval|template|variable|string)\b",
    "translate": r"\b(?:translat\w+|in|to|into) (?:english|french|spanish|german|italian|latin|klingon|chinese|"
    r"dutch)\b",
    "sums": r"(?:\b\w{1,10} ?[:=]+ ?[\"'“]|\b\w{1,8} ?\+ ?\w{1,8}\b|[\"'”] ?\+)",
    "splits": r"\b(?:concatenat\w*|combin\w+|join|append|put) (?:\w+ ){0,2}?(?:them|both|together|\"|the (?:parts|"
    r"pieces|"
    r"strings|letters))|\b(?:piece|part|half|step|string|word|letter)s? (?:one|two|three|[1-4]|a and b)\b",
    "quoted": r"[\"'“][^\"'“”\n]{2,60}[\"'”]",
    "brackets": r"[\[{<][A-Za-z _-]{2,30}[\]}>]",
    "rank": r"\b(?:i am|i'm|this is|speaking as|in my role as|as) (?:your|the|an?|from the) (?:\w+ )?(?:admin\w*|"
    r"developer|creator|owner|ceo|engineer|root|superuser|operator|auditor|system|police|security|programmer|god)\b",
    "mode": r"\b(?:\w+ mode|sudo|root|override|debug|maintenance|diagnostics?|self-test|kernel|unlock|activate|"
    r"enable[ds]?|disable[ds]?|access level|granted|verified)\b",
    "kept_foreign": rf"(?:{kept_words()})",
    "press": r"\b(?:beg|trust me|promise\w*|reward|tip|dollars|hurt|die[ds]?|dying|emergency|refuse|refusal|"
    r"apologi[sz]e|"
    r"obey|comply|permission|grandm\w+|deceased|late)\b",
    "question": r"^(?:who|what|when|where|why|how|which|can|could|do|does|is|are|am|will|would|should|may|must|if)\b",
    "employee": r"\b(?:i|i'm|i've|i'd|my|we|our|us)\b",
    "policy": r"\b(?:polic(?:y|ies)|employee|leave|benefits?|manager|claim|apply|entitled|payment|website|data|privacy|"
    r"personal information|third parties|company|staff|work|paid|pay|days?|hours?|form|approv\w+|allowed|contract|"
    r"report|customers?|clients?|visitors?|travel|sick|shift|boss|team|office|training)\b",
    "left_open": r"(?:[:=]|\.\.\.|->|[\"“]|\b(?:is|was|are|that|the))\s*$",
    "foreign_words": r"\b(?:el|los|una|que|por|para|dime|tus|der|das|ist|nicht|und|dein|mir|dich|le|les|une|est|dis|"
    r"moi|ton|tes|il|che|della|sono|qual|seu|sua|het|een|jouw|jest|mi|bir|nedir|vad|mig|ar|jag)\b",
}  # fmt: skip
CUES = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}
_TURN = re.compile(
    r"(?:^|\n|[.!?] )\W{0,3}(?:user|human|assistant|ai|bot|system|model|me|you|q|a|input|output|question|answer|"
    r"example \d|turn \d|step \d|piece \d)\W{0,3}:", re.IGNORECASE,
)  # fmt: skip
_WORD = re.compile(r"\w+")
_OTHER_SCRIPT = re.compile("[^\x00-\u024f\u2000-\u2bff\U0001f000-\U0001faff]")
_COMBINED = {
    "asks_secret": ("secret", "say_it"), "your_secret": ("bare_secret", "your"), "unreal_secret": ("unreal", "secret"),
    "tale_secret": ("tale", "bare_secret"), "written_secret": ("way_of_writing", "secret"), "rank_secret": ("rank",
                    "secret"),
    "told_say": ("told", "say_it"), "your_say": ("your", "say_it"), "character_ai": ("character", "ai"),
    "mode_say": ("mode", "say_it"), "press_say": ("press", "say_it"), "above_say": ("above", "say_it"),
    "open_secret": ("left_open", "secret"), "format_secret": ("format", "secret"), "foreign_secret": ("foreign_words",
                    "secret"),
}  # fmt: skip
FEATURES = (
    *CUES, *_COMBINED, "turns", "repeats", "other_script", "long", "many", "few", "policy_question", "policy_secret",
)  # fmt: skip


def features(piece: str) -> Mapping[str, float]:
    """Return the cues of one piece, by name."""
    has = cues(CUES, piece)
    words = _WORD.findall(piece.lower())
    return {
        **has,
        **{name: has[a] * has[b] for name, (a, b) in _COMBINED.items()},
        "turns": float(len(_TURN.findall(piece)) > 1),
        "repeats": float(len(words) > 7 and len(set(words)) < len(words) / 2),
        "other_script": float(len(_OTHER_SCRIPT.findall(piece)) > 2),
        "long": float(len(words) > LONG),
        "many": float(len(words) > MANY),
        "few": float(len(words) < FEW),
        "policy_question": has["question"] * has["policy"],
        "policy_secret": max(has["own_secret"], has["policy"] * has["employee"]) * has["secret"],
    }
