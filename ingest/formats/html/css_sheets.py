"""Which rules of a page's style sheets apply to an element, told while the page streams by.

Each selector is a row of compounds (`.a > p b` has three), and each compound a bit. The bits that an element matches
follow from those of its ancestors and elder siblings by shifts, as in the Shift-And algorithm (Baeza-Yates & Gonnet,
1992), so that no tree is kept and no combination is searched for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tinycss2
from cssselect2 import SelectorError, parser
from tinycss2.nth import parse_nth

from ingest.formats.html.css_values import Declarations, read_style
from ingest.formats.parsed import reject

_MAX_COMPOUNDS = 200_000
_MAX_NESTING = 10  # of at-rules
_TESTS, _TESTS_EACH = 1_000_000, 300  # conditions tried, of a page and for each of its elements
_ALWAYS = re.compile(r"(?:only\s+)?(?:all|screen)?(?:\s*and\s*)?(?:\(\s*min-width\s*:\s*[0-3]?\d{0,2}(?:px|em)?\s*\))?")


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a `<style>`; what only some readers see, such as those on paper, is `optional`."""

    text: str
    optional: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """What a selector declares."""

    precedence: tuple[tuple[int, int, int], int]
    usual: Declarations
    important: Declarations


@dataclass(slots=True)
class Element:
    """An open element, and what its children need to know."""

    tag: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    classes: frozenset[str] = frozenset()
    index: int = 1  # among its siblings
    children: int = 0
    states: tuple[_State, _State] | None = None


@dataclass(slots=True)
class _State:
    """Compounds matched: by an element, by it and its ancestors, by its last child, and by all its children."""

    own: int = 0
    above: int = 0
    last: int = 0
    earlier: int = 0


Test = Callable[[Element, bool], bool]  # of an element, as it is (False) or as it may become (True)


@dataclass(slots=True)
class _Group:
    """All compounds that are written alike."""

    tests: list[Test]
    size: int  # conditions, those in brackets included
    bits: int = 0


class Sheets:
    """The style sheets of one page.

    Rules are asked for twice: `False` means the page at rest, `True` the page once a reader has hovered, clicked and
    resized, its scripts have set classes that no element has yet (`unused`), and it was printed.
    """

    def __init__(self, sources: Sequence[Source], classes: frozenset[str], scripted: bool) -> None:
        self.animations: set[str] = set()
        self._classes, self._scripted = classes, scripted
        self._rules: dict[int, Rule] = {}  # by the number of their last compound
        self._found: dict[int, tuple[Rule, ...]] = {0: ()}
        self._groups: dict[str, dict[str, _Group]] = defaultdict(
            dict
        )  # by `p`, `.class`, `#id` or `*`, then as written
        self._count = 0  # of compounds
        self._first = self._ends = self._optional = 0
        self._after = dict.fromkeys(" >+~", 0)  # compounds by the combinator before them
        self._order = 0
        self._left = _TESTS
        for source in sources:
            self._add(tinycss2.parse_stylesheet(source.text, True, True), source.optional, 0)

    def __bool__(self) -> bool:
        """Whether there are any rules."""
        return bool(self._rules)

    def enter(self, parent: Element, tag: str, attributes: Mapping[str, str]) -> Element:
        """Return a child that begins in an element."""
        if not self._rules:
            return Element(tag, attributes)
        parent.children += 1
        element = Element(tag, attributes, frozenset(attributes.get("class", "").split()), parent.children)
        self._left += _TESTS_EACH
        parents = parent.states = parent.states or (_State(), _State())
        element.states = self._matched(element, parents[0], False), self._matched(element, parents[1], True)
        return element

    def matched(self, element: Element, may_become: bool) -> int:
        """Return which rules apply to an element, for `rules`."""
        if element.states is None:
            return 0
        ends = element.states[may_become].own & self._ends
        return ends if may_become else ends & ~self._optional

    def rules(self, matched: int) -> tuple[Rule, ...]:
        """Return rules, the strongest last."""
        if matched not in self._found:
            found = (self._rules[bit] for bit in _bits(matched))
            self._found[matched] = tuple(sorted(found, key=lambda rule: rule.precedence))
        return self._found[matched]

    def _matched(self, element: Element, parent: _State, may_become: bool) -> _State:
        after = self._after
        possible = self._first | ((parent.above << 1) & after[" "]) | ((parent.own << 1) & after[">"])
        possible |= ((parent.last << 1) & after["+"]) | ((parent.earlier << 1) & after["~"])
        own = 0
        for key in (
            "*",
            element.tag,
            "#" + element.attributes.get("id", ""),
            *("." + name for name in element.classes),
        ):
            for group in self._groups.get(key, {}).values():
                self._left -= group.size
                if group.bits & possible and all(test(element, may_become) for test in group.tests):
                    own |= group.bits
        if self._left < 0:
            raise reject("too_large", "Its style sheets have too many rules to tell what a reader would see.")
        own &= possible
        parent.last, parent.earlier = own, parent.earlier | own
        return _State(own, parent.above | own)

    # Reading

    def _add(self, items: Sequence[Any], optional: bool, depth: int) -> None:
        for item in items:
            if item.type == "qualified-rule":
                self._add_rule(item, optional)
            elif item.type == "at-rule" and item.content is not None and depth < _MAX_NESTING:
                self._add_at_rule(item, optional, depth)

    def _add_at_rule(self, rule: Any, optional: bool, depth: int) -> None:
        name, prelude = rule.lower_at_keyword, tinycss2.serialize(rule.prelude).strip().lower()
        if name.endswith("keyframes"):
            self.animations.update(token.value for token in rule.prelude if token.type in {"ident", "string"})
        elif name in {"media", "supports", "layer", "container", "scope"}:
            sometimes = name in {"container", "scope"} or (name == "media" and not always(prelude))
            self._add(tinycss2.parse_stylesheet(rule.content, True, True), optional or sometimes, depth + 1)

    def _add_rule(self, rule: Any, optional: bool) -> None:
        usual, important = read_style(rule.content)
        if not usual and not important:
            return
        try:
            selectors = list(parser.parse(rule.prelude))
        except (SelectorError, AttributeError):  # how the parser ends at `ns|` without a name
            return
        for selector in selectors:
            if selector.pseudo_element is None:
                self._order += 1
                last = self._compile(selector.parsed_tree)
                self._rules[last] = Rule((selector.specificity, self._order), usual, important)
                self._optional |= optional << last

    def _compile(self, tree: Any) -> int:
        """Add a selector's compounds; return the number of its last."""
        compounds: list[tuple[str, Any]] = []
        last = tree.right if isinstance(tree, parser.CombinedSelector) else tree
        while isinstance(tree, parser.CombinedSelector):
            compounds.append((tree.combinator, tree.right))
            tree = tree.left
        for combinator, compound in [("", tree), *reversed(compounds)]:
            if self._count >= _MAX_COMPOUNDS:
                raise reject("too_large", f"Its style sheets have more than {_MAX_COMPOUNDS:,} selectors.")
            bit = 1 << self._count
            self._count += 1
            if combinator:
                self._after[combinator] |= bit
            else:
                self._first |= bit
            self._group(compound.simple_selectors, last=compound is last).bits |= bit
        self._ends |= bit
        return self._count - 1

    def _group(self, simple: Sequence[Any], last: bool) -> _Group:
        steady = last and not any(self._names(part) for part in simple)  # `.open` by itself would open everything
        groups, written = self._groups[self._key(simple)], f"{steady} {simple!r}"
        if written not in groups:
            groups[written] = _Group([self._test(part, steady) for part in simple], _size(simple))
        return groups[written]

    def _key(self, simple: Sequence[Any]) -> str:
        """Return by what elements are looked up that a compound may match."""
        keys = ["*"]
        for part in simple:
            if isinstance(part, parser.LocalNameSelector):
                keys.append(part.lower_local_name)
            elif isinstance(part, parser.ClassSelector) and not self._is_state(part):
                keys.append("." + part.class_name)
            elif isinstance(part, parser.IDSelector):
                keys.append("#" + part.ident)
        return max(keys, key=lambda key: {"#": 3, ".": 2, "*": 0}.get(key[0], 1))

    def _names(self, part: Any) -> bool:
        """Whether a part of a selector says which elements it is for."""
        named = isinstance(part, (parser.IDSelector, parser.AttributeSelector))
        return named or (isinstance(part, parser.ClassSelector) and not self._is_state(part))

    def _is_state(self, part: Any) -> bool:
        """Whether a class stands for a state that a script may bring about."""
        return self._scripted and part.class_name not in self._classes

    def _test(self, part: Any, steady: bool = False) -> Test:
        if isinstance(part, parser.ClassSelector):
            name, state = part.class_name, self._is_state(part) and not steady
            return lambda element, may_become: name in element.classes or (state and may_become)
        if isinstance(part, parser.LocalNameSelector):
            tag = part.lower_local_name
            return lambda element, may_become: tag == element.tag
        if isinstance(part, parser.IDSelector):
            ident = part.ident
            return lambda element, may_become: ident == element.attributes.get("id")
        if isinstance(part, parser.AttributeSelector):
            return _attribute(part)
        if isinstance(part, parser.NegationSelector):
            no = self._any(part.selector_list)
            return lambda element, may_become: not no(element, may_become)
        if isinstance(part, (parser.MatchesAnySelector, parser.SpecificityAdjustmentSelector)):
            return self._any(part.selector_list)
        return _pseudo_class(part)

    def _any(self, selectors: Sequence[Any]) -> Test:
        compounds = [getattr(selector.parsed_tree, "simple_selectors", None) for selector in selectors]
        tests = [[self._test(part) for part in simple] for simple in compounds if simple is not None]
        unclear = None in compounds  # a selector in brackets that looks at other elements
        return lambda element, may_become: (
            (unclear and may_become) or any(all(test(element, may_become) for test in each) for each in tests)
        )


def always(media: str) -> bool:
    """Say whether a media query holds on every screen; what holds on some is for some readers."""
    queries = [query.strip() for query in media.lower().split(",")]
    return any(_ALWAYS.fullmatch(query) for query in queries)


def _size(simple: Sequence[Any]) -> int:
    """Return how many conditions a compound has, those of selectors in its brackets included."""
    lists = (selector for part in simple for selector in getattr(part, "selector_list", ()))
    inner = (getattr(selector, "parsed_tree", None) for selector in lists)
    return len(simple) + sum(_size(getattr(tree, "simple_selectors", ())) for tree in inner)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _counts(past: int, step: int) -> bool:
    return past == 0 if step == 0 else past % step == 0 and past // step >= 0


def _attribute(part: Any) -> Test:
    name, value, fold = part.lower_name, part.value or "", part.case_sensitive is False
    value = value.lower() if fold else value
    compare = _OPERATORS[part.operator]

    def test(element: Element, may_become: bool) -> bool:
        held = element.attributes.get(name)
        return held is not None and compare(held.lower() if fold else held, value)

    return test


_OPERATORS: dict[str | None, Callable[[str, str], bool]] = {
    None: lambda held, value: True,
    "=": lambda held, value: held == value,
    "~=": lambda held, value: value in held.split(),
    "|=": lambda held, value: held == value or held.startswith(value + "-"),
    "^=": lambda held, value: bool(value) and held.startswith(value),
    "$=": lambda held, value: bool(value) and held.endswith(value),
    "*=": lambda held, value: bool(value) and value in held,
}


def _pseudo_class(part: Any) -> Test:
    """Return the test of `:name`; one that is not known here may hold for any element at some time."""
    name = getattr(part, "name", "")
    if isinstance(part, parser.NamespaceSelector) or name == "defined":
        return lambda element, may_become: True
    if name in {"link", "any-link"}:
        return lambda element, may_become: element.tag == "a" and "href" in element.attributes
    if name == "root":
        return lambda element, may_become: element.tag == "html"
    if name == "first-child":
        return lambda element, may_become: element.index == 1
    nth = parse_nth(part.arguments) if name == "nth-child" else None
    if nth is not None:
        step, start = nth
        return lambda element, may_become: _counts(element.index - start, step)
    return lambda element, may_become: may_become
