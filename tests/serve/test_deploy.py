"""What docs/use/deploy.md tells to install: a real nginx with the page's own configuration, and the unit of systemd."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
import uvicorn

from assistant.cli import app as commands
from assistant.core.config import parse_config
from assistant.serve.app import make_app
from assistant.serve.identity import make_door
from assistant.serve.queue import RequestQueue
from assistant.serve.server import uvicorn_settings
from tests.commands import free_port
from tests.conftest import ROOT
from tests.serve.stub import StubAssistant
from tests.serve.test_app import ASK, QUESTION, TOKEN

FOLDER = ROOT / "docs" / "use" / "deploy"
PEOPLE = {
    "anna": ("anna@example.com", "policy-hr"),
    "bob": ("bob@example.com", ""),
    "eve": ("eve@example.com", "other"),
}
FORGED = "board@example.com"
SIGN_ON = "sign on"
SEEN: list[str] = []  # what of a client's own names for itself got as far as the service that signs people on
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
needs_nginx = pytest.mark.skipif(not (NGINX and shutil.which("openssl")), reason="nginx or openssl is not installed")
linux = pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux has all of 127.0.0.0/8")


class SignOn(BaseHTTPRequestHandler):
    """The service that signs people on: whoever's name the cookie has; its page says where it leads back to."""

    def do_GET(self) -> None:
        if self.path != "/oauth2/auth":
            self._show_page()
            return
        name = (self.headers["Cookie"] or "").removeprefix("session=")
        self.send_response(202 if name in PEOPLE else 401)
        if name in PEOPLE:
            for header, value in zip(("User", "Groups"), PEOPLE[name], strict=True):
                self.send_header(f"X-Auth-Request-{header}", value)
        SEEN.extend(
            value
            for header, value in self.headers.items()
            if header.lower() in ("x-forwarded-user", "x-forwarded-groups")
        )
        self.end_headers()

    def _show_page(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        told = self.path, self.headers["X-Auth-Request-Redirect"], self.headers["Content-Length"]
        self.wfile.write(json.dumps([SIGN_ON, *told]).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@dataclass
class Deployed:
    """nginx before an assistant that answers at once, and what was asked of it."""

    https: int
    behind: int
    sign_on: ThreadingHTTPServer
    stub: StubAssistant = field(default_factory=StubAssistant)

    def client(self, name: str, **headers: str) -> httpx.Client:
        cookies = {"session": name} if name else {}
        url = f"https://127.0.0.1:{self.https}"
        return httpx.Client(base_url=url, verify=False, trust_env=False, cookies=cookies, headers=headers, timeout=20)

    def asks(self, name: str, *headers: tuple[str, str]) -> int:
        """Ask as somebody with further headers, and return the status, 0 where it is the page to sign on with."""
        with self.client(name) as client:
            told = client.post(ASK, json={"question": QUESTION}, headers=list(headers))
            return 0 if SIGN_ON in told.text else told.status_code

    def sends(self, *lines: str, body: str = json.dumps({"question": QUESTION})) -> bytes:
        """Send a request as it is written, signed on as anna, and return all that comes back."""
        head = "\r\n".join(
            (f"POST {ASK} HTTP/1.1", "Host: policies.example.com", "Cookie: session=anna", *lines, "", "")
        )
        context = ssl._create_unverified_context()
        with (
            socket.create_connection(("127.0.0.1", self.https), timeout=10) as raw,
            context.wrap_socket(raw) as connection,
        ):
            connection.sendall((head + body).encode())
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def seen(self) -> list[tuple[str, set[str]]]:
        """Return by whom and with which roles it was asked since this was last called."""
        asked, self.stub.asked = self.stub.asked, []
        return [(access.asker, set(access.roles)) for _, _, access in asked]


@contextmanager
def assistant_behind(stub: StubAssistant, token: Path) -> Iterator[int]:
    """Serve as the page's settings say, and yield the port."""
    page = (ROOT / "docs" / "use" / "deploy.md").read_text(encoding="utf-8")
    (settings,) = (tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL))
    config = parse_config(settings, ROOT)
    unsafe: Any = stub
    app = make_app(unsafe, make_door(config, "127.0.0.1", token), RequestQueue(config.serve), print)
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn_settings(app))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        running.should_exit = True
        thread.join(30)


def nginx_files(base: Path, ports: dict[str, int]) -> Path:
    """Write the page's configuration with other ports and places; everything else is as it is."""
    key = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    files = ["-subj", "/CN=policies.example.com", "-keyout", str(base / "key"), "-out", str(base / "crt")]
    subprocess.run([*key, *files], check=True, capture_output=True)
    (base / "proxy.conf").write_text(f'proxy_set_header Authorization "Bearer {TOKEN}";\n', encoding="utf-8")
    site = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    for old, new in {
        "listen 80;": f"listen 127.0.0.1:{ports['http']};",
        "listen 443 ssl;": f"listen 127.0.0.1:{ports['https']} ssl;",
        "/etc/nginx/policies.crt": str(base / "crt"),
        "/etc/nginx/policies.key": str(base / "key"),
        "/etc/nginx/policy-assistant.token": str(base / "proxy.conf"),
        "rate=20r/s": "rate=1000r/s",  # all tests come from one address
        "127.0.0.1:4180": f"127.0.0.1:{ports['sign_on']}",
        "127.0.0.1:8080": f"127.0.0.1:{ports['behind']}",
    }.items():
        assert old in site
        site = site.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {base}/{kind};\n" for kind in kinds)
    user = "user root;\n" if os.geteuid() == 0 else ""
    main = f"{user}daemon off;\npid {base}/pid;\nerror_log {base}/error.log;\nevents {{}}\n"
    (base / "main.conf").write_text(f"{main}http {{\naccess_log off;\n{places}{site}}}\n", encoding="utf-8")
    return base / "main.conf"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    base = tmp_path_factory.mktemp("nginx")
    token = base / "token"
    token.write_text(TOKEN, encoding="utf-8")
    token.chmod(0o600)
    stub = StubAssistant()
    sign_on = ThreadingHTTPServer(("127.0.0.1", 0), SignOn)
    threading.Thread(target=sign_on.serve_forever, daemon=True).start()
    with assistant_behind(stub, token) as behind:
        ports = {"http": free_port(), "https": free_port(), "sign_on": sign_on.server_port, "behind": behind}
        command = [str(NGINX), "-p", str(base), "-c", str(nginx_files(base, ports)), "-e", str(base / "error.log")]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            found = Deployed(ports["https"], behind, sign_on, stub)
            until, up = time.monotonic() + 20, False
            while not up and process.poll() is None and time.monotonic() < until:
                with suppress(httpx.TransportError), found.client("") as client:
                    up = SIGN_ON in client.get("/").text
                time.sleep(0.05)
            assert up, (base / "error.log").read_text(encoding="utf-8")
            yield found
        finally:
            process.terminate()
            process.communicate(timeout=20)
            sign_on.shutdown()
            sign_on.server_close()


@needs_nginx
@pytest.mark.slow
class TestBehindNginx:
    """A browser, nginx, the service that signs people on, and the assistant."""

    def test_user_and_groups_are_those_of_the_sign_on(self, deployed: Deployed) -> None:
        assert [deployed.asks(name) for name in PEOPLE] == [200, 200, 200]
        assert deployed.seen() == [("anna@example.com", {"hr"}), ("bob@example.com", set()), ("eve@example.com", set())]
        with deployed.client("anna") as client:
            page = client.post("/", data={"question": QUESTION}, headers={"Sec-Fetch-Site": "same-origin"})
            assert page.is_success and "strict-transport-security" in page.headers
            assert client.post("/", data={"question": QUESTION}, headers={"Origin": "https://x.org"}).status_code == 403
            assert client.get("/metrics").status_code == 404
        assert deployed.seen() == [("anna@example.com", {"hr"})]

    def test_whoever_is_not_signed_on_asks_nothing(self, deployed: Deployed) -> None:
        for name in ("", "mallory"):
            assert deployed.asks(name) == 0
            assert deployed.asks(name, ("X-Forwarded-User", FORGED), ("X-Forwarded-Groups", "directors")) == 0
        with deployed.client("") as client:
            assert [client.get(path).status_code for path in ("/sign-on", "/sign-in")] == [404, 404]  # nginx's own
        assert deployed.seen() == []

    @pytest.mark.parametrize("path", ["/", "/source?document=d&start=1&end=2", "/?rd=https://x.org&a=%26#b", "/a%20b?"])
    def test_whoever_signs_on_comes_back_to_what_was_asked_for(self, deployed: Deployed, path: str) -> None:
        with deployed.client("", **{"X-Auth-Request-Redirect": "https://x.org"}) as client:
            told = [client.get(path).json(), client.post(path, data={"rd": "https://x.org"}).json()]
        assert told == [[SIGN_ON, "/oauth2/sign_in", path.partition("#")[0], None]] * 2

    @pytest.mark.parametrize("name", ["X-Forwarded-{}", "x-forwarded-{}", "X_Forwarded_{}", "X-FORWARDED_{}"])
    def test_a_clients_own_header_is_dropped(self, deployed: Deployed, name: str) -> None:
        user, name = name.format("User"), name.format("Groups")
        assert deployed.asks("bob", (name, "directors"), (name, "policy-hr"), (user, FORGED)) == 200
        assert deployed.seen() == [("bob@example.com", set())]
        assert deployed.asks("anna", (name, "directors"), ("X-Auth-Request-Groups", "directors")) == 200
        assert deployed.asks("anna", ("Connection", f"close, {name}"), ("Authorization", "Bearer x")) == 200
        assert deployed.seen() == [("anna@example.com", {"hr"})] * 2
        assert SEEN == []

    @pytest.mark.parametrize(
        "lines",
        [
            ("X-Forwarded-Groups : directors",),
            ("X-A: b", " X-Forwarded-Groups: directors"),
            ("X-A: b\nX-Forwarded-Groups: directors",),
            ("X-A: b\rX-Forwarded-Groups: directors",),
            ("X-A: b\0X-Forwarded-Groups: directors",),
        ],
    )
    def test_a_header_that_is_hidden_in_another_is_not_believed(
        self, deployed: Deployed, lines: tuple[str, ...]
    ) -> None:
        body = json.dumps({"question": QUESTION})
        told = deployed.sends(
            *lines, f"Content-Length: {len(body)}", "Content-Type: application/json", "Connection: close"
        )
        assert told.count(b"HTTP/1.1 ") == 1
        assert deployed.seen() == ([("anna@example.com", {"hr"})] if b" 200 " in told[:20] else [])

    @pytest.mark.parametrize(
        "lines",
        [
            ("Content-Length: {0}", "Transfer-Encoding: chunked"),
            ("Content-Length: 0", "Content-Length: {0}"),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
            ("Transfer-Encoding:\x0bchunked",),
            ("Content-Length: {0}",),
        ],
    )
    def test_no_request_is_smuggled_behind_another(self, deployed: Deployed, lines: tuple[str, ...]) -> None:
        hidden = (
            f"POST {ASK} HTTP/1.1\r\nHost: x\r\nX-Forwarded-User: {FORGED}\r\nX-Forwarded-Groups: directors\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
            '{"question": "x"}'
        )
        body = f"0\r\n\r\n{hidden}"
        sized = [line.format(len(body)) for line in lines]
        deployed.sends(*sized, "Content-Type: application/json", "Connection: close", body=body)
        assert deployed.seen() == []

    @linux
    def test_who_does_not_come_through_nginx_is_refused(self, deployed: Deployed) -> None:
        headers = {"X-Forwarded-User": FORGED, "X-Forwarded-Groups": "directors"}
        url = f"http://127.0.0.1:{deployed.behind}"
        for address, token, status in (("127.0.0.2", TOKEN, 403), ("127.0.0.1", "", 401), ("127.0.0.1", TOKEN, 200)):
            transport = httpx.HTTPTransport(local_address=address)
            headers |= {"Authorization": f"Bearer {token or 'none'}"}
            with httpx.Client(base_url=url, transport=transport, headers=headers, trust_env=False) as client:
                assert client.post(ASK, json={"question": QUESTION}).status_code == status
                assert client.get("/metrics").status_code == status
        assert deployed.seen() == [(FORGED, {"board", "managers"})]  # so much hangs on the token


def test_the_unit_starts_what_there_is() -> None:
    unit = (FOLDER / "policy-assistant.service").read_text(encoding="utf-8")
    (started,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    program, name, *arguments = started.split()
    command: Any = typer.main.get_command(commands)
    context = command.commands[name].make_context(name, arguments)  # raises what the command line would say
    assert Path(program).name == "assistant" and name == "serve"
    assert context.params["json"] and str(context.params["token_file"]) == "/etc/policy-assistant/proxy.token"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    unit = (FOLDER / "policy-assistant.service").read_text(encoding="utf-8")
    here = tmp_path / "policy-assistant.service"
    here.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit), encoding="utf-8")
    said = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True, timeout=60)
    assert (said.returncode, said.stderr) == (0, "")
