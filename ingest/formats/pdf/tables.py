"""Find the ruled tables of a PDF page and put its words into their cells."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ingest.formats.pdf.settings import LIMITS


@dataclass(slots=True)
class Word:
    """A word as set: `x0` to `x1` on the baseline `base`, in points; `line` numbers the page's physical lines."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    line: int
    font: str = ""
    bold: bool = False
    italic: bool = False
    pale: bool = False
    drawn: bool = True
    colour: tuple[int, int, int] = (0, 0, 0)
    order: int = 0  # among what the page draws


@dataclass(frozen=True, slots=True)
class RuledLine:
    """A line or thin rectangle, by its bounds."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def horizontal(self) -> bool:
        return self.x1 - self.x0 >= self.y1 - self.y0


@dataclass(slots=True)
class Page:
    """A page's words in reading order, its rules, and its vertical bounds."""

    words: list[Word]
    rules: list[RuledLine]
    bottom: float
    top: float


@dataclass(slots=True)
class Table:
    """A grid; `rows[i][j]` are the words of a cell, in reading order."""

    rows: list[list[list[Word]]]


def find_tables(page: Page) -> dict[int, Table]:
    """Return the page's tables by the index of their first word; every word of a table is in `page.words` too."""
    grids = [grid for rules in _components(page.rules) if (grid := _Grid.of(rules))]
    members: dict[int, list[tuple[int, Word]]] = defaultdict(list)
    for index, word in enumerate(page.words):
        for number, grid in enumerate(grids):
            if grid.holds(word):
                members[number].append((index, word))
                break
    tables = {}
    for number, found in members.items():
        table = grids[number].fill([word for _, word in found])
        if len(table.rows) > 1 and max(len(row) for row in table.rows) > 1:
            for index, _ in found:
                tables[index] = table
    return tables


def _components(rules: list[RuledLine]) -> list[list[RuledLine]]:
    """Group the rules that touch each other."""
    rules = [rule for rule in rules[: LIMITS.max_rules] if max(rule.x1 - rule.x0, rule.y1 - rule.y0) > 3]
    parent = list(range(len(rules)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    order = sorted(range(len(rules)), key=lambda at: rules[at].x0)
    active: list[int] = []
    for at in order:
        rule = rules[at]
        active = [other for other in active if rules[other].x1 >= rule.x0 - LIMITS.touch]
        for other in active:
            if rules[other].y0 <= rule.y1 + LIMITS.touch and rules[other].y1 >= rule.y0 - LIMITS.touch:
                parent[root(at)] = root(other)
        active.append(at)
    groups: dict[int, list[RuledLine]] = defaultdict(list)
    for at, rule in enumerate(rules):
        groups[root(at)].append(rule)
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
        if not (3 <= len(xs) <= LIMITS.max_columns + 1 and 2 <= len(ys) <= LIMITS.max_rows + 1):
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
        return Table([row for row in rows if any(row)])

    def _edges(self, height: float) -> list[int]:
        """Return the columns that begin with a line at this height."""
        crossed = [(rule.x0 + rule.x1) / 2 for rule in self.verticals if rule.y0 - 1 <= height <= rule.y1 + 1]
        return [at for at, x in enumerate(self.xs) if any(abs(x - edge) <= LIMITS.touch for edge in crossed)]


def _cluster(values: list[float]) -> list[float]:
    """Return the distinct values, nearby ones taken together, ascending."""
    clusters: list[float] = []
    for value in sorted(values):
        if not clusters or value - clusters[-1] > LIMITS.touch:
            clusters.append(value)
    return clusters
