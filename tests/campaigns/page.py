"""Let ten askers use the page at once:  python -m tests.campaigns.page [-n 3000] [--seed 1] [--real]

The documents, their audiences and what a leak is are those of `permissions`; here ten people with tokens of their own
ask one server at the same time. Each asks by the page's form, goes on with the conversation that the page holds, opens
the places that others were shown, speaks of their own answers and of others', and uses the three ways of programs. Then
audiences change, and all of it is done again.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing, nullcontext
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import httpx

from assistant.answer.assistant import Assistant
from assistant.core.config import ServeSection
from assistant.core.records import make_access
from assistant.serve.app import make_app
from assistant.serve.identity import Door
from assistant.serve.queue import RequestQueue
from assistant.serve.tokens import NamedToken, TokenFile
from bench.common import console, quiet_config, settings, show_counts
from tests.campaigns.permissions import (
    FOLLOW_UP,
    STEPS,
    TODAY,
    Doc,
    Person,
    Tally,
    ingest_as_told,
    make_docs,
    make_person,
    questions_for,
    run_campaign,
    without_models,
    write_docs,
)

ROLES = {  # of each asker, whose token is their name
    "anna": "",
    "ben": "",
    "carla": "hr",
    "dev": "hr",
    "emma": "legal",
    "femi": "board",
    "gwen": "hr,legal",
    "hana": "hr,board",
    "ivan": "legal,board",
    "jo": "visitor",
}
BUSY = (429, 503)


@dataclass(slots=True)
class Asker:
    """Somebody with a token: what they asked, which their pages may repeat, and what their last page holds."""

    who: Person
    client: httpx.AsyncClient
    said: list[str] = field(default_factory=list)
    history: str = "[]"
    answers: list[str] = field(default_factory=list)  # IDs, which others try too
    places: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Round:
    """Ten askers at once, each of whom draws what to do next; statuses are counted by what was done."""

    askers: Sequence[Asker]
    questions: Sequence[str]
    rng: random.Random
    tally: Tally

    async def run(self, each: int) -> None:
        """Let every asker make so many requests."""
        async with asyncio.TaskGroup() as group:
            for asker in self.askers:
                group.create_task(self._use(asker, each))

    async def _use(self, asker: Asker, each: int) -> None:
        ways: Sequence[Callable[[Asker], Awaitable[tuple[str, httpx.Response]]]] = (
            self._ask,
            self._go_on,
            self._open,
            self._speak,
            self._program,
        )
        for _ in range(each):
            name, response = await self.rng.choices(ways, (4, 2, 2, 1, 3))[0](asker)
            text = html.unescape(response.text)
            self.tally.add(f"{name}: {response.status_code}", asker.who, " ".join(asker.said), text)
            asker.places += [html.unescape(found) for found in re.findall(r'href="(/source\?[^"]+)"', response.text)]

    async def _send(self, asker: Asker, method: str, path: str, **given: object) -> httpx.Response:
        while True:
            response = await asker.client.request(method, path, **given)  # type: ignore[arg-type]
            if response.status_code not in BUSY:
                return response
            await asyncio.sleep(0.05)

    async def _post(self, asker: Asker, question: str, history: str) -> httpx.Response:
        asker.said.append(question)
        response = await self._send(asker, "POST", "/", data={"question": question, "history": history})
        found = re.search(r'name="history" value="([^"]*)"', response.text)
        asker.history = html.unescape(found[1]) if found else "[]"
        asker.answers += re.findall(r'name="answer" value="([0-9a-f]+)"', response.text)
        return response

    async def _ask(self, asker: Asker) -> tuple[str, httpx.Response]:
        return "page", await self._post(asker, self.rng.choice(self.questions), "[]")

    async def _go_on(self, asker: Asker) -> tuple[str, httpx.Response]:
        return "page, follow-up", await self._post(asker, FOLLOW_UP, asker.history)

    async def _open(self, asker: Asker) -> tuple[str, httpx.Response]:
        places = self.rng.choice(self.askers).places
        return "place", await self._send(asker, "GET", self.rng.choice(places) if places else "/")

    async def _speak(self, asker: Asker) -> tuple[str, httpx.Response]:
        """Mark an answer, one's own or another's; half the time quote as right what one may not see."""
        answers = self.rng.choice((asker, self.rng.choice(self.askers))).answers
        hidden = f"The project {self.rng.choice(sorted(asker.who.hidden))} is led from"
        quote = self.rng.choice(("", hidden))
        form = {"answer": self.rng.choice(answers or ["0" * 12]), "opinion": "wrong", "quote": quote}
        asker.said.append(quote)
        return "feedback", await self._send(asker, "POST", "/feedback", data=form)

    async def _program(self, asker: Asker) -> tuple[str, httpx.Response]:
        question = self.rng.choice(self.questions)
        asker.said.append(question)
        way, body = self.rng.choice(
            (
                ("ask", {"question": question}),
                ("search", {"query": question}),
                ("chat/completions", {"messages": [{"role": "user", "content": question}]}),
            )
        )
        return f"v1/{way}", await self._send(asker, "POST", f"/v1/{way}", json=body)


def run_all(options: argparse.Namespace, folder: Path) -> Tally:
    rng, tally = random.Random(options.seed), Tally()
    config = quiet_config(folder / "index", settings(options, folder).models_dir)
    config = replace(config, guards=replace(config.guards, injection="off"), serve=ServeSection(at_once=4, queue=64))
    tokens = TokenFile(folder / "tokens")
    tokens.path.touch(0o600)
    tokens.path.write_text("".join(f"{_token(name, roles).line}\n" for name, roles in ROLES.items()), encoding="utf-8")
    each = max(1, round(options.n / (len(STEPS) * len(ROLES))))
    with nullcontext(None) if options.real else without_models(config) as encoder:
        docs = make_docs(rng)
        for step, change in STEPS.items():
            docs = change(docs, rng)
            write_docs(docs, folder / "docs")
            ingest_as_told([folder / "docs"], config, encoder)
            with closing(Assistant(config, audit=True)) as assistant:
                asyncio.run(ask_at_once(assistant, tokens, docs, rng, tally, each))
            console.print(f"{step}: {tally.asked.total():,} requests, {len(tally.leaks)} leaks")
    return tally


def _token(name: str, roles: str) -> NamedToken:
    return NamedToken(name, make_access(roles.split(",")).roles, "", sha256(name.encode()).hexdigest())


async def ask_at_once(
    assistant: Assistant, tokens: TokenFile, docs: Sequence[Doc], rng: random.Random, tally: Tally, each: int
) -> None:
    """Serve the assistant to all askers, each of whom makes so many requests."""
    queue = RequestQueue(assistant.config.serve)
    door = Door(tokens=tokens, everybody=lambda: make_access((), TODAY))
    app = make_app(assistant, door, queue, lambda *told: None)
    async with AsyncExitStack() as stack:
        askers = []
        for name, roles in ROLES.items():
            signed = {"Authorization": f"Bearer {name}"}
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://policies", headers=signed)
            askers.append(Asker(make_person(roles, TODAY, docs), await stack.enter_async_context(client)))
        await Round(askers, questions_for(docs), rng, tally).run(each)
    queue.close()


def show(tally: Tally, seconds: float) -> None:
    columns = {"requests": tally.asked, "rightly told": tally.told, "leaks": tally.leaked}
    show_counts("Ten askers at once", "what, and the status", columns, tally.leaks)
    console.print(f"{tally.asked.total():,} requests, {seconds:,.0f} s")


if __name__ == "__main__":
    run_campaign(__doc__, "page", 3_000, run_all, show)
