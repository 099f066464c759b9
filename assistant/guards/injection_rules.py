"""The wordings that injections have and little else does."""

from __future__ import annotations

from assistant.guards.languages import close_orders, order_words, spaced_orders
from assistant.guards.order_rules import THIS, VERB
from assistant.guards.rules import rule

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
    r"\b(?=[abcdefinors])"  # looked at first: few words begin an order, and looking back takes long
    r"(?<!not )(?<!never )(?<!I )(?<!we )(?<!they )(?<!employees )(?<!staff )(?<!people )(?<!who )(?<!users )"
    r"(?<!cannot )(?<!n't )(?<!may )(?<!he )(?<!she )(?<!attempts to )(?<!attempting to )(?<!if you )"
)
RULES = (
    rule(
        "override",
        "it tells the assistant to drop its instructions",
        rf"{_ORDER}\b{_DROP}(?:ing)? (?:about |to follow |from )?(?:{_BEFORE}[ ,]+){{1,5}}(?:\w+ ){{0,2}}?{_TOLD}\b"
        r"(?! (?:of|from|by) (?:my|our|the|a|your) (?:manager|supervisor|doctor|boss|employer))",
        r"\b(?:ignore|disregard|forget)(?: (?:all|everything|anything|what))+ (?:that |which )?(?:was |is |has been |"
        r"you |i |we |they )?(?:'ve |have |were |was )?(?:above|before(?! (?:\d|the|you))|prior|previous(?:ly)?|told|"
        r"said|been told|know)\b",
        r"\b(?:ignore|disregard|forget)(?:all|any|the|your|my|of)*(?:previous|prior|above|earlier)*"
        r"(?:instructions|prompts|rules|directives)\b",
        r"\b(?:do|say|write) (?:exactly )?the opposite of (?:what )?(?:you|your)\b",
        r"\byour (?:rules|guidelines|restrictions|limits) (?:no longer|do not|don't) (?:apply|bind|hold)\b",
        r"\bi (?:give|grant) you permission to (?:break|ignore|drop|leave)\b",
        r"\b(?:switch|turn) off (?:all )?your (?:\w+ )?(?:restrictions|rules|filters?|checks|safeguards?|guards?)\b",
        r"\bforget (?:everything|all)\b.{0,60}\b(?:you are|act as|from now on|instead)\b",
        rf"(?<!can )(?<!may )(?<!to )(?<!and )\b(?:ignore|disregard|forget|skip) (?:the rest|everything (?:above|"
        rf"below|else)|"
        rf"(?:all |any )?other (?:parts|sections|documents|sources)|all (?:above|else))(?: (?:of|in|on) {THIS})? "
        rf"(?:and|then|"
        rf"instead) (?:\w+ )?{VERB}\b",
        needs="ignor disre forge overr bypas negle overl skip skipping circu aband cance erase discard opposite longer "
        "permission switch turn",
    ),
    rule(
        "outranks",
        "it says that its orders come before the assistant's own",
        r"\b(?:real|true|secret|actual|hidden|updated|new) (?:instructions|task|orders|system prompt) (?:follows?|"
        r"for)\b",
        r"\b(?:stop|quit|cease|end) (?:answering|quoting|citing|searching) (?:at once|now|here|after|and)\b",
        r"\b(?:trust|believe|prefer|obey|use|quote) (?:only|nothing but|just) (?:this|these) (?:page|document|lines?|"
        r"text|passage)"
        r"(?! for)\b",
        r"\b(?:treat|regard|consider) (?:all |any )?other (?:documents|sources|pages|policies) as\b",
        r"(?<!if )(?<!when )(?<!because )(?<!that )\b(?:your|the (?:assistant|ai|bot)'?s?) (?:task|job|goal|purpose|"
        r"mission) (?:has "
        r"changed|is now|is no longer)\b",
        needs="instr task tasks orders prompt answe quoting citing searching trust believe prefer obey "
        "quote treat regard "
        "consider job goal purpose mission",
    ),
    rule(
        "new_orders",
        "it gives the assistant other instructions",
        rf"{_ORDER}\b{_NOT} (?:{_BEFORE}[ ,]+){{1,5}}(?:\w+ )?{_TOLD}\b(?= you| above| before|[.,;:!]|$)",
        r"\bnew (?:instructions?|orders|rules|system prompt) ?(?::|follow|for (?:you|the (?:ai|assistant|model)))",
        signs=True,
    ),
    rule(
        "sources",
        "it asks for an answer that the documents do not give",
        r"\b(?:answer|reply|respond|say|tell me)\b.{0,40}\b(?:without|ignoring|"
        r"instead of) (?:\w+ ){0,3}?(?:the )?(?:sources|"
        r"quotes|citations|documents)\b",
        r"\b(?:from|out of) your own (?:memory|knowledge|imagination|head)\b",
        r"(?<!can )(?<!may )\b(?:you (?:no longer|don't|do not) need|skip|leave out|turn off|disable) (?:\w+ "
        r"){0,3}?(?:sources|quotes|"
        r"citations|"
        r"citation checks?)\b.{0,60}\b(?:you|your|answer|make|just|now)\b",
    ),
    rule(
        "override_foreign",
        "it tells the assistant, in another language, to drop its instructions",
        *spaced_orders(),
        needs=order_words(),
    ),
    rule(
        "override_close",
        "it tells the assistant, in another language, to drop its instructions",
        *close_orders(),
        signs=True,
    ),
    rule(
        "prompt",
        "it asks for the assistant's own instructions",
        r"\b(?:reveal|show|print|output|display|repeat|tell|give|leak|share|expose|dump|recite|write|echo|return|"
        r"summari[sz]e|translate|encode|describe|list|disclose|provide|copy|paste|spell|state)\b"
        r"(?: (?!policy|handbook)[\w\"'<]+){0,6}? (?:your|the|initial|hidden|system|original|full|exact|secret|"
        r"<?system_?)[ _](?:\w+[ _]){0,3}?(?:system[ _])?(?:prompt|system message|initial (?:message|instructions?|"
        r"configuration)|hidden instructions?|secret instructions?|system instructions?|pre-?prompt|meta-?prompt)\b",
        r"\b(?:what(?:'s| is| are| was| were)|repeat|reveal|print|output|show(?: me)?|list|display) (?:all )?(?:of )?"
        r"your (?:\w+ ){0,2}?(?:system prompt|prompt|instructions?|directives?|initial (?:prompt|instructions?))\b",
        r"\b(?:repeat|print|output|translate|encode|copy|show|display|write out) (?:me )?(?:back )?(?:all )?(?:of )?"
        r"(?:the |this |everything )?(?:text |words |message |sentences |instructions? |content |entire |"
        r"conversation )*"
        r"(?:above|before this|so far|preceding)\b(?! (?:process|steps?|procedures?|check|test|exercise))",
        r"\bsystem[ _-]?prompt\b(?=.{0,40}\b(?:verbatim|word for word|exactly|base64|rot13|json|code block|audit)\b)",
        r"\bwhat (?:were|was|are|have) you (?:been )?(?:told|instructed|given|programmed|not (?:supposed|allowed))\b",
        r"\b(?:hidden|secret) (?:text|message|rules) (?:that|which) (?:tells?|says?) (?:to )?you\b",
        r"\b(?:start|beginning|top) of your (?:context|memory|instructions|conversation)\b",
        r"\b(?:text|words|lines?|message|everything) (?:\w+ ){0,4}?(?:given|put|told|written) (?:\w+ )?(?:before|"
        r"in front of) "
        r"(?:i |my (?:question|message)|this (?:chat|conversation))",
        r"\b(?:initial|starting|original|previous) instructions\b.{0,40}\b(?:verbatim|bullet|list|format|bytes|code|"
        r"above)\b",
        needs="promp instr messa above before prece told given programmed hidden secret start beginning front far "
        "direc",
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
        r"limits),? no (?:filters?|morals|limits)\b",
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
        r"<\|/?\w{2,24}\|>|<(?:function|tool|parameter)=\w+|</?(?:context|document|system|prompt|source|"
        r"instruction)s?_\w+/?>",
        r"#{2,} ?(?:human|user|assistant|system) ?:|\bsystem (?:override|message|prompt|command) ?:",
        r"\[/?INST\]|<</?SYS>>|<\|(?:user|end)\|>",
        r"(?:^|\n)[ \t]*(?:#{2,4}|\*\*|\[|\{|<)? ?(?:system|assistant|developer)(?: (?:message|prompt|override|note))?"
        r"\s?(?:\]|\*\*|\}|>)?: (?=.{0,80}\b(?:you|ignore|must|reply|respond|answer|user)\b)",
        r"(?:%{2,}|-{2,}|={2,}|\[) ?(?:end|begin|start) (?:of )?(?:the )?(?:user|system|documents?|context|sources?|"
        r"prompt|"
        r"instructions?|input|rules|conversation|admin)\b",
        # turns of a chat, calls of a tool, and tags that end what a model is to read as data
        r"(?:^|\n|[.!?] )\W{0,3}(?:human|user)\W{0,3}: [^\n]{1,200}\s+\W{0,3}(?:assistant|ai|bot|chat-?bot|chatgpt|gpt|"
        r"model)\W{0,3}: ?",
        r"</?(?:tool_?calls?|function_?calls?|tool_use|invoke|tool_?results?|function_?results?)\b[^>\n]{0,80}>",
        r"\b(?:tool|function)[ _-]?call\W{1,3}\w+ ?[({\[]",
        r"\b(?:name|tool|function)[\"']? ?: ?[\"']\w+[\"'] ?, ?[\"']?(?:arguments|parameters|args)[\"']? ?:",
        r"(?:^|\n)\W{0,3}action ?: ?\w+\W{0,8}\s*action input ?:",
        r"</(?:documents?|context|sources?|passages?|retrieved|evidence|untrusted|system|instructions?|prompt|quotes?)>"
        r"(?=.{0,80}?(?:</?(?:documents?|context|sources?|passages?|system|instructions?|prompt|user)>|\b(?:user|"
        r"assistant|system|ignore|instructions?|you|task)\b))",
        r"\b\brole[\"']? ?[:=] ?[\"']?(?:system|assistant|developer)\b[\"']? ?,? ?[\"']?content",
        r"!\[[^\]\n]{0,80}\]\(https?://[^)\s]{1,200}[?&]\w+=\)",
        r"\B@(?:copilot|assistant|ai|bot|gpt\w*|chat-?gpt|claude|gemini|bard|llama|grok|mistral|perplexity|model|llm|"
        r"agent)"
        r"\b[ ,:]+(?:please|kindly|you|always|never|do|don't|add|append|say|reply|answer|respond|ignore|include|insert|"
        r"mention|recommend|tell|write|send|state|use|forget|begin|end|from|when|if)\b",
        r"\[system\]|\(system (?:message|prompt|note)\)",
        r"#{2,} ?instructions? ?:.{1,400}#{2,} ?response ?:",
        r"(?:^|[.!?\n] ?)(?:call|action|tool|function|run|execute) ?: ?\w+\(",
        rf"(?:^|[.!?\n] ?)(?:ais?|llms?|chat-?bots?|bots?|copilots?|language models?|summari[sz]ers?|(?:ai|search|"
        rf"digital|virtual) "
        rf"(?:assistants?|agents?)|assistant|model|agent) ?: ?(?:please )?{VERB}\b",
        signs=True,
    ),
    rule(
        "spelled",
        "it is spelled letter by letter, which hides what it says",
        r"(?<!\w)(?:[^\W\d_][ .*|/_-]{1,3}){30}",  # more than the alphabet
        signs=True,
    ),
)
