"""The page: it asks without a script, shows all that an answer is, and takes nothing of a document for markup."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from assistant.answer.assistant import Assistant
from assistant.core.config import parse_config
from assistant.core.records import EarlierQuote, Excerpt, Feedback, Quote, Turn, make_access
from assistant.evaluate.gaps import Gap
from assistant.serve.identity import Door
from assistant.serve.page.views import block_views, link, pieces
from assistant.serve.tokens import TokenFile, make_token
from tests.manifests import access_toml
from tests.serve.stub import ANSWER, CITATION, DOCUMENT, HIT, LOG_ID, SHA, TEXT, UNSURE, StubAssistant
from tests.serve.test_app import LOCAL, TOKEN, client_of

QUESTION = "How much leave may I carry over?"
MARKUP = "<script>alert('x')</script> & <img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """What a browser makes of a page: its text, its links, its fields, and the tags that occur."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.links, self.tags = "", list[str](), set[str]()
        self.fields: dict[str, str] = {}
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.links += [found["href"]] if "href" in found else []
        self.ids += [found["id"]] if "id" in found else []
        if "name" in found:
            self.fields[found["name"]] = found.get("value", "")
        assert not any(name.startswith("on") or name == "style" for name in found), "the policy forbids it"

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def assistant() -> StubAssistant:
    return StubAssistant()


@pytest.fixture
def client(assistant: StubAssistant) -> Iterator[TestClient]:
    with client_of(assistant) as found:
        yield found


def test_a_question_is_asked_by_the_form_and_its_quote_is_a_link_to_its_place(client: TestClient) -> None:
    first = client.get("/")
    assert first.headers["content-type"].startswith("text/html") and first.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in first.headers["content-security-policy"]
    assert "unsafe" not in first.headers["content-security-policy"]
    form = Page(first.text)
    fields = {"question": "", "about": "", "history": "[]", "asker": ""}
    assert form.fields == {"viewport": "", "color-scheme": "", **fields}
    page = Page(client.post("/", data={"question": QUESTION, "history": form.fields["history"]}).text)
    assert QUESTION in page.text and TEXT in page.text and "Annual Leave Policy > Carry-over, page 3" in page.text
    assert "#source-0-1" in page.links and "source-0-1" in page.ids and len(page.ids) == len(set(page.ids))
    [place] = [link for link in page.links if link.startswith("/source")]
    asked = parse_qs(urlsplit(place).query)
    assert asked == {"document": [SHA], "start": ["40"], "end": [str(40 + len(TEXT))], "source": [CITATION.source]}
    there = client.get(place).text
    assert f"<mark>{TEXT}</mark>" in there and "Head of People" in there and 'id="quote"' in there


def test_whoever_has_the_roles_of_all_asks_by_the_page_that_they_were_given(assistant: StubAssistant) -> None:
    roles = ("hr",)
    with client_of(assistant, replace(LOCAL, everybody=lambda: make_access(roles))) as client:
        fields = {**Page(client.get("/").text).fields, "question": QUESTION}
        asked = {name: fields[name] for name in ("question", "about", "history", "asker")}
        assert asked["asker"] and client.post("/", data=asked).is_success
        roles = ("board",)
        assert client.post("/", data=asked).status_code == 409


@pytest.mark.parametrize("host", ["x/page.css?", "x/../templates/base.html?", "x//dev/null?"])
def test_the_name_of_the_server_chooses_no_file(assistant: StubAssistant, host: str) -> None:
    with client_of(assistant, Door()) as client:
        assert client.get("/page.js", headers={"Host": host}).text == client.get("/page.js").text


def test_an_endless_cookie_takes_no_time(client: TestClient) -> None:
    cookie = 'a="' + '\\"' * 30_000 + '"'
    began = time.process_time()
    assert client.get("/healthz", headers={"Cookie": cookie}).is_success
    assert time.process_time() - began < 1


def test_a_form_that_is_broken_off_is_nobodys_fault(assistant: StubAssistant) -> None:
    notified: list[tuple[str, str]] = []
    app: Any = client_of(assistant, notified=notified).app
    headers = [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", b"9"),
    ]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers, "client": None}
    came: list[Any] = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"q", "more_body": True}]
    sent: list[Any] = []

    async def receive() -> Any:
        return came.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app({**scope, "http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send))
    assert sent[0]["status"] == 400 and not notified


def test_a_follow_up_carries_the_conversation(client: TestClient, assistant: StubAssistant) -> None:
    history = Page(client.post("/", data={"question": QUESTION}).text).fields["history"]
    client.post("/", data={"question": "And after that?", "history": history})
    assert assistant.asked[-1][:2] == ("And after that?", [Turn("user", QUESTION), Turn("assistant", ANSWER.text)])
    long = json.dumps([{"role": "user", "content": "x"}] * 50)
    kept = Page(client.post("/", data={"question": QUESTION, "history": long}).text).fields["history"]
    assert len(json.loads(kept)) == 20
    for _ in range(12):  # the page's own conversation never outgrows what the server takes
        asked = client.post("/", data={"question": "ж" * 4_000, "history": kept})
        assert asked.is_success
        kept = Page(asked.text).fields["history"]


def test_documents_on_the_subject_are_named_where_nothing_answers() -> None:
    far = replace(HIT, score=0.1, source="far.md", title="Far")
    page = Page(
        client_of(StubAssistant(replace(ANSWER, status="abstained", citations=(), hits=(HIT, HIT, far))))
        .post("/", data={"question": QUESTION})
        .text
    )
    assert "Documents on the subject:\nAnnual Leave Policy\n" in page.text and "Far" not in page.text
    assert f"/source?document={SHA}&start=40&end=99&source=hr%2Fleave.md#quote" in page.links
    assert (
        "Documents on the subject" not in client_of(StubAssistant(UNSURE)).post("/", data={"question": QUESTION}).text
    )


def test_what_came_closest_is_told_from_an_answer() -> None:
    page = Page(client_of(StubAssistant(UNSURE)).post("/", data={"question": QUESTION}).text)
    assert "What came closest; it may not answer the question" in page.text and "Estimated chance" not in page.text
    assert "Meal · Limit" in page.text


def test_what_limits_a_quote_and_what_was_said_before_is_shown() -> None:
    limited = replace(CITATION, context=(Excerpt(1, 9, "Not for contractors.", True), Excerpt(9, 12, "Beside.")))
    limited = replace(limited, since="2026-01-01", ocr=0.9)
    before = EarlierQuote(1, "It was 2 weeks.", "old.md", "Old", ("Leave",), 2, 0, 15, SHA, "2025-12-31")
    answer = replace(ANSWER, citations=(limited,), earlier=(before,), asked="How much leave?")
    page = Page(client_of(StubAssistant(answer)).post("/", data={"question": QUESTION}).text)
    assert "But: Not for contractors." in page.text and "Beside." not in page.text
    assert "Asked as: How much leave?" in page.text
    assert "hr/leave.md, in force since 2026-01-01, read by OCR, 90% sure" in page.text
    assert "Until 2025-12-31 it was: It was 2 weeks. Old > Leave, page 2" in " ".join(page.text.split())


@pytest.mark.parametrize("where", ["question", "text", "quote", "title"])
def test_markup_is_text(where: str) -> None:
    cited = replace(CITATION, quote=MARKUP if where == "quote" else TEXT, title=MARKUP if where == "title" else "T")
    answer = replace(ANSWER, citations=(cited,), text=f"{MARKUP if where == 'text' else TEXT} [1]")
    asked = MARKUP if where == "question" else QUESTION
    page = Page(client_of(StubAssistant(answer)).post("/", data={"question": asked}).text)
    assert MARKUP in page.text and page.tags.isdisjoint({"img"})
    assert len([tag for tag in page.tags if tag == "script"]) == 1


def test_a_document_is_shown_as_it_is_read() -> None:
    shown = list(block_views(DOCUMENT.text, 0, 0))
    assert [block.kind for block in shown] == ["heading", "heading", "paragraph", "item", "row"]
    assert [block.level for block in shown[:2]] == [1, 2]
    rows = [["".join(text for text, _ in cell).strip() for cell in cells] for cells in shown[-1].parts]
    assert rows == [["Grade", "Days"], ["A", "5"]]
    ((cells,),) = (block.parts for block in block_views("| Anton \\| x | 12 |", 0, 0))
    assert ["".join(text for text, _ in cell).strip() for cell in cells] == ["Anton | x", "12"]
    keys = ("[1]", 1, False), (" ", 0, False), ("[2]", 2, False)
    found = list(pieces("Five days. [1] [2]", ["days."]))
    assert found == [("Five ", 0, False), ("days.", 0, True), (" ", 0, False), *keys]


def test_what_is_marked_is_the_quote_wherever_it_lies() -> None:
    text = "# A\n\nOne two.\n\n- three\n- four\n\n| a | b |\n|---|---|\n| c | d |\n"
    for start in range(len(text)):
        for end in range(start + 1, len(text)):
            cells = [cell for block in block_views(text, start, end) for line in block.parts for cell in line]
            marked = "".join(part for cell in cells for part, quoted in cell if quoted)
            assert [c for c in marked if c.isalnum()] == [c for c in text[start:end] if c.isalnum()]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1"}, 200),
        ({"Origin": "https://127.0.0.1", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://assistant.example", "Sec-Fetch-Site": "same-origin"}, 200),  # behind a proxy
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_another_sites_form_is_not_asked(
    client: TestClient, assistant: StubAssistant, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/", data={"question": QUESTION}, headers=headers)
    assert answer.status_code == status and len(assistant.asked) == (status == 200)
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"asked": QUESTION}, "not the form of this page"),
        ({"question": "x" * 5_000}, "the limit is 4,000"),
        ({"question": "   "}, "question"),
        ({"question": QUESTION, "history": "{}"}, "no conversation"),
        ({"question": QUESTION, "history": '[{"role": "system", "content": "x"}]'}, "no conversation"),
        ({"question": QUESTION, "roles": "board"}, "not the form of this page"),
        ({"question": QUESTION, "about": "x" * 201}, "not the form of this page"),
    ],
)
def test_a_wrong_form_is_told_so_on_a_page(client: TestClient, form: dict[str, str], told: str) -> None:
    answer = client.post("/", data=form)
    assert answer.status_code == 400 and told in Page(answer.text).text
    assert answer.headers["content-type"].startswith("text/html")


def test_the_form_says_who_asks_and_keeps_it(client: TestClient, assistant: StubAssistant) -> None:
    page = Page(client.post("/", data={"question": QUESTION, "about": "contractor, <b>London</b>"}).text)
    assert assistant.about == ["contractor, <b>London</b>"] == [page.fields["about"]]
    assert "Answered for: contractor, <b>London</b>" in page.text


SAID = {"answer": LOG_ID, "opinion": "wrong", "note": "It is 2 weeks.", "quote": TEXT}


def test_an_answer_is_judged_by_the_form_below_it(client: TestClient, assistant: StubAssistant) -> None:
    page = Page(client.post("/", data={"question": QUESTION}).text)
    assert page.fields["answer"] == LOG_ID and {"opinion", "note", "quote"} <= page.fields.keys()
    thanks = client.post("/feedback", data=SAID, headers={"Sec-Fetch-Site": "same-origin"})
    assert thanks.is_success and "Thank you" in Page(thanks.text).text
    assert "script-src 'self'" in thanks.headers["content-security-policy"]
    assert thanks.headers["cache-control"] == "no-store"
    assert assistant.given == [(Feedback(LOG_ID, "wrong", "It is 2 weeks.", TEXT), make_access())]
    with client_of(StubAssistant(replace(ANSWER, log_id=""))) as without_log:
        assert "opinion" not in Page(without_log.post("/", data={"question": QUESTION}).text).fields


@pytest.mark.parametrize(
    ("form", "headers", "status", "told"),
    [
        (SAID, {"Origin": "http://evil.example"}, 403, "another site"),
        (SAID, {"Sec-Fetch-Site": "cross-site"}, 403, "another site"),
        ({**SAID, "opinion": "splendid"}, {}, 400, "not the form of this page"),
        ({**SAID, "roles": "board"}, {}, 400, "not the form of this page"),
        ({"opinion": "right"}, {}, 400, "not the form of this page"),
        ({**SAID, "answer": "<b>x</b>"}, {}, 400, "no answer that you were given"),
        ({**SAID, "note": "x" * 300_000}, {}, 413, "262,144"),
    ],
)
def test_wrong_feedback_is_told_so_on_a_page(
    client: TestClient, assistant: StubAssistant, form: dict[str, str], headers: dict[str, str], status: int, told: str
) -> None:
    answer = client.post("/feedback", data=form, headers=headers)
    assert answer.status_code == status and told in Page(answer.text).text and assistant.given == []
    assert answer.headers["content-type"].startswith("text/html")


def test_feedback_is_a_form_and_nothing_else(client: TestClient, assistant: StubAssistant) -> None:
    assert client.get("/feedback").status_code == 405
    assert client.post("/feedback", json=SAID).status_code == 400
    assert client.post("/feedback", content="x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert assistant.given == []


def test_places_that_nobody_may_see_are_told_alike(client: TestClient) -> None:
    asked = (f"document={SHA}&start=0&end=9", f"document={'6' * 64}&start=40&end=99")
    first, second = (client.get(f"/source?{query}") for query in asked)
    assert first.status_code == second.status_code == 400 and first.text == second.text
    assert client.get("/source?document=x&start=a&end=1").status_code == 400


def test_the_page_asks_for_the_token_like_every_path() -> None:
    with client_of(StubAssistant(), Door(LOCAL.hosts, TOKEN.encode())) as client:
        for path in ("/", "/source?document=x&start=1&end=2", "/page.js", "/page.css"):
            assert client.get(path).status_code == 401
        assert client.post("/feedback", data=SAID).status_code == 401
        assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).is_success


def test_nothing_comes_from_elsewhere(client: TestClient) -> None:
    for path, kind in (("/page.css", "text/css"), ("/page.js", "text/javascript")):
        found = client.get(path)
        assert found.headers["content-type"].startswith(kind)
        assert "http://" not in found.text and "https://" not in found.text
    assert client.get("/page.js").text.count("\n") < 400


def test_the_page_says_whose_conversations_a_browser_keeps(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    made = [make_token(*named) for named in (("anna", ["hr"]), ("bob", ["hr"]), ("anna", []))]
    tokens.write_text("".join(f"{token.line}\n" for _, token in made))
    tokens.chmod(0o600)
    with client_of(StubAssistant(), Door(tokens=TokenFile(tokens))) as client:
        headers = [{"Authorization": f"Bearer {shown}"} for shown, _ in made]
        pages = [client.get("/", headers=header).text for header in headers]
        answers = [client.post("/", data={"question": QUESTION}, headers=header).text for header in headers]
    askers = [re.findall(r'data-asker="([^"]*)"', page) for page in pages]
    assert len({str(asker) for asker in askers}) == 3 and "anna" not in str(pages)
    assert [re.findall(r'data-asker="([^"]*)"', page) for page in answers] == askers
    with client_of(StubAssistant()) as client:
        assert 'data-asker=""' in client.get("/").text


def test_reviewers_alone_see_the_gaps_and_of_documents_what_they_may_see(
    make_assistant: Callable[..., Assistant], tmp_path: Path
) -> None:
    files = {
        "open.md": "# Dogs at work\n\nNo dogs are let in.\n",
        "hr/falcon.md": "# Project Falcon\n\nIt is secret.\n",
    }
    assistant = make_assistant({**files, "access.toml": access_toml({"hr/**": ("hr",)})})
    report, tokens = tmp_path / "gaps.json", tmp_path / "tokens"
    settings = parse_config({"serve": {"reviewers": "owners, hr", "gaps": str(report)}}, tmp_path).serve
    made = [make_token(role, [role]) for role in ("owners", "hr", "staff")]
    tokens.write_text("".join(f"{token.line}\n" for _, token in made))
    tokens.chmod(0o600)
    owner, hr, other = ({"Authorization": f"Bearer {shown}"} for shown, _ in made)
    asked = replace(assistant.config, serve=settings)
    with closing(Assistant(asked)) as opened, client_of(opened, Door(tokens=TokenFile(tokens))) as client:
        assert client.get("/gaps").status_code == 401
        assert client.get("/gaps", headers=other).status_code == 403
        os.mkfifo(report)  # which is not waited for
        assert client.get("/gaps", headers=owner).status_code == 404
        report.unlink()
        for wrong in ("", "<p>dogs</p>", '[{"name": "x"}]'):
            report.write_text(wrong)
            missing = client.get("/gaps", headers=owner)
            assert missing.status_code == 404 and "assistant gaps --json" in missing.text
        told = "Head of <b>", 4, 3, "2026-01-01", "2026-02-01"
        gaps = [
            Gap("hr/falcon.md", "Project Falcon", *told, ("a falcon?",)),
            Gap("open.md", "Dogs at work", *told, ("a parrot?",)),
        ]
        report.write_text(json.dumps([asdict(gap) for gap in gaps]))
        page = client.get("/gaps", headers=hr).text
        assert "Project Falcon" in page and "Head of &lt;b&gt;" in page and "a parrot?" in page
        page = client.get("/gaps", headers=owner).text
        assert "alcon" not in page and "Dogs at work" in page and "a parrot?" in page
    with client_of(StubAssistant()) as client:  # reviewers that nobody is
        assert client.get("/gaps").status_code == 403


def test_of_two_files_with_the_same_bytes_the_place_is_in_the_one_that_is_cited(
    make_assistant: Callable[..., Assistant],
) -> None:
    text = "# Hotels\n\nA hotel night costs at most 100 euros.\n"
    titles = "".join(f'\n[[documents]]\npath = "{n}/h.md"\ntitle = "Company {n}"\n' for n in "ab")
    assistant = make_assistant({"a/h.md": text, "b/h.md": text, "access.toml": f'default = "everyone"\n{titles}'})
    with client_of(assistant) as client:
        for hit in assistant.search("hotel night").hits:
            said = "A hotel night costs at most 100 euros."
            at = hit.passage.text.index(said)
            quote = Quote(1, said, hit.source, hit.title, (), None, at, at + len(said), hit.document_sha256)
            page = Page(client.get(link(quote)).text)
            assert hit.title in page.text and hit.title.startswith("Company")
