"""The index as tools of a model: a server of the Model Context Protocol, read-only and bound to one audience.

`ask`, `terms` and `verify` answer with the JSON of the command of their name; all have its guards and its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, from_thread, to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field, ValidationError

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.answer.steps import Waiting, go_on
from assistant.contract import answer_json, history_from_json, hit_json, saved_answer, term_json
from assistant.core.errors import EndpointFailed, first_problem
from assistant.core.package import __version__
from assistant.core.records import MAX_QUESTION, Access, Quote
from assistant.serve.errors import Notify, translator
from assistant.serve.middleware import only_posts
from assistant.serve.schemas import MODEL_NAME

INSTRUCTIONS = """\
Answers from an organisation's own policies and terminology. Call `ask` with the person's question; tell the answer with
its citations (source, headings, page), and never more than they say. Where `worded_by` names a model, its sentences are
checked, and the quotes decide. Where the status is `abstained`, say that the documents do not answer it; `closest`, if
there is one, is where to look. `search` shows the passages themselves, `open_quote` what stands around a quote, `terms`
what a word means here, and `verify` checks a saved answer."""
MAX_NAMES = 500  # of terms in one list: some 10 kB
READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Question = Annotated[str, Field(description="The question, as the person asked it.", max_length=MAX_QUESTION)]
History = Annotated[
    list[dict[str, str]] | None,
    Field(description='Earlier turns, oldest first: {"role": "user" or "assistant", "content": ...}.'),
]
Query = Annotated[str, Field(description="What to look for.", max_length=MAX_QUESTION)]
Hits = Annotated[int | None, Field(description="How many passages.", ge=1, le=100)]
Name = Annotated[str, Field(description="A term or an abbreviation; empty lists the names of all.")]
Source = Annotated[str, Field(description="The citation's `source`.")]
Sha = Annotated[str, Field(description="The citation's `document_sha256`.")]
Start = Annotated[int, Field(description="The citation's `start`.", ge=0)]
Said = Annotated[str, Field(description="The citation's `quote`.", min_length=1)]
Saved = Annotated[
    dict[str, Any], Field(description="What `ask` returned; `hits`, `verdicts` and `timings_ms` may be left out.")
]
Json = dict[str, Any]


def make_server(assistant: Assistant, access: Callable[[], Access], notify: Notify) -> MCPServer:
    """Return a server whose tools ask this assistant; several at once, each in a thread.

    `access` says as whom and of which day when a call comes: a server may run for weeks. `notify` is called with what
    whoever runs it must fix; the model is told of an error what a client of HTTP is.
    """
    translate = translator(notify, lambda _: None)  # there is no /metrics here
    server = PlainErrorServer(MODEL_NAME, version=__version__, instructions=INSTRUCTIONS, log_level="WARNING")
    limiter = CapacityLimiter(assistant.config.serve.at_once)

    async def run(work: Callable[[], Json | Waiting[Json]]) -> Json:
        try:
            outcome = await to_thread.run_sync(work, limiter=limiter)
            while isinstance(outcome, Waiting):
                reply = await _reply(outcome)
                outcome = await to_thread.run_sync(partial(outcome.resume, reply), limiter=limiter)
            return outcome
        except Exception as error:
            raise ToolError(str(translate(error))) from error

    @server.tool(annotations=READ_ONLY)
    async def ask(question: Question, history: History = None) -> Json:
        """Answer a question from the documents; each sentence has a verbatim quote and its place, or it abstains."""
        return await run(partial(_asked, assistant, access(), question, history))

    @server.tool(annotations=READ_ONLY)
    async def search(query: Query, k: Hits = None) -> Json:
        """Show the passages that a question would be answered from, best first."""
        return await run(partial(_found, assistant, access(), query, k))

    @server.tool(annotations=READ_ONLY)
    async def open_quote(source: Source, document_sha256: Sha, start: Start, quote: Said) -> Json:
        """Show what stands before and after a citation's quote in its document."""
        return await run(partial(_around, assistant, access(), source, document_sha256, start, quote))

    @server.tool(annotations=READ_ONLY)
    async def terms(name: Name = "") -> Json:
        """Say what a term or an abbreviation means in these documents, with the source; or list the names of all."""
        return await run(partial(_terms, assistant, access(), name))

    @server.tool(annotations=READ_ONLY)
    async def verify(answer: Saved) -> Json:
        """Check every quote and statement of a saved answer against the documents as they are now."""
        return await run(partial(_verified, assistant, access(), answer))

    return server


class PlainErrorServer(MCPServer):
    """Says in a sentence which argument of a call is wrong."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(first_problem(error.__cause__.errors(include_url=False))) from None
            raise


def http_app(server: MCPServer) -> object:
    """Return a server's tools over HTTP, without sessions and without streams that a client keeps open.

    No tool needs them, and whoever reaches the port could open all that there may be.
    """
    return only_posts(server.streamable_http_app(stateless_http=True))


def _asked(
    assistant: Assistant, access: Access, question: str, history: list[dict[str, str]] | None
) -> Json | Waiting[Json]:
    return go_on(assistant.begin(question, history_from_json(history), access=access, stage=_check), answer_json)


async def _reply(waiting: Waiting[Json]) -> str | EndpointFailed:
    try:
        return await asyncio.wrap_future(waiting.reply)
    except EndpointFailed as error:
        return error


def _check(_stage: str) -> None:
    """End an answer that its client has given up, between two of its steps."""
    from_thread.check_cancelled()


def _found(assistant: Assistant, access: Access, query: str, k: int | None) -> Json:
    hits = assistant.search(query, k=k, access=access).hits
    return {"query": query, "status": "found" if hits else "not_found", "hits": [hit_json(hit) for hit in hits]}


def _terms(assistant: Assistant, access: Access, name: str) -> Json:
    """Return the definitions of a name, or the names of all: their definitions are more than a model should read."""
    found = assistant.terms(name, access=access)
    if name:
        return {"terms": [term_json(*entry) for entry in found]}
    names = sorted({term.name for term, _, _ in found}, key=str.casefold)
    return {"names": names[:MAX_NAMES], "left_out": max(0, len(names) - MAX_NAMES)}


def _around(assistant: Assistant, access: Access, source: str, sha256: str, start: int, quote: str) -> Json:
    found = Quote(
        key=0,
        quote=quote,
        source=source,
        title="",
        headings=(),
        page=None,
        start=start,
        end=start + len(quote),
        document_sha256=sha256,
    )
    text, begin, end = assistant.around(found, access)
    return {"before": text[:begin], "quote": text[begin:end], "after": text[end:]}


def _verified(assistant: Assistant, access: Access, answer: Json) -> Json:
    with assistant.reading() as catalog:
        checks = verify_answer(saved_answer(answer), catalog, access)
    return {"verified": not any(check.problem for check in checks), "checks": [asdict(check) for check in checks]}
