"""Reads canonical text (see `Document`): its blocks and its sentences.

Everything here returns character offsets into the text it was given; nothing is ever rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "paragraph", "item", "row", "rule", "code"]

HEADING = re.compile(r"(#{1,6}) +(\S.*)")
# A bullet, "1.", "1)", "a.", "a)", "(a)", "(iv)"; not "A.", which may be a heading's.
ITEM = re.compile(r"( *)(?:[-*•]|\d{1,3}[.)]|[a-z][.)]|\([A-Za-z0-9]\)|\(?[ivx]{2,5}\)) +(?=\S)")

# Characters. What repeats a text for each of its neighbours, or looks at all pairs of them, needs a bound; no document
# of an organisation comes near these.
MAX_STRETCH = 6_000  # of a passage, and so of a sentence, item or row
MAX_LEAD = 2_000  # of a lead-in or a table's header; a longer one introduces nothing
MAX_HEADING = 300  # of a title or heading; the rest is cut off

# What a terminal obeys: CSI; OSC, DCS, SOS, PM and APC strings; two-byte escapes; other controls. A string without its
# end, or in which another begins (which ends it for a terminal too), is its introducer alone.
CONTROL = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]{0,4096}+(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]{0,8}[0-~]"
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
# Controls, surrogates, and format characters that show nothing; joiners stay, which some scripts need.
UNPRINTABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)

# Behind its marks a sentence may have quotation marks, brackets, and the marks of notes: "class.[1] Others".
# Possessive, and only from the first mark of several: a dot leader is read once, not once a dot.
BOUNDARY = re.compile(r"""(?<![.!?…])[.!?…]++(?:["'”’)\]⁰¹²³⁴-⁹]|\[\^?\w{1,3}\])*+\s++(?=["'“‘(\[]*+[^\W_])""")
# A full stop after one of these does not end a sentence; a lower-case word after it does not begin one either.
ABBREVIATIONS = frozenset(
    """etc cf vs viz approx incl excl no nos art sec fig para paras ext tel dept est min max mr mrs ms dr prof st jr sr
    inc ltd co corp plc""".split()
)


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item, table row, table rule or code line; `level` is a heading's or an item's."""

    kind: Kind
    start: int
    end: int
    level: int = 0


def blocks(text: str, start: int = 0, end: int | None = None) -> Iterator[Block]:
    """Yield the blocks of text[start:end] in order; `start` must be at the start of a line."""
    end = len(text) if end is None else end
    current: Block | None = None
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        block = _line(text, at, stop, current)
        if block is None or (current is not None and block.start != current.start):
            if current is not None:
                yield current
            current = block
        else:
            current = block
        at = stop + 1
    if current is not None:
        yield current


def _line(text: str, start: int, stop: int, current: Block | None) -> Block | None:
    """Classify one line: a new block, `current` made longer, or None for a blank line."""
    line = text[start:stop]
    stripped = line.strip()
    if not stripped:
        return None
    end = start + len(line.rstrip())
    if match := HEADING.match(line):
        return Block("heading", start, end, len(match[1]))
    if line.startswith("|"):
        return Block("rule" if is_rule(line) else "row", start, end)
    if match := ITEM.match(line):
        return Block("item", start + len(match[1]), end, len(match[1]) // 2)
    if current is not None and current.kind in ("paragraph", "item"):
        return Block(current.kind, current.start, end, current.level)
    if line.startswith("    "):
        return Block("code", start + len(line) - len(line.lstrip()), end)
    return Block("paragraph", start + len(line) - len(line.lstrip()), end)


def sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Split text[start:end] into sentence spans, surrounding white space left out."""
    spans = []
    begin = start
    for match in BOUNDARY.finditer(text, start, end):
        stop = match.start() + len(match.group().rstrip())
        if _is_label(text, begin, match.start()) or _abbreviates(text, start, match) or text[match.end()].islower():
            continue
        spans.append((begin, stop))
        begin = match.end()
    if text[begin:end].strip():
        spans.append((begin, end))
    return [trim(text, *span) for span in spans if text[slice(*span)].strip()]


def _is_label(text: str, start: int, end: int, most: int = 8) -> bool:
    """Tell what numbers a sentence and is none, of `most` characters: "Q1. May I ...?"."""
    said = text[start:end].strip() if end - start <= most else ""
    letters = said.rstrip("0123456789")
    return 0 < len(said) - len(letters) <= 3 and len(letters) <= 2 and (not letters or letters.isalpha())


def _abbreviates(text: str, start: int, boundary: re.Match[str]) -> bool:
    """Tell an abbreviation's full stop, and an initial's; "No." is one before a number alone."""
    before = text[max(start, boundary.start() - 16) : boundary.start()].casefold()
    for opening in '("“‘[':
        before = before.replace(opening, " ")
    word = before.split()[-1] if before.strip() and text[boundary.start()] == "." else ""
    if word in ("no", "nos"):
        return text[boundary.end()].isdigit()
    initials = word != "" and all(len(part) == 1 and "a" <= part <= "z" for part in word.split("."))
    return initials or word in ABBREVIATIONS


def cut(text: str, start: int, end: int, most: int = MAX_STRETCH) -> Iterator[tuple[int, int]]:
    """Yield text[start:end] in spans of at most `most` characters, cut after a sentence, line or word if possible."""
    while end - start > most:
        half, whole = start + most // 2, start + most
        ends = (
            *(stop for _, stop in sentences(text, start, whole)[-2:-1]),
            text.rfind("\n", half, whole),
            text.rfind(" ", half, whole),
        )
        stop = next((stop for stop in ends if stop > half), whole)
        yield trim(text, start, stop)
        start, _ = trim(text, stop, end)
    if start < end:
        yield trim(text, start, end)


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Shrink a span so that it neither starts nor ends with white space."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def item_body(text: str, block: Block) -> int:
    """Return where a list item's text starts, after its bullet or number."""
    match = ITEM.match(text, block.start, block.end)
    return match.end() if match else block.start


def is_rule(line: str) -> bool:
    """Tell the line below a table's header: "|---|:--:|"."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    parts = [part.strip().removeprefix(":").removesuffix(":") for part in inner.split("|")]
    return line.startswith("|") and line.rstrip().endswith("|") and all(part and not part.strip("-") for part in parts)


def cells(row: str) -> list[str]:
    """Split a table row into its cells."""
    inner = row.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def row_text(header: str, row: str) -> str:
    """Say a table row as `Column: cell; Column: cell`."""
    return named_values(cells(header), cells(row))


def named_values(names: Sequence[str], values: Sequence[str]) -> str:
    """Say values with the names of their columns, as far as there are names."""
    pairs = [f"{name}: {value}" if name else value for name, value in zip(names, values, strict=False) if value]
    return "; ".join([*pairs, *values[len(names) :]])


def named_cells(row: str) -> list[tuple[str, str]]:
    """Split a sheet's row, "Place: Leeds; Rooms: 4", into what its columns are called and hold.

    What stands before the first name has none; a bracket in a name holds it together: "Band (also: Grade; band): B4".
    """
    found: list[tuple[str, str]] = []
    for part in row.split("; "):
        name, colon, value = part.partition(": ")
        if colon and name[:1].isalpha() and len(name) <= 80 and name.count("(") == name.count(")"):
            found.append((name, value))
        else:
            before, held = found.pop() if found else ("", "")
            found.append((before, f"{held}; {part}" if held else part))
    return found


def heading_path(title: str, headings: Sequence[str], page: int | None = None) -> str:
    """Return `title > heading > heading, page N`, each heading once."""
    path = " > ".join(dict.fromkeys(part for part in (title, *headings) if part))
    return f"{path}, page {page}" if page else path


def last_heading(title: str, headings: Sequence[str]) -> str:
    """Return the heading right above, or the title where there is none."""
    return headings[-1] if headings else title


def count_words(text: str) -> int:
    """Count white-space words."""
    return len(text.split())


def printable(text: str) -> str:
    """Make text of unknown origin harmless to a terminal: control and invisible format characters become U+FFFD."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", "    ").replace("\r\n", "\n"))


def plain_text(text: str) -> str:
    """Return canonical text as people read it: without the marks of headings, and a table's row as its cells."""
    lines = (line for line in printable(text).splitlines() if line.strip() and not is_rule(line))
    return "\n".join(_plain_line(line) for line in lines)


def _plain_line(line: str) -> str:
    if heading := HEADING.fullmatch(line):
        return f"{heading[2]}:"
    if line.startswith("|") and line.rstrip().endswith("|"):
        return " · ".join(filter(None, cells(line)))
    return line
