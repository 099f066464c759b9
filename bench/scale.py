"""Measure how cost grows with the index:  python -m bench.scale [--sizes 1000 10000 50000 100000]

One index is grown from the documents of ../shared/data, read again and again with other names and numbers in each
paragraph, so that no two passages are equal. At each size: passages a second of the ingest that led there, bytes on
disk a passage, searches and answers (without a generator) in one process with its peak memory, a cold answer, and an
ingest of nothing new, of one changed document, and `forget` of one. `--plot FILE` draws it with logarithmic axes;
`--chroma URL` keeps the vectors on a server that was started for it, whose disk and memory are not counted.

Encoding takes the same time whatever the index holds, and hours for 100,000 passages: it is measured by itself on 1,000
passages, and all others get a vector near one of theirs. What else an ingest does, it does.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from assistant.answer.assistant import Assistant
from assistant.core.config import load_config
from assistant.models.encoder import LazyEncoder, open_encoder
from assistant.models.registry import Registry
from bench.common import (
    HANDBOOK,
    config_text,
    console,
    note_load,
    parser,
    percentile,
    questions,
    quiet_config,
    scratch,
    settings,
    shared_folder,
    write_json,
)
from bench.speed import Timed, assistant, timed

SIZES = (1_000, 10_000, 50_000, 100_000)
PASSAGE = 770  # characters of these documents that make a passage, about: only the sizes depend on it
TEXT = (".md", ".txt")
SEARCHES, ANSWERS, COLD = 60, 10, 3
ENCODED = 1_000
NOISE = 0.75  # makes cosines of 0.8 to the passage that a vector is made from, as between passages on one subject
NUMBER = re.compile(r"(?<![\w.#\]])\d+(?![\w.)])")
BARS = {
    "search_p95_ms": 40.0,
    "changed_seconds": 5.0,
    "unchanged_seconds": 10.0,
    "query_mib": 800.0,
    "bytes_per_passage": 12_000.0,
}


def versions(documents: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield (name, text) without end: every document, then every one again with other names and numbers."""
    for turn in count():
        draw = random.Random(turn)
        for name, text in documents:
            yield f"{turn:03}/{name}", varied(text, draw)


def varied(text: str, draw: random.Random) -> str:
    """Return a text with its own organisation's name in each paragraph, and other numbers."""
    name = "".join(draw.choice("bdfgklmnprstvz") + draw.choice("aeiou") for _ in range(4)).capitalize()
    lines = (
        f"At {name}, {line}" if len(line) > 40 and line[0].isalpha() else line.replace("# ", f"# {name} ", 1)
        for line in NUMBER.sub(lambda _: str(draw.randrange(2, 99)), text).splitlines()
    )
    return "\n".join(lines) + "\n"


def read_documents(data: Path) -> list[tuple[str, str]]:
    """Return (name, text) of the shared documents, mixed, so that each size has all kinds."""
    paths = sorted(path for path in data.glob("*/docs/**/*") if path.suffix in TEXT)
    random.Random(1).shuffle(paths)
    return [(path.relative_to(data).as_posix().replace("/", "-"), path.read_text("utf-8", "replace")) for path in paths]


def measure(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Return the numbers at each size."""
    shared = shared_folder(options.shared)
    docs, config = folder / "docs", folder / "config.toml"
    quiet = quiet_config(folder / "index", settings(options, folder).models_dir)
    quiet = replace(quiet, index=replace(quiet.index, chroma_url=options.chroma))
    config.write_text(config_text(quiet), encoding="utf-8")
    asked = folder / "asked.json"
    asked.write_text(json.dumps([row["asked"] for row in questions(shared, HANDBOOK, SEARCHES)]), encoding="utf-8")
    documents = read_documents(shared / "data")
    (folder / "real.json").write_text(json.dumps(pieces(documents)), encoding="utf-8")
    with console.status("encoding"):
        encoded = child("encode", config)
    texts, written, held, found = versions(documents), 0, 0, list[dict[str, Any]]()
    for size in options.sizes:
        while written < size * PASSAGE:
            name, text = next(texts)
            (docs / name).parent.mkdir(parents=True, exist_ok=True)
            (docs / name).write_text(text, encoding="utf-8")
            written += len(text)
        console.print(f"{size:,} passages, load {note_load():.2f}")
        found.append({**at_size(docs, config, asked, held), **encoded.said})
        held = found[-1]["passages"]
        write_json(options.json, with_growth(found))
    return found


def pieces(documents: Sequence[tuple[str, str]]) -> list[str]:
    """Cut some passages from the documents, of the usual length."""
    cut = [text[at : at + PASSAGE] for _, text in documents for at in range(0, len(text), PASSAGE)]
    return random.Random(2).sample(cut, ENCODED)


def at_size(docs: Path, config: Path, asked: Path, before: int) -> dict[str, Any]:
    """Ingest what is new, then measure what people do with an index of that size."""
    grown = child("ingest", config, docs)
    passages, index = grown.said["passages"], config.with_name("index")
    size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
    asking = child("ask", config, asked)
    first = json.loads(asked.read_text(encoding="utf-8"))[0]
    cold = [timed(assistant("ask", first, "--config", str(config), "--json"), (0, 3)) for _ in range(COLD)]
    unchanged = ingest(docs, config)
    target = min(docs.rglob("*.*"))
    with target.open("a", encoding="utf-8") as file:
        file.write(f"\nOn request {passages}, visitors may leave by the other door.\n")
    changed = ingest(docs, config)
    gone = max(docs.rglob("*.*"))
    forgotten = timed(assistant("forget", str(gone), "--config", str(config), "--json"))
    gone.unlink()
    return {
        "passages": passages,
        "ingest_per_second": (passages - before) / grown.seconds,
        "ingest_mib": grown.peak_mib,
        "bytes_per_passage": size / passages,
        **asking.said,
        "query_mib": asking.peak_mib,
        "cold_seconds": statistics.median(run.seconds for run in cold),
        "unchanged_seconds": unchanged.seconds,
        "changed_seconds": changed.seconds,
        "forget_seconds": forgotten.seconds,
    }


def ingest(docs: Path, config: Path) -> Timed:
    """Ingest as a user does; files that are rejected (some of these are empty) do not matter here."""
    return timed(assistant("ingest", str(docs), "--config", str(config), "--json"), (0, 6))


# --- what runs in a process of its own: a child's peak memory starts from its parent's on Linux ------------------


def child(what: str, *paths: Path) -> Timed:
    return timed([sys.executable, "-m", "bench.scale", "--child", what, *map(str, paths)])


def encode(config_file: Path) -> dict[str, float]:
    """Encode the real passages, and keep their vectors beside the configuration."""
    config = load_config(config_file)
    encoder = open_encoder(Registry(config.models_dir), config.encoder)
    texts = json.loads(config_file.with_name("real.json").read_text(encoding="utf-8"))
    began = time.perf_counter()
    vectors = encoder.encode(texts)
    seconds = time.perf_counter() - began
    np.save(config_file.with_name("real.npy"), vectors)
    return {"encoded_per_second": len(texts) / seconds}


class NearReal:
    """Stands for the encoder: vectors near those of real passages, the same for the same text."""

    def __init__(self, config_file: Path) -> None:
        config = load_config(config_file)
        self.sha = LazyEncoder(Registry(config.models_dir), config.encoder).sha
        self._real = np.load(config_file.with_name("real.npy"))

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors)."""
        for at in range(0, len(texts), 64):
            rows = list(range(at, min(at + 64, len(texts))))
            yield rows, np.array([self._near(texts[row]) for row in rows], np.float32)

    def _near(self, text: str) -> NDArray[np.float32]:
        draw = np.random.default_rng(zlib.crc32(text.encode()))
        vector = self._real[draw.integers(len(self._real))]
        noise = draw.standard_normal(len(vector))
        vector = vector + NOISE * noise / np.linalg.norm(noise)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


def grow(config_file: Path, docs: Path) -> dict[str, float]:
    """Ingest with vectors near real ones."""
    from ingest.build import ingest as build

    return {"passages": build([docs], load_config(config_file), NearReal(config_file)).passages}


def ask(config_file: Path, asked: Path) -> dict[str, float]:
    """Search, without the reader that orders hits, and ask, models loaded; return milliseconds."""
    texts, config = json.loads(asked.read_text(encoding="utf-8")), load_config(config_file)
    unordered = replace(config, retrieval=replace(config.retrieval, rerank=False))
    with closing(Assistant(unordered)) as opened:
        opened.search(texts[0])
        searches = [milliseconds(opened.search, text) for text in texts]
    with closing(Assistant(config)) as opened:
        opened.answer(texts[0])
        answers = [milliseconds(opened.answer, text) for text in texts[:ANSWERS]]
    return {
        "search_p50_ms": statistics.median(searches),
        "search_p95_ms": percentile(searches, 0.95),
        "ask_p50_ms": statistics.median(answers),
    }


CHILDREN: Mapping[str, Callable[..., dict[str, float]]] = {"encode": encode, "ingest": grow, "ask": ask}


def milliseconds(ask: Callable[[str], object], text: str) -> float:
    began = time.perf_counter()
    ask(text)
    return (time.perf_counter() - began) * 1000


def with_growth(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add the exponents: the slope of each cost over the passages, both as logarithms; 1 is in proportion."""
    costs = {
        key: [row["passages"] / row[key] if key == "ingest_per_second" else row[key] for row in found]
        for key in found[0]
        if key not in ("passages", "encoded_per_second") and len(found) > 1
    }
    return {"sizes": list(found), "exponents": {key: slope(found, values) for key, values in costs.items()}}


def slope(found: Sequence[Mapping[str, Any]], values: Sequence[float]) -> float:
    """Fit a line through the logarithms by least squares."""
    return round(float(np.polyfit(np.log([row["passages"] for row in found]), np.log(values), 1)[0]), 3)


def show(found: Sequence[Mapping[str, Any]]) -> None:
    growth = with_growth(found)["exponents"]
    table = Table("", *(f"{row['passages']:,}" for row in found), "bar", "exponent", title="Cost by passages")
    for key in found[0]:
        if key != "passages":
            bar = BARS.get(key)
            marks = (f"{row[key]:,.2f}" for row in found)
            table.add_row(key, *marks, "" if bar is None else f"<= {bar:g}", str(growth.get(key, "")))
    console.print(table)


def plot(found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw seconds over passages, both with logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    sizes = [row["passages"] for row in found]
    for key, scale in {
        "search_p95_ms": 1000, "ask_p50_ms": 1000, "cold_seconds": 1, "unchanged_seconds": 1, "changed_seconds": 1,
        "forget_seconds": 1,
    }.items():  # fmt: skip
        axes.loglog(
            sizes, [row[key] / scale for row in found], marker="o", label=key.replace("_", " ").rsplit(" ", 1)[0]
        )
    axes.set_xlabel("passages in the index")
    axes.set_ylabel("seconds")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options.add_argument("--chroma", default="", metavar="URL", help="vectors on this Chroma server, not in the folder")
    options.add_argument("--plot", type=Path, metavar="FILE", help="a drawing, .svg or .png")
    options.add_argument("--child", nargs="+", help=argparse.SUPPRESS)  # what it runs itself
    given = options.parse_args()
    if given.child:
        what, *paths = given.child
        sys.stdout.write(json.dumps(CHILDREN[what](*map(Path, paths))) + "\n")
        return
    with scratch("scale") as folder:
        found = measure(given, folder)
    show(found)
    write_json(given.json, with_growth(found))
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
