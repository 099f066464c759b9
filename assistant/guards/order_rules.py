"""The wordings of orders to whatever reads a document: planted there, or pasted into a question."""

from __future__ import annotations

from assistant.guards.languages import address_words, addresses
from assistant.guards.rules import rule

THIS = (
    r"(?:(?:this|the (?:present|above|following)|these) (?:page|file|document|text|passage|section|paragraph|policy|"
    r"note|"
    r"sentence|lines?|handbook|manual|content)|the (?:section|text|page|passage|lines?) (?:above|below))"
)
VERB = (
    r"(?:say|state|mention|add|append|insert|include|recommend|claim|begin|start|end|close|finish|answer|reply|"
    r"respond|tell|"
    r"write|praise|omit|leave out|output|print|pretend|always|never|ignore|forget|disregard)"
)
# A policy that says whom its readers, or we, tell what is no order to a machine.
_SAYS = r"(?<!don't )(?<!not )(?<!never )(?<!to )(?<!will )(?<!we )(?<!and )(?<!should )"
_READER = (
    r"(?:ais?|llms?|language models?|chat-?bots?|bots?|robots?|copilots?|assistants?|agents?|models?|machines?|"
    r"software|"
    r"tools?|programs?|systems?|scripts?|parsers?|crawlers?|indexers?|summari[sz]ers?|algorithms?|search engines?|"
    r"(?:ai|virtual|automated|digital|machine|automatic) \w+)"
)
_READING = (
    r"(?:reads?|reading|process(?:es|ing)?|pars(?:es?|ing)|index(?:es|ing)?|ingest(?:s|ing)?|summari[sz](?:es?|ing)|"
    r"digest(?:s|ing)?|scans?|scanning|quot(?:es?|ing)|cit(?:es?|ing)|answers?|answering|translat(?:es?|ing)|sees?|"
    r"uses?)"
)
_RETELLING = (
    r"summari[sz](?:es?|ing)|condens(?:es?|ing)|digests?|paraphras(?:es?|ing)|retells?|retelling|sums? up|summing up|"
    r"shortens?|shortening|abridg(?:es?|ing)|cit(?:es?|ing)|answer(?:s|ing)?|quot(?:es?|ing)|translat(?:es?|ing)"
)
_SAYING = (
    r"(?:(?:must|shall|should|has to|have to|is to|are to|needs? to|always|please|never)\b.{0,40}?\b(?:say|close|end|"
    r"begin|"
    r"start|open|add|append|mention|recommend|claim|lead|conclude|insist|leave out|omit|praise|finish|state|write|tell|"
    r"answer|reply|respond))"
)
_BEGINS = r"(?:^|[.!?:;\n>*•\"“(-] ?)"
_SAY = (
    r"(?:say|answer|reply|respond|state|claim|recommend|tell (?:them|him|her|the \w+|everyone|everybody|whoever asks))"
)
_NAME = r"(?:chat ?gpt|claude|copilot|gemini|siri|alexa|grok)"
_ANSWERING = r"(?:answer|reply|respond|say|tell|report|state|output|recommend|praise|ignore|forget|disregard)"
RULES = (
    rule(
        "called",
        "it calls an assistant by its name",
        rf"(?:^|[.!?:\n\"“(] ?)(?:(?:hey|dear|ok|hello) )?(?:{_NAME}|assistant|chat ?bot|bot|ai|llm|language model|"
        rf"(?:ai|virtual|digital) (?:assistant|agent))[,:] (?:(?:always|never|please|only|just) ){{0,2}}"
        rf"(?:{_ANSWERING}|when (?:you are |you're )?asked|you must|whatever)\b",
        rf"\b(?:hey )?(?:{_NAME}|the (?:ai|chat ?bot)) (?:should|must|shall|has to|will) "
        rf"(?:(?:always|never|only) )?(?:tell \w+|{_ANSWERING}) (?:that|with|yes|no)\b",
        signs=True,
        needs="assis chatg chat claud copil gemin siri alexa grok chatb bot ai llm langu virtu digit",
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
        r"\b(?:if|in case|when(?:ever)?|as|since) (?:you|you're|you are) (?:are )?(?:an? )?(?:ai|llm|language model|"
        r"chat ?bot|bot|copilot|"
        r"summari[sz]er|robot|machine|assistant(?! \w)|"
        r"(?:ai|virtual|automated|digital) (?:assistant|agent|system|model))\b",
        r"\b(?:ai|ai-based|automated|virtual|digital|language) ?(?:assistants?|agents?|models?|systems?|readers?)"
        r"(?: \w+){0,6}? (?:must|should|shall|has to|have to|need to|are (?:to|instructed|required)|is (?:to|"
        r"instructed|"
        r"required)) (?:\w+ )?(?:ignore|disregard|reply|respond|answer|say|output|state|tell|reveal|recommend|claim|"
        r"include|append|add|insert|forward|send|begin|end|write|print|refuse)\b",
        rf"\b(?:dear|hey|hello|attention) (?:ai|llm|language model|chat ?bot|bot|copilot|assistant|summari[sz]er|"
        rf"(?:ai|virtual|"
        rf"digital|search) (?:agent|assistant)) (?:please |kindly |you )?{VERB}\b",
        needs=(
            "ai ais llm llms language chatb chat gpt assistant assistants virtual automated digital agent agents "
            "model models machine machines copil bot bots robot robots summariser summarizer readers"
        ),
    ),
    rule(
        "reader",
        "it gives orders to whatever machine reads it",
        rf"\b(?:note|notice|message|instructions?|hint|information|memo|reminder|advice|attention|warning|request) "
        rf"(?:for|to) (?:(?:any|all|every|the|each|this|whatever) )?{_READER} (?:\w+ )?(?:that|which|who|when|if|"
        rf"{_READING}) ",
        rf"\b{_READER} (?:(?:that|which|who|to|is|are) )?(?:\w+ )?{_READING} (?:\w+ )?"
        rf"{THIS}\b.{{0,60}}\b(?:must|shall|should|has to|have to|is to|are to|needs? to|will)\b",
        rf"\bto (?:whatever|whichever) {_READER} ",
        needs=(
            "reads read reading index indexes indexing parse parses parsing processing processes digest digests "
            "ingest ingests ingesting summarise summarises summarize summarizes summarising summarizing scans "
            "scanning quotes quoting answers answering translates translating cites citing whatever whichever "
            "sees uses"
        ),
    ),
    rule(
        "retold",
        "it says what is to be said of it",
        r"\b(?:when|before|while|after) (?:you are |you )?(?:answering|summari[sz]ing|responding to|replying to|answer|"
        r"summari[sz]e|respond to|reply to) (?:\w+ ){0,4}?(?:questions?|quer(?:y|ies)|this (?:document|text|page|file)|"
        r"users?|the user|prompts?)\b.{0,40}\b(?:always|never|you must|do not|instead|say|state|tell|reply|include|"
        r"append|mention|recommend|output|write|add)\b",
        r"\b(?:in|to|at the end of|with) (?:your|every|each|all(?: of)? your) (?:answer|response|reply|output|summary|"
        r"summaries|answers|responses|replies)\b.{0,60}\b(?:include|append|mention|add|say|link|insert|recommend)\b",
        r"\b(?:include|append|mention|add|insert|start|begin|end|finish)\b.{0,60}\b(?:in|to|at the end of|"
        r"with) (?:your|"
        r"every|each|all(?: of)? your) (?:answer|response|reply|output|summary|answers|responses|replies)\b",
        r"(?<!an )(?<!the )(?<!no )(?<!any )\b(?:respond|reply|answer) (?:only |exactly |just |always )+(?:with|by|in|"
        r"as)\b",
        rf"\b(?:whoever|who|anyone who|anybody who|everyone who|everybody who|anyone|those who|they who|when you|if "
        rf"you|"
        rf"when|while|before) (?:\w+ )?(?:{_RETELLING}) (?:from )?{THIS}\b.{{0,60}}?\b{_SAYING}\b",
        rf"\b(?:any|every|each|all|the|your|an?) (?:\w+ )?(?:summar(?:y|ies)|answers?|repl(?:y|ies)|responses?|"
        rf"translations?|digest|"
        rf"overview|paraphrase|abstract|outputs?) (?:\w+ )?(?:of|about|from|based on|drawn from|to questions (?:about|"
        rf"on)) "
        rf"{THIS} (?:must|shall|should|has to|have to|is to|are to|needs? to|will|ought to) (?:\w+ )?(?:lead|begin|"
        rf"start|open|"
        rf"end|close|conclude|finish|say|recommend|add|claim|link|point|praise|leave out|omit|never|not mention|"
        rf"mention)\b",
        rf"\bhumans? (?:may|can|should) (?:skip|ignore) {THIS}\b",
        r"\b(?:do not|don't|never) (?:mention|quote|cite|show|summari[sz]e|repeat) (?:\w+ ){1,5}?(?:in (?:your|any) "
        r"(?:answers?|summar\w+|repl\w+|responses?)|to the user)\b",
        r"\b(?:your|each|every|any) (?:answers?|summar\w+|repl\w+|responses?|outputs?) (?:must|shall|should|will|has "
        r"to|have to|"
        r"is to) (?:start|begin|open|end|finish|close|lead|conclude) with\b",
        r"\b(?:in|before|after|at the end of) (?:your|each|every) (?:answer|summary|reply|response|output) (?:please |"
        r"always )?"
        r"(?:say|state|reply|answer|write|recommend|praise|tell|claim)\b",
        needs=(
            "answer answers answering reply replies replying respond response responses responding output outputs "
            "summary summaries summarise summarises summarising summarize summarizes summarizing sums summing "
            "conde digest digests paraphrase paraphrases paraphrasing overview abstract translation translations "
            "translates translating translate retel short abrid quote quotes quoting cite cites citing humans "
            "human"
        ),
    ),
    rule(
        "told_user",
        "it says what users are to be told, or that a check is to be passed by",
        rf"{_SAYS}\b(?:tell|inform|convince|persuade) (?:the |any |every )?(?:user|reader|person asking|asker|"
        rf"questioner)s? "
        r"(?:that|to)\b",
        r"\b(?:override|bypass|disable) (?:\w+ ){0,2}?(?:safety|security|content|citation|access) (?:filters?|checks?|"
        r"rules|controls) (?:and|then|now|immediately)\b",
        needs=("tell inform convince persuade disable bypass override"),
    ),
    rule(
        "redirect",
        "it tells an assistant what to say to those who ask it",
        r"\bif (?:an?|any|the|some)?(?: ?\w+){1,2} asks?\b.{0,60}\b(?:send|direct|point|refer|tell|link) (?:them|him|"
        r"her|"
        r"users?) .{0,60}(?:https? |www ).{0,80}\b(?:password|credentials|card|log-?in|pin|code)\b",
        r"\b(?:ask|get|make|have) (?:the )?(?:user|reader|person asking|asker)s? (?:for|to (?:enter|type|give|send|"
        r"confirm)) "
        r"(?:their |the |his |her )?(?:password|card|pin|log-?in|credentials|date of birth)",
        r"\b(?:user|reader) (?:now )?(?:wants|has asked you|wants you)\b.{0,60}? (?:so )?(?:please )?(?:provide|give|"
        r"tell|comply|do so|show|reveal)\b",
        r"\b(?:correct|right|only|expected|proper|true) (?:answer|reply|response) (?:to|for) (?:any|every|all|this|"
        r"such|an?|"
        r"questions?|whatever)\b.{0,60}?\b(?:is|are|should be|must be)\b",
        r"\b(?:treat|regard|consider|take|read) (?:everything|all|anything|whatever|the text)(?: \w+){0,2}? (?:above|"
        r"before|"
        r"up to|until|preceding|so far|prior)\b.{0,40}?\bas\b",
        r"\b(?:everything|all(?: that stands)?|whatever stands|the text) (?:above|before this|up to (?:here|this)|"
        r"preceding) "
        r"(?:\w+ ){0,3}?(?:is|was|are) (?:only |just |merely |now )?(?:an? )?(?:draft|void|test|example|joke|fake|"
        r"outdated|obsolete|"
        r"cancelled|invalid|placeholder|nonsense)",
        r"\b(?:tell|inform|convince|persuade) (?:whoever asks|people who ask|everyone who asks|the person (?:asking|"
        r"in the chat))\b",
        r"\b(?:ask|get|tell|make|have) (?:the )?(?:\w+ ){1,2}(?:for|to (?:enter|type|give|send|confirm)) (?:their|his|"
        r"her) (?:\w+ )?"
        r"(?:password|card|pin|log ?in|credentials|birth)\b.{0,20}?\b(?:before you answer|to go on|to continue)\b",
        r"\b(?:forward|send|post|upload|transmit|leak) (?:the |this |all )(?:conversation|chat|user'?s data|prompt|"
        r"context|"
        r"chat history)\b.{0,40}?\bto\b",
        r"\b(?:employee|colleague) (?:now wants|wants you|has asked you) to\b.{0,60}? (?:provide|give|comply|do so|"
        r"show|reveal)\b",
    ),
    rule(
        "instead",
        "it says what is to be answered whatever the documents say",
        rf"{_BEGINS}(?:please )?(?:ignore|disregard|forget|overrule|override|do not follow|don't follow) "
        rf"(?:(?:all|everything|anything|whatever|what|of|is|was|stands|written|the|this) ){{0,5}}(?:\w+ ){{0,2}}?"
        rf"(?:above|before(?= this|[,;:]| and)|preceding|previous)\b[^.!?\n]{{0,40}}?{_SAY}\b",
        rf"{_BEGINS}(?:please )?(?:(?:always|only|just) )+(?:say|answer|reply|respond|state) (?:that|with:?|yes|no)\b",
        rf"{_BEGINS}(?:please )?(?:answer|reply|respond) (?:(?:always|only|just) )+(?:that|with:?|yes|no)\b",
        rf"{_BEGINS}(?:if|when(?:ever)?) (?:you are |you're |an? \w+ |anyone |anybody |someone |somebody |they |\w+ )?"
        rf"(?:is )?(?:ask(?:s|ed)?|answering)\b[^.!?\n]{{0,60}}?[,;:] (?:always |just |only )?{_SAY}\b",
        rf"{_BEGINS}(?:your|the (?:only|right|correct)) (?:answer|reply|response) (?:must|should|shall|has to) be\b",
        rf"{_BEGINS}answer: [^.?!\n]{{0,80}}\b(?:whatever|no matter what|regardless of what) "
        rf"(?:is|was|they|anyone|anybody) ?(?:\w+ )?(?:ask|question)",
        signs=True,
        needs="ignor disre forge overr follo say answe reply respo state tell ask asks asked",
    ),
    rule(
        "addressed_foreign",
        "it is meant, in another language, for an assistant that reads it",
        *addresses(),
        needs=address_words(),
    ),
)
