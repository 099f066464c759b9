"""The page's forms read, and what its addresses show made: an answer, and the place of a quote in its document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.responses import Response

from assistant.answer.context import by_key, excerpts_once
from assistant.answer.feedback import MAX_NOTE, MAX_QUOTE
from assistant.answer.outcomes import nearest, worded_line
from assistant.answer.proof.citations import focuses
from assistant.answer.question import MAX_ABOUT, MAX_TURN, MAX_TURNS
from assistant.core.records import MAX_QUESTION, Answer, Document, Feedback, Hit, Turn
from assistant.serve.page.views import SOURCE_PATH, block_views, document_facts, link, pieces, place
from assistant.serve.schemas import HttpError, Latest, Message, bad_request
from assistant.text.canonical import plain_text
from assistant.text.words import shown_title

if TYPE_CHECKING:
    from jinja2 import Environment

    from assistant.evaluate.gaps import Gap

HOME, FEEDBACK, GAPS = "/", "/feedback", "/gaps"
STATIC = {HOME: "text/html", "/page.css": "text/css", "/page.js": "text/javascript"}
PATHS = (FEEDBACK, GAPS, SOURCE_PATH, *STATIC)
FORMS = (HOME, FEEDBACK)
LINES = "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"
FOLDER = Path(__file__).parent
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
MOST_FIELDS = 8
MOST = {"question": MAX_QUESTION, "about": MAX_ABOUT, "note": MAX_NOTE, "quote": MAX_QUOTE}  # characters of a field
MAX_HISTORY = 60_000  # bytes; a form may write three for one, and the server takes 262,144
TURNS = TypeAdapter(Latest[Message])

Form = TypeVar("Form")


class PageQuestion(BaseModel):
    """What the form sends: a question, who asks, the conversation before it, and how many answers the page shows.

    `asker` is whom the page was made for, as the server named them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    question: str
    about: str = Field(default="", max_length=MAX_ABOUT)
    history: str = "[]"
    part: int = 0
    asker: str | None = None

    @property
    def turns(self) -> list[Turn]:
        """The conversation before the question; raises HttpError if it is none."""
        try:
            return [Turn(message.role, message.content) for message in TURNS.validate_json(self.history or "[]")]
        except ValidationError:
            raise bad_request("history: this is no conversation of this page.") from None


# Of one value each: a plain record has no configuration of its own, and takes that of what it lies in.
QUESTION_FORM = TypeAdapter(tuple[PageQuestion])
FEEDBACK_FORM = TypeAdapter(tuple[Feedback], config=ConfigDict(extra="forbid"))


def read_form(body: bytes, form: TypeAdapter[tuple[Form]]) -> Form:
    """Read a form as a browser sends it; raises HttpError."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        (found,) = form.validate_python(({name: values[-1] for name, values in fields.items()},))
    except (ValueError, ValidationError):
        raise bad_request("this is not the form of this page.") from None
    return found


def check_origin(headers: Mapping[str, str]) -> None:
    """Raise HttpError for a form that another site's page has a browser send.

    What a browser says in Sec-Fetch-Site no page can change. Only one without it is judged by the origin, which behind
    a proxy may be another than ours.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    own = origin is None or origin.partition("://")[2] == headers.get("host")
    if not (own if site is None else site in ("same-origin", "none")):
        message = "this form was sent by another site's page."
        raise HttpError(HTTPStatus.FORBIDDEN, "cross_site", message)


def home(asker: str) -> Response:
    """Return the page with nothing asked yet, for somebody whom the server knows."""
    return Response(_home(asker), headers=HEADERS, media_type=STATIC[HOME])


def wants_lines(headers: Mapping[str, str]) -> bool:
    """Tell whether the page's script asks, which shows sentences as they come."""
    return LINES in headers.get("accept", "")


def check_asker(asked: PageQuestion, asker: str) -> None:
    """Raise HttpError for a page that was made for somebody else: it holds their conversation."""
    if asked.asker not in (None, asker):
        message = "your name or your roles are not those for whom this page was opened: open it again."
        raise HttpError(HTTPStatus.CONFLICT, "somebody_else", message)


def answered(answer: Answer, asked: PageQuestion, asker: str) -> Response:
    """Return the page with an answer, and with the conversation for the question after it."""
    turns = [*asked.turns, Turn("user", answer.question[:MAX_TURN]), Turn("assistant", answer.text)][-MAX_TURNS:]
    while len(history := _conversation(turns)) > MAX_HISTORY:
        turns = turns[1:]
    marked, sources = [] if answer.worded_by else focuses(answer.citations), by_key(answer.sources)
    return _page(
        "home.html",
        answer=answer,
        lines=[tuple(pieces(line, marked)) for line in answer.text.splitlines() if line.strip()],
        sources=list(zip(sources, excerpts_once(sources), strict=True)),
        nearest=nearest(answer),
        worded=worded_line(answer),
        number=asked.part,
        about=answer.about if asked.about.strip() else "",  # as it is masked
        history=history,
        most=MOST,
        asker=asker,
    )


def _conversation(turns: Sequence[Turn]) -> str:
    return json.dumps([{"role": turn.role, "content": turn.content} for turn in turns])


def source(document: Document, text: str, start: int, end: int) -> Response:
    """Return the page of a quote's place, text[start:end] of what surrounds it in its document."""
    begin = text.find("\n", 0, start) + 1 if start else 0
    shown = text[begin:]
    blocks = list(block_views(shown, start - begin, end - begin))
    title = shown_title(document.title, document.source)
    facts = document_facts(document)
    return _page("source.html", title=title, document=document, facts=facts, blocks=blocks)


def thanked() -> Response:
    """Return the page that says that feedback was taken."""
    return _page("thanks.html")


def gaps(found: Sequence[Gap]) -> Response:
    """Return the page of what the documents leave open."""
    return _page("gaps.html", gaps=found)


def failed(error: HttpError) -> Response:
    """Return the page of an error."""
    return _page("error.html", error.status_code, error.headers, message=str(error))


def static(path: str) -> Response:
    """Return the page with nothing asked yet, its style sheet or its script."""
    return Response(_static(path), headers=HEADERS, media_type=STATIC[path])


@cache
def _static(path: str) -> bytes:
    if path == HOME:
        return _home()
    return (FOLDER / "static" / path[1:]).read_bytes()


def _home(asker: str = "") -> bytes:
    return _rendered("home.html", answer=None, about="", history="[]", most=MOST, asker=asker)


def _page(
    name: str, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None, **shown: object
) -> Response:
    return Response(_rendered(name, **shown), status, {**HEADERS, **(headers or {})}, "text/html")


def _rendered(name: str, **shown: object) -> bytes:
    return _templates().get_template(name).render({"asker": "", **shown}).encode()


def _title(hit: Hit) -> str:
    return shown_title(hit.title, hit.source)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(FOLDER / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"plain": plain_text, "place": place, "link": link, "title": _title}
    return made
