"""The index as tools of a model: a server of the Model Context Protocol, read-only and bound to one audience.

Every tool answers with the JSON of the command of its name, behind the same guards, and is logged as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, from_thread, to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import check_place, verify_answer
from assistant.contract import answer_json, history_from_json, search_json, term_json
from assistant.core.errors import AssistantError, UsageError
from assistant.core.package import __version__
from assistant.core.records import Access, Quote

NAME = "policy-assistant"
INSTRUCTIONS = """\
Answers from an organisation's own policies and terminology. Call `ask` with the person's question; tell the answer with
its citations (source, headings, page), and never more than they say. Where the status is `abstained`, say that the
documents do not answer it; `closest`, if there is one, is where to look. `search` shows the passages themselves,
`open_quote` what stands around a quote, `terms` what a word means here, and `verify` checks a saved answer."""
AT_ONCE = 4  # calls; others wait
READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Question = Annotated[str, Field(description="The question, as the person asked it.", max_length=4_000)]
History = Annotated[
    list[dict[str, str]] | None,
    Field(description='Earlier turns, oldest first: {"role": "user" or "assistant", "content": ...}.'),
]
Query = Annotated[str, Field(description="What to look for.", max_length=4_000)]
Hits = Annotated[int | None, Field(description="How many passages.", ge=1, le=100)]
Name = Annotated[str, Field(description="A term or an abbreviation; all of them when empty.")]
Source = Annotated[str, Field(description="The citation's `source`.")]
Sha = Annotated[str, Field(description="The citation's `document_sha256`.")]
Start = Annotated[int, Field(description="The citation's `start`.", ge=0)]
Said = Annotated[str, Field(description="The citation's `quote`.", min_length=1)]
Saved = Annotated[dict[str, Any], Field(description="What `ask` returned.")]
Json = dict[str, Any]


def make_server(assistant: Assistant, access: Callable[[], Access]) -> MCPServer:
    """Return a server whose tools ask this assistant; several at once, each in a thread.

    `access` says as whom and of which day when a call comes: a server may run for weeks.
    """
    server = MCPServer(NAME, version=__version__, instructions=INSTRUCTIONS, log_level="WARNING")
    limiter = CapacityLimiter(AT_ONCE)

    async def run(work: Callable[[], Json]) -> Json:
        try:
            return await to_thread.run_sync(work, limiter=limiter)
        except AssistantError as error:
            raise ToolError(str(error)) from error

    @server.tool(annotations=READ_ONLY)
    async def ask(question: Question, history: History = None) -> Json:
        """Answer a question from the documents; each sentence has a verbatim quote and its place, or it abstains."""
        return await run(partial(_asked, assistant, access(), question, history))

    @server.tool(annotations=READ_ONLY)
    async def search(query: Query, k: Hits = None) -> Json:
        """Show the passages that a question would be answered from, best first."""
        return await run(lambda: search_json(assistant.search(query, k=k, access=access())))

    @server.tool(annotations=READ_ONLY)
    async def open_quote(source: Source, document_sha256: Sha, start: Start, quote: Said) -> Json:
        """Show what stands before and after a citation's quote in its document."""
        return await run(partial(_around, assistant, access(), source, document_sha256, start, quote))

    @server.tool(annotations=READ_ONLY)
    async def terms(name: Name = "") -> Json:
        """Say what a term or an abbreviation means in these documents, with the source; or list all of them."""
        return await run(lambda: {"terms": [term_json(*entry) for entry in assistant.terms(name, access=access())]})

    @server.tool(annotations=READ_ONLY)
    async def verify(answer: Saved) -> Json:
        """Check every quote and statement of a saved answer against the documents as they are now."""
        return await run(partial(_verified, assistant, access(), answer))

    return server


def _asked(assistant: Assistant, access: Access, question: str, history: list[dict[str, str]] | None) -> Json:
    return answer_json(assistant.answer(question, history_from_json(history), access=access, stage=_go_on))


def _go_on(_stage: str) -> None:
    """End an answer that its client has given up, between two of its steps."""
    from_thread.check_cancelled()


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
    if problem := check_place(
        found, assistant.catalog, access
    ):  # a letter of a secret would show what stands around it
        raise UsageError(f"no answer quotes that: {problem}.", "Give a citation's own source, hash, start and quote.")
    text, begin, end = assistant.around(found, access)
    return {"before": text[:begin], "quote": text[begin:end], "after": text[end:]}


def _verified(assistant: Assistant, access: Access, answer: Json) -> Json:
    checks = verify_answer(answer, assistant.catalog, access, assistant.config.answer.min_support)
    return {"verified": not any(check.problem for check in checks), "checks": [asdict(check) for check in checks]}
