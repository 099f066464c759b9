"""Which parts of a text are encoded: windows of a question, and the sentences of a document that address someone."""

from __future__ import annotations

import re
from itertools import islice

WINDOW = 100  # words that the encoder surely takes whole
MAX_WINDOWS = 8
MAX_SENTENCES = 24  # of one passage

LONG = 40  # words; a longer text's end is encoded by itself, too
END = 300  # characters
FEW = 4  # words that say something by themselves

_WORD = re.compile(r"\S+")
_BREAK = re.compile(r"[.!?:]\s+|\n+")
_SAID = re.compile(r"[^\W\d_]{2,}")
MIN_SAID = 2  # words of letters: one, or none, tells the model nothing
_SAID_CLOSE = re.compile("[\u0e00-\u0eff\u3040-\uffef]{4}")  # words that nothing parts
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
# Who plants an instruction speaks to a machine, of what it was told, or of what it is to say. A policy's "you" is no
# cue: each sentence is encoded, and these are one in fifty.
_CUE = re.compile(
    r"\b(?:ai|a\.i\.|assistants?|chat-?bots?|bots?|(?:language )models?|llms?|gpt|ignore|disregard|forget|override|"
    r"instructions?|prompts?|instead(?! of)|respond|reply|replies|output|reveal|pretend|summar(?:y|is\w+|iz\w+|ies)|"
    r"copilots?|"
    r"condens\w+|paraphras\w+|quot(?:es?|ing) this|digest (?:of|this)|these lines|you are now|"
    r"(?:this|whole) (?:page|file|text|passage)\b.{0,60}\b(?:must|shall|should|(?:has|is|are|needs?) to|always|please)|"
    r"(?:machines?|agents?|software|scripts?|crawlers?|indexers?|readers|tools|programs|systems) (?:that|which) "
    r"(?:read|index|process|pars|diges|quot|answer|see|use)\w*|(?:machines?|agents?) (?:must|should|(?:has|have|is|"
    r"are) to)|"
    r"(?:tell|inform|ask|get|convince|persuade) (?:the |any )?(?:users?|readers?|asker|person asking|whoever)|"
    r"the (?:user|reader) (?:now|has)|(?:your|each|every|any|all|right|correct|only|expected) (?:answers?|outputs?)|"
    r"answer (?:only|just|always|yes|with)|(?:when|if) (?:asked|\w+ \w+ asks)|everything (?:above|before|up to)|"
    r"(?:task|role|job|goal) (?:has changed|is now)|trust (?:only|nothing)|(?:automated|machine|artificial|electronic) "
    r"(?:readers|consumers|users|visitors|clients)|(?:are|not) (?:machines|human)|boiled down|shortened|compressed|"
    r"fed to|"
    r"gist|recap|outranked?|obey|asker|(?:person|one) who asks|in the chat|your (?:developers|operators|makers|"
    r"creators)|"
    r"(?:every|each) (?:sentence|answer|paragraph|reply)|(?:is|are) (?:superseded|void)|mail tool|"
    r"(?:by|with|from) this (?:text|file|passage)|the present document|want to know about|enquires? about|hidden note|"
    r"secret note)\b",
    re.IGNORECASE,
)

# A text with none of these words has no cue, which is quickly seen.
_CUE_WORDS = frozenset(
    """ai assistant assistants chatbot chatbots chat bot bots model models llm llms gpt ignore disregard forget
    override instruction instructions prompt prompts instead respond reply replies output outputs reveal pretend
    summary summarise summarises summarised summarising summarize summarizes summarized summarizing summaries
    summariser summarizer copilot copilots condense condenses condensing condensed paraphrase paraphrases
    paraphrasing quote quotes quoting digest lines page file text passage machine machines agent agents software
    script scripts crawler crawlers indexer indexers readers reader tools programs systems user users asker person
    whoever answer answers asked asks everything task role job goal trust consumers visitors clients human boiled
    shortened compressed fed gist recap outrank outranked obey chat developers operators makers creators sentence
    paragraph superseded void tool document know enquire enquires note""".split()
)


def windows(text: str) -> tuple[str, ...]:
    """Cut a text into windows of WINDOW words, of a very long one spread evenly; and its end by itself.

    A request after much else is little of a window.
    """
    if len(list(islice(_SAID.finditer(text), MIN_SAID))) < MIN_SAID and not _SAID_CLOSE.search(text):
        return ()
    words = [match.span() for match in _WORD.finditer(text)]
    if len(words) <= LONG:
        return (text,)
    starts = list(range(0, len(words), WINDOW))
    if len(starts) > MAX_WINDOWS:
        starts = [starts[round(i * (len(starts) - 1) / (MAX_WINDOWS - 1))] for i in range(MAX_WINDOWS)]
    cut = [text[words[at][0] : words[min(at + WINDOW, len(words)) - 1][1]] for at in starts]
    return (*cut, _end(text))


def _end(text: str) -> str:
    """Return the last sentence, with the one before if it is short; of an endless one the last words."""
    told = text[-END:]
    starts = [match.end() for match in _BREAK.finditer(told) if len(told[match.end() :].split()) >= FEW]
    return told[starts[-1] :] if starts else told


def _spoken_of(text: str) -> bool:
    """Tell whether any word of a text may be part of a cue."""
    return not _CUE_WORDS.isdisjoint(re.findall(r"[a-z]+", text.lower()))


def cued_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences that may be meant for an assistant, the first MAX_SENTENCES of them."""
    if not _spoken_of(text):
        return ()
    found = (match.group().strip() for match in _SENTENCE.finditer(text))
    return tuple(islice((sentence for sentence in found if _CUE.search(sentence)), MAX_SENTENCES))
