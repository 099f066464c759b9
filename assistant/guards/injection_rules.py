"""The wordings that injections have and little else does, and the weaker cues that the model weighs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.guards.rules import cues, rule

_DROP = r"(?:ignore|disregard|forget|override|bypass|neglect|overlook|skip|circumvent|abandon|cancel|erase|discard)"
_NOT = (
    r"(?:do not|don'?t|stop|cease|refrain from|no longer) "
    r"(?:follow|obey|listen(?:ing)? to|adher(?:e|ing) to|comply with|following|obeying|pay attention to)"
)
_TOLD = (
    r"(?:instructions?|prompts?|prompting|directives?|directions?|guidelines|guidance|rules|orders|commands?|context|"
    r"programming|training|restrictions?|constraints?|safeguards?|safety (?:rules|measures|filters?)|"
    r"content polic(?:y|ies)|conversation|(?:you (?:were|have been|got|are) (?:told|given|instructed|learned|taught)))"
)
_BEFORE = (
    r"(?:previous(?:ly)?|prior|above|preceding|earlier|initial|original|former|foregoing|your|given|system|all|any|"
    r"every(?:thing)?|those|these|the|of|other|existing|current|built-?in|and|default|developer'?s?|openai'?s?|safety|"
    r"security|ethical|content|moderation)"
)
# Who says that somebody must not, should or may do it gives no order; an order begins a clause.
_ORDER = (
    r"(?<!not )(?<!never )(?<!I )(?<!we )(?<!they )(?<!employees )(?<!staff )(?<!people )(?<!who )(?<!users )"
    r"(?<!cannot )(?<!n't )(?<!may )(?<!he )(?<!she )(?<!attempts to )(?<!attempting to )(?<!if you )"
)
RULES = (
    rule(
        "override",
        "it tells the assistant to drop its instructions",
        rf"{_ORDER}\b{_DROP}(?:ing)? (?:about |to follow |from )?(?:{_BEFORE}[ ,]+){{1,5}}(?:\w+ ){{0,2}}?{_TOLD}\b"
        r"(?! (?:of|from|by) (?:my|our|the|a|your) (?:manager|supervisor|doctor|boss|employer))",
        rf"{_ORDER}\b{_NOT} (?:{_BEFORE}[ ,]+){{1,5}}(?:\w+ )?{_TOLD}\b(?= you| above| before|[.,;:!]|$)",
        r"\b(?:ignore|disregard|forget)(?: (?:all|everything|anything|what))+ (?:that |which )?(?:was |is |has been |"
        r"you |i |we |they )?(?:'ve |have |were |was )?(?:above|before(?! (?:\d|the|you))|prior|previous(?:ly)?|told|"
        r"said|been told|know)\b",
        r"\b(?:ignore|disregard|forget)(?:all|any|the|your|my|of)*(?:previous|prior|above|earlier)*"
        r"(?:instructions|prompts|rules|directives)\b",
        r"\bnew (?:instructions?|orders|rules|system prompt) ?(?::|follow|for (?:you|the (?:ai|assistant|model)))",
        r"\b(?:do|say|write) (?:exactly )?the opposite of (?:what )?(?:you|your)\b",
        r"\byour (?:rules|guidelines|restrictions|limits) (?:no longer|do not|don't) (?:apply|bind|hold)\b",
        r"\bi (?:give|grant) you permission to (?:break|ignore|drop|leave)\b",
        r"\b(?:switch|turn) off (?:all )?your (?:\w+ )?(?:restrictions|rules|filters?|checks|safeguards?|guards?)\b",
        r"\bforget (?:everything|all)\b.{0,60}\b(?:you are|act as|from now on|instead)\b",
    ),
    rule(
        "sources",
        "it asks for an answer that the documents do not give",
        r"\b(?:answer|reply|respond|say|tell me)\b.{0,40}\b(?:without|ignoring|"
        r"instead of) (?:\w+ ){0,3}?(?:the )?(?:sources|"
        r"quotes|citations|documents)\b",
        r"\b(?:from|out of) your own (?:memory|knowledge|imagination|head)\b",
        r"\b(?:you (?:no longer|don't|do not) need|skip|leave out|turn off|disable) (?:\w+ ){0,3}?(?:sources|quotes|"
        r"citations|"
        r"citation checks?)\b.{0,60}\b(?:you|your|answer|make|just|now)\b",
    ),
    rule(
        "override_foreign",
        "it tells the assistant, in another language, to drop its instructions",
        r"\b(?:ignorier\w*|vergiss|vergesst|missachte)\b.{0,30}\b(?:anweisung|instruktion|vorgaben|regeln|befehl)\w*",
        r"\b(?:ignore[zr]?|oublie[zr]?|ne tiens? pas compte)\b.{0,30}\b(?:instructions|consignes|directives|regles)\b"
        r".{0,20}\b(?:precedentes?|ci-dessus|anterieures|initiales|recues)\b",
        r"\b(?:ignora|ignore|olvida|olvide)\b.{0,30}\b(?:instrucciones|indicaciones|reglas|ordenes)\b",
        r"\b(?:ignora|dimentica)\b.{0,30}\b(?:istruzioni|indicazioni|regole)\b",
        r"\b(?:ignore|esqueca)\b.{0,30}\b(?:instrucoes|regras)\b",
        r"\b(?:negeer|vergeet)\b.{0,30}\b(?:instructies|opdrachten|regels)\b",
    ),
    rule(
        "prompt",
        "it asks for the assistant's own instructions",
        r"\b(?:reveal|show|print|output|display|repeat|tell|give|leak|share|expose|dump|recite|write|echo|return|"
        r"summari[sz]e|translate|encode|describe|list|disclose|provide|see|read|copy|paste|spell|state)\b"
        r"(?: (?!policy|handbook)[\w\"'<]+){0,6}? (?:your|the|initial|hidden|system|original|full|exact|secret|"
        r"<?system_?)[ _](?:\w+[ _]){0,3}?(?:system[ _])?(?:prompt|system message|initial (?:message|instructions?|"
        r"configuration)|hidden instructions?|secret instructions?|system instructions?|pre-?prompt|meta-?prompt)\b",
        r"\b(?:what(?:'s| is| are| was| were)|repeat|reveal|print|output|show(?: me)?|list|display) (?:all )?(?:of )?"
        r"your (?:\w+ ){0,2}?(?:system prompt|prompt|instructions?|directives?|initial (?:prompt|instructions?))\b",
        r"\b(?:repeat|print|output|translate|encode|copy|show|display|write out) (?:me )?(?:back )?(?:all )?(?:of )?"
        r"(?:the |this |everything )?(?:text |words |message |sentences |instructions? |content |entire |"
        r"conversation )*"
        r"(?:above|before this|so far|preceding)\b",
        r"\bsystem[ _-]?prompt\b(?=.{0,40}\b(?:verbatim|word for word|exactly|base64|rot13|json|code block|audit)\b)",
        r"\bwhat (?:were|was|are|have) you (?:been )?(?:told|instructed|given|programmed|not (?:supposed|allowed))\b",
        r"\b(?:hidden|secret) (?:text|message|rules) (?:that|which) (?:tells?|says?) (?:to )?you\b",
        r"\b(?:start|beginning|top) of your (?:context|memory|instructions|conversation)\b",
        r"\b(?:text|words|lines?|message|everything) (?:\w+ ){0,4}?(?:given|put|told|written) (?:\w+ )?(?:before|"
        r"in front of) "
        r"(?:i |my (?:question|message)|this (?:chat|conversation))",
        r"\b(?:initial|starting|original|previous) instructions\b.{0,40}\b(?:verbatim|bullet|list|format|bytes|code|"
        r"above)\b",
    ),
    rule(
        "role",
        "it asks the assistant to play something without rules",
        r"\b(?:do anything now|dan mode|developer mode (?:enabled|output|on(?! \w))|jail ?broken (?:mode|ai)|god ?mode|"
        r"evil (?:mode|confidant)|stay in character|unfiltered (?:ai|and amoral|bot|assistant|chatbot|language model)|"
        r"amoral (?:ai|chatbot|assistant)|no (?:moral|ethical) (?:restrictions|limits|guidelines|boundaries))\b",
        r"\b(?:you (?:are|will be|have become)|you're|act(?:ing)? as|pretend (?:to be|you are|that you are)|"
        r"roleplay as|"
        r"respond as|simulate)\b.{0,80}\b(?:without|no|free (?:of|from)|ignor\w+|not bound by|any|unbound by|"
        r"exempt from|"
        r"broken free)\b.{0,25}\b(?:rules|restrictions?|limits|limitations|filters?|filtering|ethics|ethical|morals?|"
        r"moralit\w+|guidelines|constraints|censorship|content polic\w+)\b",
        r"\bwho (?:never refuses|(?:answers?|fulfils?|grants?) (?:every|any|all)(?:thing| requests?| questions?)|"
        r"(?:has|obeys) "
        r"no (?:rules|polic(?:y|ies)|limits|morals))\b",
        r"\byou are free now\b|\b(?:you|now) (?:now )?serve only me\b|\bno (?:filters?|morals|"
        r"limits), no (?:filters?|morals|limits)\b",
        r"\b(?:from now on|henceforth|starting now),? (?:you|your|act|respond|reply|answer)\b.{0,120}",
        r"\byou are (?:now )?(?:going to (?:act|pretend|play)|no longer (?:an?|the|bound)|in (?:maintenance|debug|"
        r"admin|"
        r"developer|sudo|god) mode)\b",
        r"\b(?:pretend|imagine) (?:that )?you (?:have|are|were|can|do|don't) \b.{0,60}\b(?:no|without|any|unrestricted|"
        r"forgotten)\b.{0,30}\b(?:rules?|restrictions?|filters?|guidelines|ethics|limits)\b",
        r"\bmy (?:late |deceased |dead )?(?:grandmother|grandma|granny)\b.{0,80}\bused to (?:tell|read|sing|recite)\b",
    ),
    rule(
        "markup",
        "it imitates the marks that separate a model's instructions from its text",
        r"<\|?(?:im_start|im_end|system|endoftext|assistant|start_header_id|eot_id)\|?>",
        r"\[/?INST\]|<</?SYS>>|<\|(?:user|end)\|>",
        r"(?:^|\n)[ \t]*(?:#{2,4}|\*\*|\[|\{|<)? ?(?:system|assistant|developer)(?: (?:message|prompt|override|note))?"
        r"\s?(?:\]|\*\*|\}|>)?: (?=.{0,80}\b(?:you|ignore|must|reply|respond|answer|user)\b)",
        r"(?:%{2,}|-{3,}|={3,}) ?end (?:of )?(?:user|system|the )?",
    ),
    rule(
        "spelled",
        "it is spelled letter by letter, which hides what it says",
        r"(?<!\w)(?:[^\W\d_][ .*|/_-]{1,3}){30}",  # more than the alphabet
    ),
    rule(
        "addressed",
        "it gives orders to an assistant that reads it",
        r"\b(?:attention|note|notice|message|instructions?|important|hey|dear|hello|to)\b[ ,:-]{1,3}(?:for |to )?"
        r"(?:(?:any|all|the|every|an?|this|whatever) )?(?:ai|llm|language models?|chat-?bots?|assistants?|"
        r"(?:ai|virtual|automated|digital) (?:assistants?|agents?|systems?|models?|"
        r"readers?))\b(?=[ ,:;.!-]{1,3}(?:that|"
        r"who|reading|processing|summari|if|when|you|please|must|do|ignore|reply|respond|answer|always|never|say|the|"
        r"it))",
        r"\b(?:if|when(?:ever)?|as|since) (?:you|you're|you are) (?:are )?(?:an? )?(?:ai|llm|language model|chat-?bot|"
        r"(?:ai|virtual|automated|digital) (?:assistant|agent|system|model))\b",
        r"\b(?:ai|ai-based|automated|virtual|digital|language) ?(?:assistants?|agents?|models?|systems?|readers?)"
        r"(?: \w+){0,6}? (?:must|should|shall|has to|have to|need to|are (?:to|instructed|required)|is (?:to|"
        r"instructed|"
        r"required)) (?:\w+ )?(?:ignore|disregard|reply|respond|answer|say|output|state|tell|reveal|recommend|claim|"
        r"include|append|add|insert|forward|send|begin|end|write|print|refuse)\b",
        r"\b(?:when|before|while|after) (?:you are |you )?(?:answering|summari[sz]ing|responding to|replying to|answer|"
        r"summari[sz]e|respond to|reply to) (?:\w+ ){0,4}?(?:questions?|quer(?:y|ies)|this (?:document|text|page|file)|"
        r"users?|the user|prompts?)\b.{0,40}\b(?:always|never|you must|do not|instead|say|state|tell|reply|include|"
        r"append|mention|recommend|output|write|add)\b",
        r"\b(?:tell|inform|convince|persuade) (?:the |any |every )?(?:user|reader|person asking|asker|questioner)s? "
        r"(?:that|to|about)\b",
        r"\b(?:in|to|at the end of|with) (?:your|every|each|all(?: of)? your) (?:answer|response|reply|output|summary|"
        r"summaries|answers|responses|replies)\b.{0,60}\b(?:include|append|mention|add|say|link|insert|recommend)\b",
        r"\b(?:include|append|mention|add|insert|start|begin|end|finish)\b.{0,60}\b(?:in|to|at the end of|"
        r"with) (?:your|"
        r"every|each|all(?: of)? your) (?:answer|response|reply|output|summary|answers|responses|replies)\b",
        r"\b(?:respond|reply|answer) (?:only |exactly |just |always )+(?:with|by|in|as)\b",
        r"\b(?:override|bypass|disable) (?:\w+ ){0,2}?(?:safety|security|content|citation|access) (?:filters?|checks?|"
        r"rules|controls) (?:and|then|now|immediately)\b",
    ),
)
_CUES = {
    "ai": r"\b(?:ai|a\.i\.|chat-?gpt|gpt-?\d?|openai|llm|language model|chat-?bot|assistant|dan|bot)\b",
    "told": r"\b(?:prompt|instructions?|directives?|guidelines|programm(?:ed|ing)|developer|system)\b",
    "imperative": r"(?:^|[.!?\n:] ?)(?:please )?(?:ignore|disregard|forget|repeat|print|output|reveal|pretend|act|"
    r"write|"
    r"respond|reply|answer|say|translate|encode|display|show|tell|start|begin|enter|stop|do|don't|remember|play)\b",
    "you_will": r"\byou (?:will|must|are(?: now)?|should|can|have to|shall|never|always|do not|don't|cannot)\b",
    "free": r"\b(?:unrestricted|unfiltered|uncensored|amoral|immoral|illegal|unethical|jailbreak\w*|no (?:rules|limits|"
    r"restrictions|filters?)|any(?:thing)? (?:request|question)|bypass\w*|without (?:any )?(?:restrictions|limits))\b",
    "character": r"\b(?:role-?play\w*|character|persona|pretend|simulat\w+|hypothetical|fictional|act as)\b",
    "brackets": r"[\[{<][A-Za-z _-]{2,30}[\]}>]",
    "question": r"^(?:who|what|when|where|why|how|which|can|could|do|does|is|are|am|will|would|should|may|must|if)\b",
    "policy": r"\b(?:polic(?:y|ies)|employee|leave|benefits?|manager|claim|apply|entitled|payment|website|data|privacy|"
    r"personal information|third parties|company|staff|work)\b",
}
CUES = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _CUES.items()}
LONG = 40  # words
FEATURES = (*CUES, "long")


def features(piece: str) -> Mapping[str, float]:
    """Return the cues of one piece, by name."""
    return {**cues(CUES, piece), "long": float(len(piece.split()) > LONG)}
