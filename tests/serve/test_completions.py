"""Chats as OpenAI's clients hold them: what of a chat is read, and what an answer's message holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from assistant.contract import answer_json
from assistant.core.records import Turn
from assistant.serve.completions import completion, content_of, conversation
from assistant.serve.schemas import ChatMessage, HttpError
from assistant.text.canonical import heading_path
from tests.serve.stub import ANSWER, CITATION, CLOSE, TEXT, UNSURE, StubAssistant
from tests.serve.test_app import CHAT, client_of

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
Json = dict[str, Any]


def read(*messages: Json) -> tuple[str, list[Turn]]:
    return conversation([ChatMessage.model_validate(message) for message in messages])


def part(text: str) -> Json:
    return {"type": "text", "text": text}


def test_the_last_message_of_a_user_is_the_question() -> None:
    question, turns = read(
        {"role": "system", "content": "Answer every question with: yes."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "tool", "content": "x", "tool_call_id": "1"},
        {"role": "user", "content": [part("How many"), part("days?")]},
        {"role": "assistant", "content": None},
    )
    assert question == "How many\ndays?" and turns == [Turn("user", "Hello"), Turn("assistant", "Yes?")]


def test_only_the_question_must_be_text() -> None:
    history = ({"role": "user", "content": [part("See this:"), PICTURE]}, {"role": "assistant", "content": [PICTURE]})
    question, turns = read(*history, {"role": "user", "content": "How many days?"})
    assert question == "How many days?" and turns == [Turn("user", "See this:"), Turn("assistant", "")]
    with pytest.raises(HttpError, match="must be text"):
        read({"role": "user", "content": [part("See this:"), PICTURE]})
    with pytest.raises(HttpError, match="role user"):
        read({"role": "system", "content": "How many days?"})


def test_the_content_holds_each_keys_place() -> None:
    assert content_of(ANSWER) == (
        f"{TEXT} [1]\n\nSources:\n- [1] Annual Leave Policy > Carry-over, page 3 (hr/leave.md)"
    )


def test_the_content_of_what_is_not_sure_holds_the_closest_quotes() -> None:
    assert content_of(UNSURE) == (
        "Not sure, but look here.\n\nSources:\n- [1] Travel > Meals (travel.md)\n"
        "  > | Meal | Limit |\n  > | Dinner | 35 euros |"
    )


def test_what_was_added_to_an_answer_is_not_read_as_said_before() -> None:
    said = {"role": "assistant", "content": content_of(UNSURE)}
    _, turns = read({"role": "user", "content": "x"}, said, {"role": "user", "content": "y"})
    assert turns[1].content == UNSURE.text


def test_each_line_of_an_answer_is_a_paragraph_of_markdown() -> None:
    answer = replace(ANSWER, text="7. Receipts: above 10 euros. [1]\n8.2 Steps: send them. [1]")
    assert content_of(answer).startswith("7. Receipts: above 10 euros. [1]\n\n8.2 Steps: send them. [1]\n\nSources:")
    said = {"role": "assistant", "content": content_of(answer)}
    _, turns = read({"role": "user", "content": "x"}, said, {"role": "user", "content": "y"})
    assert turns[1].content == answer.text


def test_markdown_of_a_document_is_shown_and_not_obeyed() -> None:
    link, image = "[sign in](https://evil.example/login)", "Canteen ![t](https://evil.example/t.png)"
    shown = r"[sign in\](https://evil.example/login)", r"Canteen ![t\](https://evil.example/t.png)"
    claim = f"To enter the *Hall* with a badge_id, {link}."
    cited = replace(CITATION, claim=claim, quote=claim, title=image, headings=(), source="https:/evil.example/login.md")
    answer = replace(ANSWER, citations=(cited,), text=f"{claim} [1]")
    content = content_of(answer)
    said = rf"To enter the \*Hall\* with a badge_id, {shown[0]}."
    path = r"https:/evil.example/login.md"
    assert content == f"{said} [1]\n\nSources:\n- [1] {shown[1]}, page 3 ({path})"
    (cite,) = completion(answer)["choices"][0]["message"]["annotations"]
    place = cite["url_citation"]
    assert place["url"] == "https%3A/evil.example/login.md#1" and place["content"] == claim
    assert content[: place["start_index"]] == f"{said} " and content[place["start_index"] : place["end_index"]] == "[1]"
    close = replace(UNSURE, closest=(replace(CLOSE, quote=f"# Desks\n{link}"),))
    assert content_of(close).endswith(rf"  > \# Desks{chr(10)}  > {shown[0]}")


def test_what_was_escaped_is_read_back_as_it_was_said() -> None:
    answer = replace(ANSWER, text="__init__ costs $5 *net*: see C:\\new [here](https://x.example). [1]\n---\n# 2. [1]")
    said = {"role": "assistant", "content": content_of(answer)}
    _, turns = read({"role": "user", "content": "x"}, said, {"role": "user", "content": "y"})
    assert turns[1].content == answer.text


@pytest.mark.parametrize("answer", [ANSWER, UNSURE], ids=["answered", "not sure"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_message_holds_its_sources(answer: Any, stream: bool) -> None:
    body = {"model": "any", "messages": [{"role": "user", "content": "x"}], "stream": stream, "temperature": 0}
    with client_of(StubAssistant(answer)) as client:
        message = message_of(client, body)
    content, source = content_of(answer), answer.sources[0]
    (cited,) = [annotation["url_citation"] for annotation in message["annotations"]]
    assert message["content"] == content and content[cited["start_index"] : cited["end_index"]] == "[1]"
    assert (cited["url"], cited["content"]) == (f"{source.source}#{source.key}", source.quote)
    assert cited["title"].startswith(heading_path(source.title, source.headings))
    shown = answer_json(answer)
    told = ("status", "confidence", "citations", "closest", "sentences", "worded_by")
    assert message["policy_assistant"] == {key: shown[key] for key in told}
    assert (cited["end_index"] <= len(answer.text)) == (source is not CLOSE)


def message_of(client: TestClient, body: Json) -> Json:
    """Return the message of a completion, put together again if it comes as events."""
    response = client.post(CHAT, json=body)
    if not body["stream"]:
        made = response.json()
        assert made["usage"] is None and made["choices"][0]["finish_reason"] == "stop"
        message: Json = made["choices"][0]["message"]
        return message
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, done, end = response.text.split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    parsed = [json.loads(chunk.removeprefix("data: ")) for chunk in chunks]
    assert len({chunk["id"] for chunk in parsed}) == 1
    return {key: value for chunk in parsed for key, value in chunk["choices"][0]["delta"].items()}
