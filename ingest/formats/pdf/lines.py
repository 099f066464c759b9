"""Set a page's words in lines and ruled tables, drop what repeats on every page, and tell the document's usual type."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median, mode

import numpy as np

from ingest.formats.inline import as_script, is_raised
from ingest.formats.pdf.canvas import Page, RuledLine, Word

_PAGE_NUMBER = re.compile(
    r"[-–|\s]*(?:page|p\.)?\s*\d{1,4}(?:\s*(?:of|/|\|)\s*\d{1,4})?[-–|\s]*$|[ivxl]{1,7}$", re.IGNORECASE
)

_TOUCH = 2.5  # points between ruled lines that meet
_CONTENTS = re.compile(r"(?:[.·…_]\s?){4,}\s*\d{1,4}$")  # a line of the table of contents


@dataclass(slots=True)
class TextLine:
    """A line of type; `right` is where the lines of its column end."""

    words: list[Word]
    page: int
    right: float = 0.0
    text: str = field(init=False)
    size: float = field(init=False)
    bold: bool = field(init=False)
    x0: float = field(init=False)
    x1: float = field(init=False)
    base: float = field(init=False)

    def __post_init__(self) -> None:
        self.text = " ".join(word.text for word in self.words)
        self.size = mode(round(word.size * 2) / 2 for word in self.words for _ in word.text)
        lettered = [word for word in self.words if any(map(str.isalnum, word.text))]
        self.bold = bool(lettered) and all(word.bold for word in lettered)
        self.x0, self.x1, self.base = self.words[0].x0, self.words[-1].x1, self.words[0].base


Table = list[list[list[Word]]]  # rows of cells of words in reading order
Piece = TextLine | Table


@dataclass(frozen=True, slots=True)
class BodyType:
    """The document's usual setting."""

    size: float
    bold: bool
    gap: float  # widest distance of baselines in a paragraph, as a multiple of the size
    levels: dict[tuple[float, bool], int]

    def is_smaller_than(self, line: TextLine) -> bool:
        """Say whether a line is set larger by a tenth."""
        return line.size >= self.size * 1.1 and line.size > self.size + 0.4

    def heads(self, line: TextLine) -> bool:
        """Say whether a line's type alone would make it a heading."""
        return self.is_smaller_than(line) or (line.bold and not self.bold and line.size >= self.size - 0.6)


def lay_out(pages: list[Page]) -> tuple[list[list[Piece]], list[str]]:
    """Return each page's lines and tables in reading order; and the headers and footers, which are not among them."""
    laid = [_pieces(page, number) for number, page in enumerate(pages)]
    return laid, _drop_furniture(laid, pages)


def _pieces(page: Page, number: int) -> list[Piece]:
    """Return a page's lines and tables in reading order."""
    words = _with_marks(page.words)
    tables = find_tables(words, page.rules)
    written: set[int] = set()
    pieces: list[Piece] = []
    line: list[Word] = []
    for index, word in enumerate(words):
        table = tables.get(index)
        if line and (table or not (word.line == line[-1].line or _same_line(line[-1], word))):
            pieces.append(TextLine(line, number))
            line = []
        if table is None:
            line.append(word)
        elif id(table) not in written:
            written.add(id(table))
            pieces.append(table)
    if line:
        pieces.append(TextLine(line, number))
    lines = [piece for piece in pieces if isinstance(piece, TextLine)]
    rights: dict[int, float] = defaultdict(float)
    for each in lines:
        rights[_column(each)] = max(rights[_column(each)], each.x1)
    for each in lines:
        at = _column(each)
        each.right = max(rights[near] for near in (at - 1, at, at + 1))
    return pieces


def _with_marks(words: list[Word]) -> list[Word]:
    """Return words with the raised numbers that touch one as superscripts of it, on its line."""
    kept: list[Word] = []
    for word in words:
        before = kept[-1] if kept else None
        if before and _is_mark(word, before) and _touch(before, word):
            kept[-1] = replace(before, text=before.text + as_script(word.text, "super"), x1=word.x1)
        elif before and _is_mark(before, word) and _touch(before, word):
            kept[-1] = replace(word, text=as_script(before.text, "super") + word.text, x0=before.x0)
        else:
            kept.append(word)
    return kept


def _is_mark(word: Word, of: Word) -> bool:
    return word.text.isdecimal() and is_raised(word.size, word.base, of.size, of.base)


def _touch(left: Word, right: Word) -> bool:
    return -1 < right.x0 - left.x1 < 0.2 * max(left.size, right.size)


def _column(line: TextLine) -> int:
    return round(line.x0 / 36)  # half an inch


def _same_line(before: Word, after: Word) -> bool:
    return abs(before.base - after.base) < 0.3 * min(before.size, after.size) and after.x0 > before.x1 - 1


def _drop_furniture(laid: list[list[Piece]], pages: list[Page], margin: float = 0.12, edge_lines: int = 3) -> list[str]:
    """Remove page numbers, contents lists and lines at top and bottom that half of the pages share; return these.

    `margin` is the share of the page's height, at its top and bottom, where so many lines are looked at.
    """
    edges: list[list[TextLine]] = []
    for pieces, page in zip(laid, pages, strict=True):
        band = margin * (page.top - page.bottom)
        inside = [line for line in pieces if isinstance(line, TextLine)]
        ordered = sorted(inside, key=lambda line: -line.base)
        high = [line for line in ordered[:edge_lines] if line.base > page.top - band]
        low = [line for line in ordered[-edge_lines:] if line.base < page.bottom + band]
        edges.append([*high, *(line for line in low if line not in high)])
    seen = Counter(key for lines in edges for key in {_key(line) for line in lines})
    shared = {key for key, count in seen.items() if count >= max(2, len([page for page in pages if page.words]) / 2)}
    running: dict[str, str] = {}
    for pieces, lines in zip(laid, edges, strict=True):
        running |= {_key(line): line.text for line in lines if _key(line) in shared}
        drop = {id(line) for line in lines if _key(line) in shared or _PAGE_NUMBER.match(line.text)}
        drop |= {id(line) for line in pieces if isinstance(line, TextLine) and _CONTENTS.search(line.text)}
        pieces[:] = [piece for piece in pieces if id(piece) not in drop]
    return list(running.values())


def _key(line: TextLine) -> str:
    return re.sub(r"\d+", "#", " ".join(line.text.lower().split()))


def usual_type(lines: list[TextLine], wider: float = 1.2) -> BodyType:
    """Return the setting of most of the characters, and the levels of the types that stand out from it.

    A gap between paragraphs is `wider` than the distance of a paragraph's base lines.
    """
    characters: Counter[tuple[float, bool]] = Counter()
    for line in lines:
        characters[line.size, line.bold] += len(line.text)
    size, bold = characters.most_common(1)[0][0] if characters else (10.0, False)
    gaps = [
        gap
        for before, after in pairwise(lines)
        if before.page == after.page and before.size == after.size == size
        if 0.8 < (gap := (before.base - after.base) / size) < 3
    ]
    leading = median(gaps) if gaps else 1.3
    # The median may sit in a gap between paragraphs where most of these are one line long; wrapped lines tell better.
    close = [gap for gap in gaps if gap <= leading * wider]
    usual = BodyType(size, bold, wider * (median(close) if close else leading), {})
    styles = sorted({(line.size, line.bold) for line in lines if usual.heads(line)}, reverse=True)
    return BodyType(size, bold, usual.gap, {style: min(level, 6) for level, style in enumerate(styles, 1)})


def find_tables(words: list[Word], rules: list[RuledLine]) -> dict[int, Table]:
    """Return a page's tables by the number of each of their words."""
    members: dict[int, list[int]] = defaultdict(list)
    grids = [grid for group in _components(rules) if (grid := _Grid.of(group))]
    for index, word in enumerate(words):
        holding = next((number for number, grid in enumerate(grids) if grid.holds(word)), None)
        if holding is not None:
            members[holding].append(index)
    tables: dict[int, Table] = {}
    for number, found in members.items():
        table = grids[number].fill([words[index] for index in found])
        if len(table) > 1:
            tables |= dict.fromkeys(found, table)
    return tables


def _components(rules: list[RuledLine], most: int = 2_000) -> list[list[RuledLine]]:
    """Group the rules that touch each other; a table has fewer than `most`."""
    rules = [rule for rule in rules if max(rule.x1 - rule.x0, rule.y1 - rule.y0) > 3][:most]
    x0, y0, x1, y1 = np.array([(rule.x0, rule.y0, rule.x1, rule.y1) for rule in rules] or [(0.0,) * 4]).T
    near = (x0[:, None] <= x1 + _TOUCH) & (y0[:, None] <= y1 + _TOUCH)
    near &= near.T
    group = np.arange(len(x0))
    while (least := np.where(near, group, len(x0)).min(axis=1)).tolist() != group.tolist():
        group = least[least]
    groups: dict[int, list[RuledLine]] = defaultdict(list)
    for at, rule in zip(group.tolist(), rules, strict=False):
        groups[at].append(rule)
    return list(groups.values())


@dataclass(slots=True)
class _Grid:
    xs: list[float]
    ys: list[float]  # from the top down
    verticals: list[RuledLine]

    @classmethod
    def of(cls, rules: list[RuledLine]) -> _Grid | None:
        """Return the grid that rules form, if it has at least two columns."""
        verticals = [rule for rule in rules if not rule.horizontal]
        horizontals = [rule for rule in rules if rule.horizontal]
        xs = _cluster([(rule.x0 + rule.x1) / 2 for rule in verticals])
        ys = _cluster([(rule.y0 + rule.y1) / 2 for rule in horizontals])[::-1]
        if not (3 <= len(xs) <= 61 and 2 <= len(ys) <= 401):  # what has more is a drawing
            return None
        return cls(xs, ys, verticals)

    def holds(self, word: Word) -> bool:
        middle = (word.x0 + word.x1) / 2
        return self.xs[0] <= middle <= self.xs[-1] and self.ys[-1] - 1 <= word.base + word.size / 3 <= self.ys[0] + 1

    def fill(self, words: list[Word]) -> Table:
        """Put words into cells; a cell that spans columns is the first of them."""
        bands = list(zip(self.ys, self.ys[1:], strict=False))
        edges = [self._edges((top + bottom) / 2) for top, bottom in bands]
        rows: list[list[list[Word]]] = [[[] for _ in self.xs[1:]] for _ in bands]
        for word in words:
            height, middle = word.base + word.size / 3, (word.x0 + word.x1) / 2
            band = next((at for at, (_, bottom) in enumerate(bands) if height >= bottom), len(bands) - 1)
            column = max((at for at in edges[band] if self.xs[at] <= middle), default=0)
            rows[band][min(column, len(self.xs) - 2)].append(word)
        for row in rows:
            for cell in row:
                cell.sort(key=lambda word: (-round(word.base, 0), word.x0))
        return [row for row in rows if any(row)]

    def _edges(self, height: float) -> list[int]:
        """Return the columns that begin with a line at this height."""
        crossed = [(rule.x0 + rule.x1) / 2 for rule in self.verticals if rule.y0 - 1 <= height <= rule.y1 + 1]
        return [at for at, x in enumerate(self.xs) if any(abs(x - edge) <= _TOUCH for edge in crossed)]


def _cluster(values: list[float]) -> list[float]:
    """Return the distinct values, nearby ones taken together, ascending."""
    clusters: list[float] = []
    for value in sorted(values):
        if not clusters or value - clusters[-1] > _TOUCH:
            clusters.append(value)
    return clusters
