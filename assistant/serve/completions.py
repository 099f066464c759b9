"""A chat as OpenAI's clients hold it -> a question with its history; an answer -> a completion, whole or in chunks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from assistant.answer.outcomes import worded_line
from assistant.contract import answer_json, dumps
from assistant.core.records import Answer, Citation, Quote, Turn
from assistant.serve.schemas import MODEL_NAME, ChatMessage, bad_request
from assistant.text.canonical import heading_path
from assistant.text.markdown import as_read, inert

OWN_KEY = "policy_assistant"  # of a message: what the contract says of an answer
OWN_FIELDS = ("status", "confidence", "citations", "closest", "sentences", "worded_by")
PARAGRAPH = "\n\n"
SOURCES = "\n\nSources:\n"  # above the places of an answer's keys

Json = dict[str, Any]


def conversation(messages: Sequence[ChatMessage]) -> tuple[str, list[Turn]]:
    """Return the question, which is the last message of a user, and the turns before it.

    What a system message orders is no policy, and what follows the question has not been said. Of earlier messages
    the text is read. Raises HttpError if no user said anything, or if the question holds more than text.
    """
    said = [message for message in messages if message.role in ("user", "assistant")]
    asked = [at for at, message in enumerate(said) if message.role == "user"]
    if not asked:
        raise bad_request("messages: there is none with the role user.")
    last = said[asked[-1]]
    if not isinstance(last.content, str) and any(part.type != "text" for part in last.content or ()):
        raise bad_request("messages: the question must be text, without pictures, sound or files.")
    return _text(last), [_turn(message) for message in said[: asked[-1]]]


def _turn(message: ChatMessage) -> Turn:
    if message.role == "user":
        return Turn("user", _text(message))
    return Turn("assistant", as_read(_text(message).partition(SOURCES)[0].replace(PARAGRAPH, "\n")))


def _text(message: ChatMessage) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    return "\n".join(part.text for part in message.content if part.type == "text")


def completion(answer: Answer) -> Json:
    """Return an answer as a chat completion."""
    content = content_of(answer)
    message = {"role": "assistant", "content": content, **_proof(answer, content)}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**_head("chat.completion"), "choices": [choice], "usage": None}


def events(answer: Answer) -> bytes:
    """Return an answer as server-sent events: the text, then its proof. Nothing is sent before all of it is checked."""
    head, content = _head("chat.completion.chunk"), content_of(answer)
    deltas: list[tuple[Json, str | None]] = [
        ({"role": "assistant", "content": content}, None),
        (_proof(answer, content), "stop"),
    ]
    chunks = [
        dumps({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]})
        for delta, reason in deltas
    ]
    return "".join(f"data: {chunk}\n\n" for chunk in (*chunks, "[DONE]")).encode()


def models() -> Json:
    """Return the list of the one model that there is."""
    return {"object": "list", "data": [{"id": MODEL_NAME, "object": "model", "created": 0, "owned_by": MODEL_NAME}]}


def content_of(answer: Answer) -> str:
    """Return an answer as Markdown, with the place of each key, and the quotes of an answer that is not sure.

    It shows what documents say and no markup of theirs. Its lines are paragraphs: to Markdown "7. Receipts" begins a
    list that goes on otherwise.
    """
    text = inert(answer.text).replace("\n", PARAGRAPH)
    listed = "\n".join(map(_listed, answer.sources))
    checked = f"{PARAGRAPH}{inert(line)}" if (line := worded_line(answer)) else ""
    return f"{text}{SOURCES}{listed}{checked}" if listed else text


def _listed(source: Citation | Quote) -> str:
    where = heading_path(source.title, source.headings, source.page)
    place = f"- [{source.key}] {inert(where)} ({inert(source.source)})"
    quoted = [] if isinstance(source, Citation) else [f"  > {line}" for line in inert(source.quote).splitlines()]
    return "\n".join((place, *quoted))


def _head(kind: str) -> Json:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": MODEL_NAME}


def _proof(answer: Answer, content: str) -> Json:
    shown = answer_json(answer)
    return {
        "annotations": [_annotation(content, source, worded=answer.worded_by is not None) for source in answer.sources],
        OWN_KEY: {key: shown[key] for key in OWN_FIELDS},
    }


def _annotation(content: str, source: Citation | Quote, *, worded: bool) -> Json:
    """Return a source in the form that chat pages show: that of a page on the web, with the document's path as its URL.

    The path is quoted: a folder called "https:" is no scheme. The rest is plain text, and no Markdown.
    Pages take what has one URL for one source, so that `[2]` would be the second document: the key tells them apart.
    OpenAI's own citations of files have neither a title nor the words, and are of another interface.
    """
    start, end = _mark(content, source, worded=worded)
    title = heading_path(source.title, source.headings, source.page)
    place = {"url": f"{quote(source.source)}#{source.key}", "title": title, "content": source.quote}
    return {"type": "url_citation", "url_citation": {**place, "start_index": start, "end_index": end}}


def _mark(content: str, source: Citation | Quote, *, worded: bool) -> tuple[int, int]:
    """Return where in the content a source's [1] stands: after its claim, or in the list of sources."""
    mark = f"[{source.key}]"
    claim = f"{inert(source.claim)} " if isinstance(source, Citation) and not worded else ""
    at = content.find(f"{claim}{mark}") if claim or worded else -1
    start = at + len(claim) if at >= 0 else content.rfind(f"- {mark}") + len("- ")
    return start, start + len(mark)
