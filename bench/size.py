"""Count what there is to know of the product: lines, modules, patterns, numbers, rooms (python -m bench.size)."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PRODUCT = ("assistant", "ingest", "tune")
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*$")


def modules(root: Path = ROOT) -> list[Path]:
    """Return the modules that are in the wheel; `tune/factory` makes the packaged models and is not."""
    factory = root / "tune" / "factory"
    return sorted(path for name in PRODUCT for path in (root / name).rglob("*.py") if not path.is_relative_to(factory))


def patterns(tree: ast.Module) -> int:
    """Count the calls of `re.compile`."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return sum(isinstance(f, ast.Attribute) and f.attr == "compile" and _is_re(f.value) for f in calls)


def _is_re(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "re"


def numeric_constants(tree: ast.Module) -> Iterator[str]:
    """Yield the names in capitals that a module binds to a number."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from _numbers(target, node.value)


def _numbers(target: ast.expr, value: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, its in zip(target.elts, value.elts, strict=True):
            yield from _numbers(each, its)
    elif isinstance(target, ast.Name) and CONSTANT.match(target.id) and _is_number(value):
        yield target.id


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand)
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def public_types(tree: ast.Module) -> Iterator[str]:
    """Yield the names of classes, and of type aliases, that a module defines for others."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def size(root: Path = ROOT) -> dict[str, object]:
    """Return the counts by name."""
    paths = modules(root)
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    types = Counter(name for tree in trees.values() for name in public_types(tree))
    return {
        "lines": sum(text.count("\n") for text in texts.values()),
        "modules": len(paths),
        "longest_module": max(text.count("\n") for text in texts.values()),
        "compiled_patterns": sum(patterns(tree) for tree in trees.values()),
        "numeric_constants": sum(len(list(numeric_constants(tree))) for tree in trees.values()),
        "rooms": sum(1 for path in (root / "assistant").iterdir() if path.is_dir() and any(path.glob("*.py"))),
        "types_of_one_name": sorted(name for name, count in types.items() if count > 1),
    }


if __name__ == "__main__":
    json.dump(size(), sys.stdout, indent=1)
    sys.stdout.write("\n")
