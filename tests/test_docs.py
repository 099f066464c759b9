"""Documentation that cannot rot: help is generated, commands and settings that are named exist.

Write docs/cli.md anew after a change of the command line:

    python tests/test_docs.py
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from assistant.cli import app
from assistant.core.config import load_config, section_names

ROOT = Path(__file__).resolve().parent.parent
CLI_PAGE = ROOT / "docs" / "cli.md"
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
    for document in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
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
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


if __name__ == "__main__":
    CLI_PAGE.write_text(help_page(), encoding="utf-8")
    sys.stdout.write(f"{CLI_PAGE}\n")
