"""A chat as OpenAI's clients hold it -> a question with its history; an answer -> a completion, whole or in chunks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from assistant.contract import answer_json, dumps
from assistant.core.records import Answer, Citation, Quote, Turn
from assistant.serve.refused import bad_request
from assistant.serve.requests import NAME, ChatMessage

OWN_KEY = "policy_assistant"  # of a message: what the contract says of an answer
TOLD = ("status", "confidence", "citations", "closest")

Json = dict[str, Any]


def conversation(messages: Sequence[ChatMessage]) -> tuple[str, list[Turn]]:
    """Return the question, which is the last message of a user, and the turns before it; raises Refused without one.

    What a system message orders is no policy, and what follows the question has not been said.
    """
    said = [Turn(m.role, _text(m)) for m in messages if m.role in ("user", "assistant")]
    asked = [at for at, turn in enumerate(said) if turn.role == "user"]
    if not asked:
        raise bad_request("messages: there is none with the role user.")
    return said[asked[-1]].content, said[: asked[-1]]


def _text(message: ChatMessage) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    if any(part.type != "text" for part in message.content):
        raise bad_request("messages: only text can be read, no pictures, sound or files.")
    return "\n".join(part.text for part in message.content)


def completion(answer: Answer) -> Json:
    """Return an answer as a chat completion."""
    message = {"role": "assistant", "content": answer.text, **_proof(answer)}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**_head("chat.completion"), "choices": [choice]}


def events(answer: Answer) -> bytes:
    """Return an answer as server-sent events: the text, then its proof. Nothing is sent before all of it is checked."""
    head = _head("chat.completion.chunk")
    deltas: list[tuple[Json, str | None]] = [
        ({"role": "assistant", "content": answer.text}, None),
        (_proof(answer), "stop"),
    ]
    chunks = [
        dumps({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]})
        for delta, reason in deltas
    ]
    return "".join(f"data: {chunk}\n\n" for chunk in (*chunks, "[DONE]")).encode()


def models() -> Json:
    """Return the list of the one model that there is."""
    return {"object": "list", "data": [{"id": NAME, "object": "model", "created": 0, "owned_by": NAME}]}


def _head(kind: str) -> Json:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": NAME}


def _proof(answer: Answer) -> Json:
    told = answer_json(answer)
    return {
        "annotations": [_annotation(answer.text, source) for source in answer.sources],
        OWN_KEY: {key: told[key] for key in TOLD},
    }


def _annotation(text: str, source: Citation | Quote) -> Json:
    """Return a source in the form that chat pages show: that of a page on the web, with the document's path as its URL.

    OpenAI's own citations of files have neither a title nor the words, and are of another interface.
    """
    start, end = _mark(text, source)
    place = {"url": source.source, "title": source.title, "content": source.quote}
    return {"type": "url_citation", "url_citation": {**place, "start_index": start, "end_index": end}}


def _mark(text: str, source: Citation | Quote) -> tuple[int, int]:
    """Return where in the answer a source's [1] stands; all of it for one that is only near."""
    mark = f"[{source.key}]"
    claim = f"{source.claim} " if isinstance(source, Citation) else ""
    at = text.find(f"{claim}{mark}")
    return (at + len(claim), at + len(claim) + len(mark)) if at >= 0 else (0, len(text))
