"""Ask employees' own questions:  python -m bench.natural [--runs FOLDER] [--rows] [--corpus NAME DOCUMENTS QUESTIONS]

Ingests the sample company, and the two real handbooks together, asks each question of ../shared/data/natural_dev with
its roles, at the default settings, and scores the answers by ../shared/bench/score_natural.py: useful, wrong and
abstained, by kind of question, with 95% intervals, and as a row of the table in docs/log/measurements.md. Five minutes
on two cores. With --corpus, as often as you like, it asks the questions of that file about that folder instead.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from assistant.answer.assistant import Assistant
from assistant.contract import answer_json, dumps
from assistant.core.config import Config
from assistant.core.records import make_access
from bench.common import (
    ROOT,
    console,
    load_script,
    parser,
    percentile,
    read_jsonl,
    run_ingest,
    scratch,
    settings,
    shared_folder,
    write_json,
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents, and the file of questions that are asked of them."""

    name: str
    documents: tuple[Path, ...]
    questions: Path


def corpora(shared: Path) -> tuple[Corpus, ...]:
    """Return the sample company and the real handbooks."""
    data = shared / "data"
    real = (data / "qa_datica_glossary" / "docs", data / "qa_tts_handbook" / "docs")
    return (
        Corpus("company", (ROOT / "corpora",), data / "natural_dev" / "company.jsonl"),
        Corpus("real", real, data / "natural_dev" / "real.jsonl"),
    )


def ask(corpus: Corpus, config: Config) -> list[dict[str, Any]]:
    """Answer each question as someone with its roles; return the answers as they are saved."""
    with closing(Assistant(config)) as assistant:
        return [
            answer_json(assistant.answer(row["question"], access=make_access(row.get("roles") or ())), row["id"])
            for row in track(read_jsonl(corpus.questions), corpus.name, console=console, transient=True)
        ]


def table_row(name: str, found: Mapping[str, Any]) -> str:
    """Return what was found of a corpus as a row of Markdown: useful, wrong, abstained."""
    rates = zip((found["useful"], found["wrong"], found["abstained"]), found["intervals"], strict=True)
    told = " | ".join(f"{rate:.0%} [{low * 100:.0f}, {high * 100:.0f}]" for rate, (low, high) in rates)
    return f"| {name} | {found['answerable']} / {found['unanswerable']} | {told} |"


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--runs", type=Path, metavar="FOLDER", help="keep the answers here")
    options.add_argument("--corpus", nargs=3, action="append", metavar=("NAME", "DOCUMENTS", "QUESTIONS"))
    options.add_argument("--rows", action="store_true", help="list every question that is not answered rightly")
    given = options.parse_args()
    shared = shared_folder(given.shared)
    score = load_script(shared / "bench" / "score_natural.py")
    results: dict[str, Any] = {}
    with scratch("natural") as folder:
        given_corpora = [Corpus(name, (Path(docs),), Path(asked)) for name, docs, asked in given.corpus or ()]
        for corpus in given_corpora or corpora(shared):
            config = settings(given, folder / corpus.name)
            run_ingest(corpus.documents, config)
            answers = ask(corpus, config)
            by_id = {row["id"]: row for row in answers}
            questions = read_jsonl(corpus.questions)
            judged = [score.judge(question, by_id[question["id"]]) for question in questions]
            console.print(f"\n{corpus.name}\n{score.report(judged)}")
            if given.rows:
                for question, verdict in zip(questions, judged, strict=True):
                    if verdict["wrong"] or (verdict["answerable"] and not verdict["answered"]):
                        console.print(f"{question['id']} {verdict['status']} {question['question']}")
            useful, wrong, abstained = score.rates(judged)
            total = [row["timings_ms"]["total"] for row in answers]
            results[corpus.name] = {
                "useful": useful,
                "wrong": wrong,
                "abstained": abstained,
                "intervals": score.intervals(judged),
                "answerable": sum(row["answerable"] for row in judged),
                "unanswerable": sum(not row["answerable"] for row in judged),
                "ms_p50": percentile(total, 0.5),
            }
            console.print(table_row(corpus.name, results[corpus.name]), markup=False, soft_wrap=True)
            if given.runs:
                given.runs.mkdir(parents=True, exist_ok=True)
                lines = "".join(dumps(row) + "\n" for row in answers)
                (given.runs / f"{corpus.name}.jsonl").write_text(lines, encoding="utf-8")
    write_json(given.json, results)
    bars = all(r["useful"] >= 0.5 and r["wrong"] <= 0.35 and r["abstained"] >= 0.6 for r in results.values())
    sys.exit(0 if bars else 7)


if __name__ == "__main__":
    main()
