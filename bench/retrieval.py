"""Measure what is retrieved on the shared question samples:  python -m bench.retrieval [--only tts_faq]

Each set is ingested into a temporary index with the configured settings; each question is searched as a user's would
be, its scenario in front. Scored by ../shared/bench/score.py, shown beside the bar and the best of the other systems
(../shared/bench/BASELINES.md). Questions absent from a run count as failures. Takes minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.progress import track
from rich.table import Table

from assistant.answer.assistant import Assistant
from assistant.core.config import Config
from bench.common import (
    SETS,
    QuestionSet,
    console,
    load_script,
    parser,
    percentile,
    questions,
    read_jsonl,
    run_ingest,
    scratch,
    settings,
    shared_folder,
    write_json,
)

K = 15
EVIDENCE = {"contoso": "ev_any@800w"}  # page-long gold: any stretch of it counts
BARS = {"tts_faq": 0.73, "tts_glossary": 0.90, "datica_glossary": 0.90, "white_sharc": 0.96, "contoso": 0.86}
PEERS = {
    "tts_faq": (0.65, "tutorial"),
    "tts_glossary": (0.80, "txtai"),
    "datica_glossary": (0.55, "bm25, txtai"),
    "white_sharc": (0.96, "haystack, txtai"),
    "contoso": (0.86, "txtai, haystack"),
}


def measure(of: QuestionSet, config: Config, shared: Path, run: Path, limit: int | None) -> dict[str, Any]:
    """Search the set's questions in the index that `config` names, write `run`, return its scores."""
    score = load_script(shared / "bench" / "score.py")
    asked = questions(shared, of, limit)
    assistant = Assistant(config)
    times = []
    try:
        with run.open("w", encoding="utf-8") as lines:
            for row in track(asked, f"{of.name}: searching", console=console, transient=True):
                began = time.perf_counter()
                hits = assistant.search(row["asked"], k=K, focus=row["question"]).hits
                times.append((time.perf_counter() - began) * 1000)
                found = [{"source": hit.source, "text": hit.passage.text} for hit in hits]
                lines.write(json.dumps({"id": row["id"], "hits": found}, ensure_ascii=False) + "\n")
    finally:
        assistant.close()
    gold = read_jsonl(shared / "data" / of.data / "qa.jsonl")
    scores = score.score_run(gold, read_jsonl(run), [row["id"] for row in asked])
    summary: dict[str, Any] = score.summary(scores)
    key = EVIDENCE.get(of.name, "ev@800w")
    ci95 = score.interval([one[key] for one in scores.values() if key in one])
    return {
        "set": of.name,
        **summary,
        "evidence": key,
        "value": summary[key],
        "ci95": ci95,
        "bar": BARS[of.name],
        "peer": PEERS[of.name],
        "search_ms_p50": round(percentile(times, 0.5), 1),
    }


def run_all(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Ingest each folder once and measure every set that is asked of it."""
    shared = shared_folder(options.shared)
    chosen = [of for of in SETS if not options.only or of.name in options.only]
    results = []
    with scratch("retrieval") as folder:
        for docs in dict.fromkeys((of.data, of.docs) for of in chosen):
            config = settings(options, folder / docs[0])
            config = replace(config, generator=replace(config.generator, runtime="none"))
            with console.status(f"ingesting {docs[0]}"):
                report = run_ingest([shared / "data" / docs[0] / docs[1]], config)
            if report.rejected:
                console.print(f"[red]{docs[0]}: {len(report.rejected)} files rejected, e.g. {report.rejected[0]}[/red]")
            for of in chosen:
                if (of.data, of.docs) == docs:
                    run = (options.runs or folder) / f"{of.name}.jsonl"
                    results.append({**measure(of, config, shared, run, options.limit), "passages": report.passages})
    return results


def show(results: list[dict[str, Any]]) -> None:
    table = Table(title=f"Retrieval, first {K} hits")
    for name in ("set", "n", "ev@800w", "ci95", "bar", "best peer", "ev@400w", "doc@5", "mrr@10"):
        table.add_column(name, justify="left" if name in ("set", "best peer") else "right")
    for r in results:
        colour = "green" if r["value"] >= r["bar"] else "red"
        low, high = r["ci95"]
        table.add_row(
            r["set"] + ("" if r["evidence"] == "ev@800w" else " (ev_any)"),
            str(r["n"]),
            f"[{colour}]{r['value']:.3f}[/{colour}]",
            f"{low:.2f}-{high:.2f}",
            f"{r['bar']:.2f}",
            f"{r['peer'][0]:.2f} {r['peer'][1]}",
            f"{r['ev@400w']:.3f}",
            f"{r['doc@5']:.3f}",
            f"{r['mrr@10']:.3f}",
        )
    console.print(table)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", action="append", choices=[of.name for of in SETS], help="this set (repeatable)")
    options.add_argument("--limit", type=int, help="ask only the first so many questions of each set")
    options.add_argument("--runs", type=Path, metavar="FOLDER", help="keep the runs here, for score.py --vs")
    given = options.parse_args()
    if given.runs:
        given.runs.mkdir(parents=True, exist_ok=True)
    results = run_all(given)
    show(results)
    write_json(given.json, results)
    sys.exit(0 if given.limit or all(r["value"] >= r["bar"] for r in results) else 7)


if __name__ == "__main__":
    main()
