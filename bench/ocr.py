"""Read the sample company's PDFs from scans of them (200 dots an inch), and ask both what is asked of them.

Measures the characters that are read right, in reading order page by page, and the questions that are answered as from
the text; with `--worn`, also how sure OCR says it is of blurred, noisy and coarse scans, beside how right it is. Needs
the extra `ocr`; takes about ten minutes.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter

from assistant.answer.assistant import Assistant
from assistant.core.config import Config
from assistant.core.records import Answer
from bench.common import ROOT, console, parser, quiet_config, read_jsonl, run_ingest, scratch, settings, write_json
from ingest.formats import Parsed, read_document
from tests.ingest.formats.scanned_files import DPI, drawn, saved, scanned

CORPORA = ROOT / "corpora"
READ_RIGHT, SAME = 0.98, 0.9  # the bars
OVERLAP = 0.5  # of the shorter quote, without white space, that both must say
Change = Callable[[Image.Image], Image.Image]


def pdfs(folder: Path = CORPORA) -> list[Path]:
    return sorted(folder.rglob("*.pdf"))


def scan_company(folder: Path) -> Path:
    """Copy the sample company with every PDF as a scan."""
    copy = folder / "corpora"
    shutil.copytree(CORPORA, copy)
    for path in pdfs(copy):
        path.write_bytes(scanned(path.read_bytes()))
    return copy


def page_texts(text: str, pages: Sequence[int]) -> list[str]:
    return [text[start:end] for start, end in zip(pages, [*pages[1:], len(text)], strict=True)]


def errors(right: str, read: str) -> tuple[int, int]:
    """Return how many letters and digits must be changed, and how many there are."""
    wanted, got = ([char for char in text if char.isalnum()] for text in (right, read))
    codes = np.array([ord(char) for char in got], dtype=np.int64)
    steps = np.arange(len(codes) + 1)
    row = steps
    for number, char in enumerate(wanted, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(char)))
        row = np.minimum.accumulate(np.concatenate([[number], best]) - steps) + steps
    return int(row[-1]), len(wanted)


def questions(folder: Path = CORPORA) -> list[dict[str, Any]]:
    """Return the questions whose gold source is a PDF."""
    rows = read_jsonl(folder / "questions.jsonl")
    return [row for row in rows if str(row.get("doc") or "").endswith(".pdf")]


def is_same(one: Answer, other: Answer) -> bool:
    """Tell whether two answers end alike, and quote the same place if they quote any."""
    quoted = [(a, b) for a in one.citations for b in other.citations if a.source == b.source]
    overlap = any(_overlap(a.quote, b.quote) for a, b in quoted)
    return one.status == other.status and (overlap or not one.citations)


def _overlap(one: str, other: str) -> bool:
    one, other = "".join(one.split()), "".join(other.split())
    found = SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
    return found.size >= OVERLAP * min(len(one), len(other))


@dataclass(frozen=True, slots=True)
class Worn:
    """A page of a bad scan: how it was made worse, how sure OCR is, and the share that it reads right."""

    how: str
    document: str
    sure: float
    right: float


def worn_pages() -> Iterator[Worn]:
    """Yield the first pages of the PDFs as bad scans show them."""
    for path in pdfs():
        data = _first_page(path)
        first = read_document(data, path.name).text
        for how, (dpi, change) in WEARS.items():
            page = change(drawn(data, dpi)[0])
            try:
                read: Parsed = read_document(saved([page], "JPEG", dpi), "page.jpg")
            except Exception as error:  # whatever it is, it is no page that was read
                console.print(f"{path.name}, {how}: {error}", markup=False)
                continue
            wrong, of = errors(first, read.text)
            yield Worn(how, path.name, read.ocr[0][1], 1 - wrong / of)


def _first_page(path: Path) -> bytes:
    """Return a PDF of a page alone, whose running lines are text of it."""
    with closing(pypdfium2.PdfDocument(path)) as whole, closing(pypdfium2.PdfDocument.new()) as one:
        one.import_pages(whole, [0])
        out = io.BytesIO()
        one.save(out)
        return out.getvalue()


def _noisy(strength: float) -> Change:
    def change(page: Image.Image) -> Image.Image:
        noise = np.random.default_rng(7).normal(0, strength, (page.height, page.width))
        return Image.fromarray(np.clip(np.asarray(page) + noise, 0, 255).astype(np.uint8))

    return change


def _blurred(radius: float) -> Change:
    return lambda page: page.filter(ImageFilter.GaussianBlur(radius))


WEARS: dict[str, tuple[int, Change]] = {
    "blurred by 2 pixels": (DPI, _blurred(2)),
    "blurred by 3.5 pixels": (DPI, _blurred(3.5)),
    "noise of 60": (DPI, _noisy(60)),
    "noise of 120": (DPI, _noisy(120)),
    "75 dots an inch": (75, lambda page: page),
    "turned by 2 degrees": (DPI, lambda page: page.rotate(2, Image.Resampling.BICUBIC, fillcolor=255)),
}


def read_right(config: Config, scans: Config) -> dict[str, float]:
    """Return the share of characters that were read right, of each PDF."""
    from assistant.core.records import make_access
    from assistant.index.catalog import Catalog

    shares = {}
    with closing(Catalog.open(config.data)) as texts, closing(Catalog.open(scans.data)) as read:
        for path in pdfs():
            source = path.relative_to(CORPORA).as_posix()
            right, got = (catalog.queries.document(source, make_access()) for catalog in (texts, read))
            assert right and got and got.ocr, source
            pages = page_texts(right.text, right.pages), page_texts(got.text, got.pages)
            counted = [errors(a, b) for a, b in zip(*pages, strict=True)]
            shares[source] = 1 - sum(wrong for wrong, _ in counted) / sum(of for _, of in counted)
    return shares


def answered_alike(config: Config, scans: Config) -> dict[str, bool]:
    """Return, by the question's id, whether it is answered from scans as from text."""
    with closing(Assistant(config)) as text, closing(Assistant(scans)) as scan:
        return {row["id"]: is_same(text.answer(row["question"]), scan.answer(row["question"])) for row in questions()}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--worn", action="store_true", help="measure bad scans instead")
    given = options.parse_args()
    if given.worn:
        found = []
        for page in worn_pages():
            found.append(page)
            console.print(f"{page.how:22} {page.document:28} sure {page.sure:.2f} right {page.right:.3f}")
        write_json(given.json, [[p.how, p.document, p.sure, p.right] for p in found])
        return
    with scratch("ocr") as folder:
        models = settings(given, folder).models_dir
        config, scans = (quiet_config(folder / name / "index", models) for name in ("text", "scans"))
        run_ingest([CORPORA], config)
        run_ingest([scan_company(folder)], scans)
        right, alike = read_right(config, scans), answered_alike(config, scans)
    for source, share in right.items():
        console.print(f"{share:.4f} of the characters of {source} are read right")
    same = sum(alike.values()) / len(alike)
    others = ", ".join(name for name, ok in alike.items() if not ok)
    console.print(f"{same:.1%} of {len(alike)} questions are answered alike; not: {others}")
    write_json(given.json, {"right": right, "alike": alike})
    if min(right.values()) < READ_RIGHT or same < SAME:
        sys.exit(7)


if __name__ == "__main__":
    main()
