"""LangChain programs ask the assistant, and search its index."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough

from assistant.answer.assistant import Assistant
from assistant.contract import answer_json
from assistant.core.errors import UsageError

CARRY = "How much annual leave may employees carry over?"
HOTEL = "What is the limit for a hotel night?"
TEXT = "Employees may carry over at most 1.5 weeks of annual leave."


def timeless(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "timings_ms"}


def test_the_runnable_answers_a_text_and_an_object_alike(office: Assistant) -> None:
    expected = timeless(answer_json(office.answer(CARRY)))
    assert expected["status"] == "answered" and TEXT in expected["answer"]
    assert timeless(office.as_runnable().invoke(CARRY)) == expected
    assert timeless(office.as_runnable().invoke({"question": CARRY})) == expected
    assert timeless(office.as_runnable().invoke({"question": CARRY, "history": None})) == expected


def test_the_runnable_takes_a_conversation(office: Assistant) -> None:
    history = [{"role": "user", "content": HOTEL}, {"role": "assistant", "content": "140 euros. [1]"}]
    value = {"question": "How much is it?", "history": history}
    assert "140 euros" in office.as_runnable().invoke(value)["answer"]
    assert office.as_runnable().invoke({**value, "history": []})["status"] == "abstained"


@pytest.mark.parametrize(
    "value", [{"history": []}, {"question": 5}, None, {"question": CARRY, "history": [{"role": "x"}]}]
)
def test_the_runnable_refuses_what_is_no_question(office: Assistant, value: Any) -> None:
    with pytest.raises(UsageError):
        office.as_runnable().invoke(value)


def test_a_batch_runs_in_threads_and_answers_in_order(office: Assistant) -> None:
    questions = [CARRY, HOTEL, "Which hamsters live on Jupiter?", "What does RTO mean?"] * 4
    answers = office.as_runnable().batch(questions, config={"max_concurrency": 8})
    assert [answer["question"] for answer in answers] == questions
    assert [answer["status"] for answer in answers] == ["answered", "answered", "abstained", "answered"] * 4
    assert answers[0]["answer"] == answers[4]["answer"]


def test_the_retriever_gives_documents_with_their_place(office: Assistant) -> None:
    documents = office.as_retriever(k=2).invoke(CARRY)
    assert len(documents) == 2 and all(isinstance(document, Document) for document in documents)
    first = documents[0]
    assert TEXT in first.page_content
    assert first.metadata["source"] == "hr/leave.md" and first.metadata["title"] == "Annual Leave Policy"
    assert set(first.metadata) == {"rank", "source", "title", "headings", "page", "score", "methods"}
    assert [document.metadata["rank"] for document in documents] == [1, 2]


def test_the_retriever_sees_no_more_than_its_assistant(office: Assistant) -> None:
    documents = office.as_retriever(k=100).invoke("What is the salary band of a senior engineer?")
    assert documents and {d.metadata["source"] for d in documents}.isdisjoint({"salaries.md", "bicycle.md"})


def test_both_work_inside_a_chain(office: Assistant) -> None:
    prompt = ChatPromptTemplate.from_template("Context: {context}\nQuestion: {question}")
    told = RunnableLambda(lambda value: value.to_messages()[0].content)
    join: RunnableLambda[Any, str] = RunnableLambda(lambda found: "\n".join(one.page_content for one in found))
    chain = {"context": office.as_retriever(k=1) | join, "question": RunnablePassthrough()} | prompt | told
    text = (chain | StrOutputParser()).invoke(CARRY)
    assert text.startswith("Context: ") and TEXT in text and text.endswith(f"Question: {CARRY}")


def test_both_work_side_by_side(office: Assistant) -> None:
    both = RunnableParallel(found=office.as_retriever(k=1), answer=office.as_runnable())
    for _ in range(3):
        result = both.invoke(HOTEL)
        assert result["found"][0].metadata["source"] == result["answer"]["citations"][0]["source"] == "travel.md"


def test_the_async_side_answers_too(office: Assistant) -> None:
    import asyncio

    answer = asyncio.run(office.as_runnable().ainvoke(CARRY))
    assert TEXT in answer["answer"]
