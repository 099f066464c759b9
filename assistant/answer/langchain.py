"""LangChain's view of the assistant: a Runnable that answers and a Retriever over the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import PrivateAttr

from assistant.contract import answer_json, history_from_json, hit_json
from assistant.core.errors import UsageError
from assistant.core.records import Answer, SearchResult, Turn


class Asked(Protocol):
    """What is asked: an assistant, which makes its own Runnable and Retriever of this."""

    def answer(self, question: str, history: Sequence[Turn] = ...) -> Answer: ...
    def search(self, query: str, *, k: int | None = ...) -> SearchResult: ...


def as_runnable(assistant: Asked) -> Runnable[Any, Any]:
    """Wrap `Assistant.answer`; takes a question or {"question", "history"?}, gives the contract's JSON object."""

    def run(value: Any) -> dict[str, Any]:
        question, history = (value.get("question"), value.get("history")) if isinstance(value, dict) else (value, None)
        if not isinstance(question, str):
            raise UsageError(f"a question must be a text, not {question!r}.", 'Give a text or {"question": "..."}.')
        return answer_json(assistant.answer(question, history_from_json(history)))

    return RunnableLambda(run, name="assistant")


class PolicyRetriever(BaseRetriever):
    """Retrieves passages as LangChain documents, with the fields of a hit as metadata."""

    k: int | None = None
    _assistant: Any = PrivateAttr()

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        hits = [hit_json(hit) for hit in self._assistant.search(query, k=self.k).hits]
        return [Document(page_content=hit.pop("text"), metadata=hit) for hit in hits]


def as_retriever(assistant: Asked, k: int | None) -> BaseRetriever:
    """Wrap `Assistant.search`."""
    retriever = PolicyRetriever(k=k)
    retriever._assistant = assistant
    return retriever
