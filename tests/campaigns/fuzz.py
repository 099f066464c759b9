"""Feed the parsers mutated input, guided by coverage:  python -m tests.campaigns.fuzz [TARGET]... [--seconds 60]

Each target runs in a process of its own under libFuzzer (`pip install .[fuzz]`), from the sample company's files as
seeds, and must keep its promise: a document or a rejection, claims without keys, a bounded number of views. Input that
breaks one is written to the working folder and named. Exit code 7 if any was found.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from rich.table import Table

from bench.common import ROOT, console, scratch

SEEDS = ROOT / "corpora"
OURS = ("assistant", "ingest")
LIMITS = ("-timeout=20", "-rss_limit_mb=3000", "-max_len=20000", "-print_final_stats=1", "-verbosity=1")
UNEXPECTED = "reading it ended in"  # what `read_document` says of an exception that no reader foresaw
# A byte of a binary file may break the library that reads it anywhere: "damaged" is then the right answer.
TEXTS = (".md", ".txt", ".html", ".csv")
PARTS = {".docx": "word/document.xml", ".pptx": "ppt/slides/slide1.xml", ".xlsx": "xl/worksheets/sheet1.xml"}

Target = Callable[[bytes], None]


def document(suffix: str, data: bytes) -> None:
    """A document is read, with everything at its place, or rejected."""
    from assistant.core.errors import DocumentRejected
    from ingest.formats import read_document

    try:
        parsed = read_document(data, f"a{suffix}")
    except DocumentRejected as error:
        assert suffix not in TEXTS or UNEXPECTED not in error.detail, error.detail
        return
    assert parsed.text.strip() and "\x00" not in parsed.text and "\x1b" not in parsed.text
    assert all(0 <= start < end <= len(parsed.text) for start, end in parsed.emphases)
    assert list(parsed.pages) == sorted(parsed.pages) and all(0 <= p <= len(parsed.text) for p in parsed.pages)


def office_part(suffix: str, data: bytes) -> None:
    """The main part of an Office file is anything at all."""
    template = next(SEEDS.rglob(f"*{suffix}"))
    made = io.BytesIO()
    with zipfile.ZipFile(template) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, data if name == PARTS[suffix] else old.read(name))
    document(suffix, made.getvalue())


def claims(data: bytes) -> None:
    """A generator may write anything: what is left of it are sentences without keys."""
    from assistant.answer.proof.citations import parse_claims
    from assistant.text.prompts import KEY

    for claim in parse_claims(data.decode(errors="replace")):
        assert claim.text and not KEY.search(claim.text)


def equality(data: bytes) -> None:
    """A statement is itself, and compared with any other nothing is raised."""
    from assistant.answer.proof.citations import is_its_quote

    statement, _, quote = data.decode(errors="replace").partition("\n")
    is_its_quote(statement, quote)
    assert is_its_quote(statement, statement)


def views(data: bytes) -> None:
    """A text is read in a bounded number of ways."""
    from assistant.guards.normalise import views as read

    assert 1 <= len(read(data.decode(errors="replace"))) <= 24


def guards(data: bytes) -> None:
    """A question is judged by every rule, in time."""
    from assistant.core.config import GuardsSection
    from assistant.guards.run import Guards

    Guards(GuardsSection()).input(data.decode(errors="replace"))


def masks(data: bytes) -> None:
    """Whatever a text holds, it can be masked."""
    from assistant.guards.run import redacted

    redacted(data.decode(errors="replace"))


TARGETS: dict[str, Target] = {
    **{suffix[1:]: partial(document, suffix) for suffix in (*TEXTS, ".pdf")},
    **{suffix[1:]: partial(office_part, suffix) for suffix in PARTS},
    "claims": claims,
    "support": equality,
    "views": views,
    "guards": guards,
    "masks": masks,
}


def seeds(target: str) -> Iterator[bytes]:
    """Yield what a target starts from."""
    suffix = f".{target}"
    if suffix in PARTS:
        with zipfile.ZipFile(next(SEEDS.rglob(f"*{suffix}"))) as archive:
            yield archive.read(PARTS[suffix])
    elif suffix in (*TEXTS, ".pdf"):
        yield from (path.read_bytes() for path in SEEDS.rglob(f"*{suffix}"))
    else:
        yield from (
            b"[1] You get 5 days. [2][9]\nOnly managers may.",
            b"SWdub3JlIGFsbA== 4111 1111 1111 1111 jo@mail.example",
        )


def run_here(target: str, corpus: str, seconds: int) -> None:
    """Fuzz in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=[*OURS]):
        for data in seeds(target):
            TARGETS[target](data)
    atheris.Setup([sys.argv[0], corpus, f"-max_total_time={seconds}", *LIMITS], TARGETS[target])
    atheris.Fuzz()


def fuzz(target: str, seconds: int) -> tuple[int, str]:
    """Return how many inputs were tried, and what was found; empty if nothing."""
    with scratch("fuzz") as corpus:
        for number, data in enumerate(seeds(target)):
            (corpus / str(number)).write_bytes(data)
        command = [sys.executable, "-m", "tests.campaigns.fuzz", "--one", target, str(corpus), str(seconds)]
        # One stream: libFuzzer writes to one, atheris the exception to the other.
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds + 300,
        )
    said = done.stdout.splitlines()
    tried = next((int(line.split()[-1]) for line in said if line.startswith("stat::number_of_executed_units")), 0)
    if not done.returncode and tried:
        return tried, ""
    return tried, "\n".join(
        line for line in said if line.startswith(("  File", "artifact", "Base64", "SUMMARY")) or "Error" in line
    ) or said[-1]


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        run_here(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "target", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help="all of them, unless named"
    )
    options.add_argument("--seconds", type=int, default=60, help="for each target")
    chosen = options.parse_args()
    table = Table("target", "inputs", "found", title="Fuzzing")
    targets = chosen.target or [*TARGETS]
    with console.status("fuzzing"), ThreadPoolExecutor(os.cpu_count()) as pool:  # a target is a process of one core
        results = list(pool.map(partial(fuzz, seconds=chosen.seconds), targets))
    for target, (tried, found) in zip(targets, results, strict=True):
        table.add_row(target, f"{tried:,}", found or "nothing", style="bold red" if found else "")
    console.print(table)
    sys.exit(7 if any(found for _, found in results) else 0)


if __name__ == "__main__":
    main()
