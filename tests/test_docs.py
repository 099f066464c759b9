"""Documentation that cannot rot: help is generated, commands and settings that are named exist.

Write docs/reference/cli.md, configuration.md beside it and config.toml anew after a change of commands or settings:

    python tests/test_docs.py
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement
from typer.testing import CliRunner

from assistant.cli import app
from assistant.core.config import Config, load_config, section_names

ROOT = Path(__file__).resolve().parent.parent
CLI_PAGE = ROOT / "docs" / "reference" / "cli.md"
SETTINGS, SETTINGS_PAGE = ROOT / "config.toml", ROOT / "docs" / "reference" / "configuration.md"
SETTING = re.compile(r"    (?P<name>\w+): [\w\[\], ]+ = .+?(?:  # (?P<comment>.+))?$")
WIDTH = "100"
LAYOUT = f"typer {'.'.join(typer.__version__.split('.')[:2])}"  # lays help out in its own way


def command_names(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """List the path of every command: (), ("ask",), ("tune", "train")."""
    children = getattr(command, "commands", {})
    return [path, *(name for child in children for name in command_names(children[child], (*path, child)))]


def help_page() -> str:
    """Return every command's `--help`, as Markdown."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    parts = ["# The command line", "", f"Written by `python tests/test_docs.py` from `--help` ({LAYOUT})."]
    try:
        for path in command_names(typer.main.get_command(app)):
            result = CliRunner().invoke(app, [*path, "--help"], prog_name="assistant", terminal_width=int(WIDTH))
            assert result.exit_code == 0, result.output
            body = "\n".join(f"    {line}".rstrip() for line in result.output.strip().splitlines())
            parts += ["", f"## {' '.join(('assistant', *path))}", "", body]
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "\n".join(parts) + "\n"


def sections() -> dict[str, list[tuple[str, str, str]]]:
    """Return (name, default as TOML, comment) of every setting by section, from the code that reads them."""
    source = Path(str(inspect.getsourcefile(Config))).read_text(encoding="utf-8")
    found: dict[str, list[tuple[str, str, str]]] = {}
    for name in section_names():
        section = getattr(Config(), name)
        body = source.split(f"class {type(section).__name__}:")[1].split("\n\n\n")[0]
        settings = (match for line in body.splitlines() if (match := SETTING.fullmatch(line)))
        found[name] = [
            (m["name"], json.dumps(getattr(section, m["name"]), ensure_ascii=False), m["comment"] or "")
            for m in settings
        ]
        assert [setting for setting, _, _ in found[name]] == [f.name for f in fields(section)], name
    return found


def purpose(section: str) -> str:
    """Return what the class of a section says of it, if it does."""
    of = type(getattr(Config(), section))
    said = of.__doc__ or ""
    return "" if said.startswith(of.__name__) else said  # what a dataclass says of itself


def settings_file() -> str:
    """Return a config.toml that says every setting, its default and what it is for."""
    parts = ["# Every setting with its default. Keys may be left out; unknown ones are refused."]
    for name, settings in sections().items():
        lines = (f"{key} = {value}" + (f"  # {comment}" if comment else "") for key, value, comment in settings)
        parts.append("\n".join((f"[{name}]" + (f"  # {purpose(name)}" if purpose(name) else ""), *lines)))
    return "\n\n".join(parts) + "\n"


def settings_page() -> str:
    """Return the same as Markdown."""
    parts = ["# Configuration", "Written by `python tests/test_docs.py` from `assistant/core/config.py`."]
    for name, settings in sections().items():
        rows = (f"| `{key}` | `{value}` | {comment.replace('|', 'or')} |" for key, value, comment in settings)
        parts += filter(None, [f"## [{name}]", purpose(name)])
        parts.append("\n".join(("| setting | default | what it is |", "|---|---|---|", *rows)))
    return "\n\n".join(parts) + "\n"


def test_the_settings_are_those_of_the_code() -> None:
    assert SETTINGS.read_text(encoding="utf-8") == settings_file(), "run: python tests/test_docs.py"
    assert SETTINGS_PAGE.read_text(encoding="utf-8") == settings_page(), "run: python tests/test_docs.py"


def test_what_the_contributing_page_names_is_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:assistant|ingest|tune|tests|docs)/[\w./]+\.\w+)`", page)
    assert len(named) >= 12 and [name for name in named if not (ROOT / name).is_file()] == []


def test_the_page_of_the_command_line_is_its_help() -> None:
    written, now = CLI_PAGE.read_text(encoding="utf-8"), help_page()
    if LAYOUT in written:
        assert written == now, "run: python tests/test_docs.py"
    else:
        assert outline(written) == outline(now), "run: python tests/test_docs.py"


def outline(page: str) -> list[str]:
    """List the commands and options of a page, whatever its layout."""
    return re.findall(r"^(?:## .+|      -[^ ]+(?:, --[a-z-]+)?)", page, re.MULTILINE)


def test_every_command_and_option_named_in_the_documentation_exists() -> None:
    top = {path[0] for path in command_names(typer.main.get_command(app)) if path}
    page = help_page()
    named = 0
    for document in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")):
        text = document.read_text(encoding="utf-8")
        for line in re.findall(r"(?:`|^    |&& |\| )assistant ([^`#\n]*)", text, re.MULTILINE):
            words = [word for word in line.split("&&")[0].split("|")[0].split() if word]
            if not words or document == CLI_PAGE:
                continue
            named += 1
            assert words[0] in top or words[0].startswith("--"), f"{document.name}: assistant {line}"
            options = re.findall(r"(?<=\s)(--?[a-z][a-z-]*)", re.sub(r"([\"']).*?\1", "", f" {line}"))
            assert all(option in page for option in options), f"{document.name}: assistant {line}"
    assert named >= 8


def test_every_command_is_in_the_readme_or_named_in_the_changelog() -> None:
    told = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    missing = [path for path in command_names(typer.main.get_command(app)) if path and path[0] not in told]
    assert missing == []


def test_every_setting_of_the_shipped_configuration_is_loaded() -> None:
    raw = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))
    loaded = load_config(ROOT / "config.toml")
    for section, values in raw.items():
        assert asdict(getattr(loaded, section)) == values
    assert set(raw) == set(section_names())


def test_the_configurations_in_the_readme_are_accepted(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "config.toml").write_text(block, encoding="utf-8")
        load_config(tmp_path / "config.toml")


def test_the_links_of_the_documentation_lead_somewhere() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


if __name__ == "__main__":
    for path, text in ((CLI_PAGE, help_page()), (SETTINGS, settings_file()), (SETTINGS_PAGE, settings_page())):
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")


def test_lines_of_prose_fit_120_characters() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))):
        prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        lines = [line for line in prose.splitlines() if len(line) > 120 and not line.startswith(("|", "    "))]
        assert not lines, f"{page.relative_to(ROOT)}: {lines[0][:80]}"


PINNED = re.compile(r"^([a-z0-9.-]+)==([^\s;]+).*\\\n    --hash=sha256:[0-9a-f]{64}", re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("requirements.lock", ("evaluate", "mcp", "ocr", "openai", "serve")),
        ("requirements-test.lock", ("evaluate", "mcp", "ocr", "openai", "serve", "test")),
    ],
)
def test_every_dependency_is_locked_with_hashes(name: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / name).read_text(encoding="utf-8")
    pinned: dict[str, list[str]] = {}
    for package, version in PINNED.findall(text):
        pinned.setdefault(package, []).append(version)  # one a platform, where they differ
    wanted = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    for requirement in map(Requirement, wanted):
        if requirement.name != project["name"]:
            found = pinned.get(requirement.name.lower(), [])
            assert any(map(requirement.specifier.contains, found)), f"{requirement}: run make lock"
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links", text), "the lock names no index"
