"""Commands that serve others: mcp, serve, token."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.context import Context, takes
from assistant.core.errors import UsageError
from assistant.core.package import need

HOST = "127.0.0.1"


@takes("data", "access")
def mcp(
    context: Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Serve HTTP on this machine's port N instead of stdio.")
    ] = 0,
) -> None:
    """Serve search, ask, open_quote, terms and verify to a model (Model Context Protocol)."""
    need("mcp", "mcp")
    from assistant.serve.mcp import http_app, make_server

    view = context.renderer()
    with _bound(HOST, port) if port else nullcontext() as listener, context.assistant("mcp", view) as assistant:
        server = make_server(assistant, context.access, view.error)
        if listener is None:
            server.run()
            return
        from assistant.serve.server import run_until_signal

        said = f"Serving http://{HOST}:{port}/mcp to this machine; Ctrl-C ends it."
        run_until_signal(http_app(server), listener, lambda: view.note(said), "on")


@takes("data", "access", "json")
def serve(
    context: Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address; this one is this machine's alone.")] = HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="The port to serve.")] = 8080,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="A token that clients must show.")
    ] = None,
) -> None:
    """Serve ask, search and OpenAI's chat completions over HTTP.

    With --json, each request and each error is an object on stdout: the path, the status and the seconds of a request,
    and nothing that it holds.
    """
    need("serve", "serve")
    from assistant.serve.identity import make_door
    from assistant.serve.server import serve as serve_http

    view = context.renderer()
    door = make_door(context.settings(), host, token_file, context.access)  # asked each time: today moves on

    def log(line: Mapping[str, object]) -> None:
        with suppress(OSError):  # whoever read it has gone; the answers go on
            view.json({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line})

    with (
        _bound(host, port) as listener,
        context.assistant("serve", view) as assistant,
    ):
        address = f"[{host}]" if ":" in host else host
        serve_http(
            assistant,
            door,
            listener,
            lambda: view.note(f"Serving http://{address}:{port}; Ctrl-C ends it."),
            (lambda cause, hint: log({"error": cause, "hint": hint})) if context.json else view.error,
            log if context.json else None,
        )


@takes("roles", "json")
def token(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is for: a person or a program.")],
    until: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The last day on which it holds.")] = "",
) -> None:
    """Make a token for somebody who asks `assistant serve`, and its line for the file that serve.tokens names.

    The token is shown this once: the file has its hash alone. Without --as it is for what everybody may see. To take a
    token back, take its line out; the server needs no restart.
    """
    need("serve", "token")
    from assistant.serve.tokens import make_token

    shown, made = make_token(name, context.roles.split(","), until)
    view = context.renderer()
    view.result({"token": shown, "line": made.line}, lambda: view.token(shown, made.line))


def _bound(host: str, port: int) -> socket.socket:
    """Take a port, before any model is loaded; raises UsageError if somebody has it, or if there is no such address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"there is no address {host!r}.", "Check --host.") from error
    taken = socket.socket(family, kind, protocol)
    try:
        if os.name != "nt":  # where it would take the port from whoever has it
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        hint = "Check --host." if error.errno == errno.EADDRNOTAVAIL else "Choose another with --port."
        raise UsageError(f"port {port} cannot be had at {host}: {error.strerror}.", hint) from error
    return taken
