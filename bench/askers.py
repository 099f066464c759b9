"""Let many ask through the page at once:  python -m bench.askers [--askers 200] [--seconds 60]

The sample company is served by the command. Each asker loads the page, its style sheet and its script, sends the form
with one of the company's questions, and begins again; whoever is told that too many wait comes again after the time
that the server says, as the page's script does. Told are the times of what needs no answer, the answers, the server's
memory, and everything that went wrong. The askers share the machine with the server, so they speak HTTP by a few lines
over sockets: a client that parses with care takes as long for a response as the server. Quiet machine only.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from bench.common import (
    ROOT,
    console,
    note_load,
    parser,
    percentile,
    read_jsonl,
    run_ingest,
    scratch,
    serving,
    settings,
    write_json,
)

QUESTIONS = ROOT / "corpora" / "questions.jsonl"
STATIC = ("/", "/page.css", "/page.js")
MOST_STATIC_MS = 100.0  # 95th percentile
MOST_GROWN = 1.5  # memory at the end, as a share of that after the first answers
PATIENCE = 120.0  # seconds for one response


@dataclass(slots=True)
class Load:
    """What all askers met, in milliseconds."""

    static: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


class Client:
    """Speaks as much HTTP as the page's server answers: one connection, bodies of a known length."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(
        self, method: str, path: str, form: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of a response; raises OSError, EOFError or TimeoutError."""
        body = urlencode(form or {}).encode()
        host, port = self._address
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n" if form else "\r\n"
        async with asyncio.timeout(PATIENCE):
            if self._streams is None or self._streams[0].at_eof():
                self.close()
                self._streams = await asyncio.open_connection(host, port)
            reader, writer = self._streams
            writer.write(head.encode() + body)
            status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            await reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams:
            self._streams[1].close()


async def use(client: Client, questions: Sequence[str], ends: float, load: Load, seed: int) -> None:
    """Load the page and ask, until the time is over."""
    rng = random.Random(seed)
    while time.monotonic() < ends:
        try:
            for path in STATIC:
                began = time.perf_counter()
                status, _ = await client.request("GET", path)
                load.static.append(1000 * (time.perf_counter() - began))
                load.statuses[f"{path} {status}"] += 1
                if status != HTTPStatus.OK:
                    load.faults[f"{path} {status}"] += 1
            await ask(client, rng.choice(questions), ends, load)
        except (OSError, EOFError) as error:
            load.faults[repr(error)[:120]] += 1
    client.close()


async def ask(client: Client, question: str, ends: float, load: Load) -> None:
    """Send the form until it is answered, or the time is over."""
    began = time.perf_counter()
    while True:
        status, headers = await client.request("POST", "/", {"question": question, "history": "[]"})
        load.statuses[f"POST / {status}"] += 1
        if status != HTTPStatus.SERVICE_UNAVAILABLE:
            break
        if time.monotonic() >= ends:
            return
        await asyncio.sleep(float(headers["retry-after"]))
    load.answers.append(1000 * (time.perf_counter() - began))
    if status != HTTPStatus.OK:
        load.faults[f"POST / {status}"] += 1


async def use_all(address: str, askers: int, seconds: float, questions: Sequence[str], load: Load) -> None:
    """Let so many ask at once, each over a connection of their own."""
    ends = time.monotonic() + seconds
    host, _, port = address.removeprefix("http://").partition(":")
    clients = [Client((host, int(port))) for _ in range(askers)]
    await asyncio.gather(*(use(client, questions, ends, load, seed) for seed, client in enumerate(clients)))


def megabytes(pid: int) -> float:
    """Return the memory that a process has in use."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--askers", type=int, default=200)
    options.add_argument("--seconds", type=float, default=60.0)
    given = options.parse_args()
    note_load()
    questions = [row["question"] for row in read_jsonl(QUESTIONS)]
    first, load = Load(), Load()
    with scratch("askers") as folder:
        config = settings(given, folder / "index")
        run_ingest([ROOT / "corpora"], config)
        with serving(config) as (address, pid):
            asyncio.run(use_all(address, config.serve.at_once, 10, questions, first))
            before = megabytes(pid)
            asyncio.run(use_all(address, given.askers, given.seconds, questions, load))
            after = megabytes(pid)
    static = percentile(load.static, 0.95)
    console.print(f"{given.askers} askers for {given.seconds:g} s")
    console.print(f"static parts: {len(load.static):,}, p50 {percentile(load.static, 0.5):.0f} ms, p95 {static:.0f} ms")
    console.print(f"answers: {len(load.answers):,}, p50 {percentile(load.answers, 0.5) / 1000:.1f} s until there")
    console.print(f"memory: {before:.0f} MB after the first answers, {after:.0f} MB at the end")
    console.print(f"statuses: {dict(load.statuses)}; faults: {dict(load.faults)}")
    write_json(
        given.json,
        {
            "askers": given.askers,
            "seconds": given.seconds,
            "static_p95_ms": static,
            "answers": len(load.answers),
            "megabytes": [before, after],
            "statuses": load.statuses,
            "faults": load.faults,
        },
    )
    sys.exit(7 if load.faults or static > MOST_STATIC_MS or after > MOST_GROWN * before else 0)


if __name__ == "__main__":
    main()
