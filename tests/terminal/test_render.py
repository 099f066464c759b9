"""What a plain answer, an ingest and the state of an index look like on a terminal of 80 columns."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock
from rich.console import Console

from assistant.core.config import MINILM, Config
from assistant.core.records import Answer, Citation, Excerpt, Flag, IndexInfo, IngestReport, ModelInfo
from assistant.index.catalog import Catalog
from assistant.models.encoder import encoder_graphs
from assistant.models.registry import Registry
from assistant.terminal.render import Renderer
from assistant.terminal.status import collect_status
from assistant.terminal.views import plain_text

LONG = " ".join(f"Rule {number} of the office holds on every day of the year." for number in range(30))
CITED = Citation(1, "", LONG, "rules.md", "Rules", ("Office",), None, 0, len(LONG), "0" * 64, True, 0.9)


def answer(*citations: Citation) -> Answer:
    text = " ".join(f"{c.claim} [{c.key}]" for c in citations)
    index, model = IndexInfo("g", 1, 2), ModelInfo("none", "none")
    return Answer("q", "answered", text, 0.9, citations, (), (), model, index, {"total": 1.0})


def shown(print_it: Callable[[Renderer], object], width: int = 80) -> str:
    view = Renderer()
    out = io.StringIO()
    view.out = view.err = Console(file=out, width=width, highlight=False)
    print_it(view)
    return out.getvalue()


def test_a_plain_answer_takes_ten_lines() -> None:
    claims = "Twenty days are the rule.", "Ten more are for parents.", "Five may be carried over."
    three = [replace(CITED, key=key, claim=claim, start=key) for key, claim in enumerate(claims, 1)]
    plain = shown(lambda view: view.answer(answer(*three)))
    assert len(plain.splitlines()) <= 10 and plain.count("[…]") == 3 and plain.count("(rules.md)") == 3
    whole = shown(lambda view: view.answer(answer(CITED), around=True))
    assert " ".join(LONG[:200].split()) in " ".join(whole.split())


def test_a_quote_that_its_statement_repeats_is_shown_once() -> None:
    said = "Employees get 25 days."
    cited = replace(CITED, claim=said, quote=f"- {said}")
    assert shown(lambda view: view.answer(answer(cited))).count(said) == 1
    under = replace(cited, claim=f"6.1 Normal rule: {said}")
    assert shown(lambda view: view.answer(answer(under))).count(said) == 1
    longer = replace(cited, quote=f"{said} Contractors get none.")
    assert f"“{longer.quote}”" in shown(lambda view: view.answer(answer(longer)))


def test_what_limits_a_quote_is_always_shown_and_other_context_on_request() -> None:
    around = Excerpt(500, 520, "What came before it."), Excerpt(900, 930, "Interns get 10 days.", limits=True)
    cited = replace(CITED, claim="Employees get 25 days.", quote="Employees get 25 days.", end=22, context=around)
    plain = shown(lambda view: view.answer(answer(cited)))
    assert "but: Interns get 10 days." in plain and "before it" not in plain
    assert "after: What came before it." in shown(lambda view: view.answer(answer(cited), around=True))


def test_no_marks_of_markup_are_shown() -> None:
    text = "## Carry-over\n\n| Team | Days |\n|---|---|\n| People team | 5 |\n\nAsk them."
    assert plain_text(text) == "Carry-over:\nTeam · Days\nPeople team · 5\nAsk them."
    assert plain_text("| Anton \\| x | 12 |") == "Anton | x · 12"


def test_many_notes_do_not_hide_one_withheld_passage() -> None:
    notes = [Flag(f"{n}.md", "hidden_text", "A comment was left out.") for n in range(61)]
    withheld = Flag("z.md", "injection", "A passage was left out.")
    report = IngestReport(("z.md",), (), 0, (), (), (*notes, withheld), 1, 1, 0.1)
    lines = shown(lambda view: view.report(report)).splitlines()
    assert lines[0].endswith("1 passage, 1 term indexed.")
    assert lines[1:] == [
        "withheld z.md: A passage was left out.",
        "note 61 notes [hidden_text]; the first: 0.md: A comment was left out. ",
        "[hidden_text]",
    ]


def problems(config: Config) -> list[tuple[str, str]]:
    return [(each["problem"], each["hint"]) for each in collect_status(config)["problems"]]


def test_status_beside_a_first_ingest_does_not_frighten(make_config: Callable[..., Config]) -> None:
    config = make_config()
    Catalog.open(config.data, create=True).close()
    assert ("the first ingest was stopped.", "Run the same command again: it goes on where it stopped.") in problems(
        config
    )
    with FileLock(config.data / "ingest.lock"):
        found = collect_status(config)
    assert [each["problem"] for each in found["problems"]] == ["the first ingest is running."]
    assert found["index"]["ingest"] == "running"


def test_status_names_the_setting_for_an_index_of_another_encoder(
    make_config: Callable[..., Config], write_files: Callable[..., Path], run_ingest: Callable[..., Any]
) -> None:
    config = make_config()
    run_ingest(config, write_files({"a.md": "# A\n\nVisitors park in bay 7.\n"}))
    other = encoder_graphs(Registry(config.models_dir)).get(MINILM, "f" * 64)
    catalog = Catalog.open(config.data, create=True)
    catalog.set_meta("encoder", other)
    catalog.close()
    ((cause, hint),) = problems(config)
    assert f"was made with {MINILM}." in cause and hint.startswith(f'Set encoder.model = "{MINILM}" in config.toml, or')
