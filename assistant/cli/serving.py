"""Commands that serve others: mcp."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from assistant.cli.options import AsOf, ConfigFile, Data, Roles
from assistant.cli.session import assistant_for, renderer
from assistant.core.errors import UsageError
from assistant.core.extras import need

HOST = "127.0.0.1"


def mcp(
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Serve HTTP on this machine's port N instead of stdio.")
    ] = 0,
    config: ConfigFile = None,
    data: Data = None,
    roles: Roles = "",
    as_of: AsOf = "",
) -> None:
    """Serve search, ask, open_quote, terms and verify to a model (Model Context Protocol)."""
    need("mcp", "mcp")
    from assistant.mcp_server import make_server

    view = renderer()
    if port:
        _check_port(port)
    with assistant_for("mcp", config, data, roles, as_of, view) as assistant:
        server = make_server(assistant)
        if port:
            view.note(f"Serving http://{HOST}:{port}/mcp to this machine; Ctrl-C ends it.")
            server.run("streamable-http", host=HOST, port=port)
        else:
            server.run()


def _check_port(port: int) -> None:
    """Raise UsageError before any model is loaded if somebody has the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UsageError(f"port {port} cannot be had: {error.strerror}.", "Choose another with --port.") from error
