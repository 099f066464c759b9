"""What people get wrong about rights: each slip must stop an ingest before it publishes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

ROLE = "board"
Slip = Callable[[Path, str], None]  # breaks the rights of a folder, given the source of a restricted document


def text(content: str) -> Slip:
    """Replace the manifest."""
    return lambda root, source: put(root / "access.toml", content.replace("{source}", source))


def more(content: str) -> Slip:
    """Append to the manifest."""
    return lambda root, source: put(root / "access.toml", old(root) + "\n" + content.replace("{source}", source))


def changed(was: str, now: str) -> Slip:
    """Change a word of the manifest wherever it stands."""
    return lambda root, source: put(root / "access.toml", old(root).replace(was, now))


def beside(name: str, content: str) -> Slip:
    """Write a file; `{folder}` and `{name}` in its name are the document's."""

    def slip(root: Path, source: str) -> None:
        folder, _, file = source.rpartition("/")
        put(root / name.format(folder=folder, name=file, stem=file.rpartition(".")[0]), content)

    return slip


def front(content: str) -> Slip:
    """Add a document whose front matter says who may see it."""
    return lambda root, source: put(root / "general" / "slip.md", f"---\n{content}\n---\n# Slip\n\nWords.\n")


def renamed(edit: bool, ending: str = "-2026") -> Slip:
    """Rename the document without its rule, and perhaps edit it."""

    def slip(root: Path, source: str) -> None:
        path = root / source
        to = path.with_name(f"{path.stem}{ending}{path.suffix}")
        path.rename(to)
        if edit:
            put(to, to.read_text(encoding="utf-8") + "\nOne more.\n")

    return slip


def moved(edit: bool) -> Slip:
    """Move the document to where everybody may see it."""

    def slip(root: Path, source: str) -> None:
        to = root / "general" / f"moved-{Path(source).name}"
        (root / source).rename(to)
        if edit:
            put(to, to.read_text(encoding="utf-8") + "\nOne more.\n")

    return slip


def called(name: str) -> Slip:
    """Give the manifest another name."""

    def slip(root: Path, source: str) -> None:
        (root / "access.toml").rename(root / name)

    return slip


def gone(root: Path, source: str) -> None:
    (root / "access.toml").unlink()


def linked(root: Path, source: str) -> None:
    (root / "access.toml").rename(root.parent / "elsewhere.toml")
    (root / "access.toml").symlink_to(root.parent / "elsewhere.toml")


def put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def old(root: Path) -> str:
    return (root / "access.toml").read_text(encoding="utf-8")


RULE = '[[access]]\npaths = ["{source}"]\naudience = '
SLIPS: Mapping[str, Slip] = {
    "manifest: torn": lambda root, source: put(root / "access.toml", old(root)[:-9]),
    "manifest: empty": text(""),
    "manifest: YAML": text("default: everyone\n"),
    "manifest: gone": gone,
    "manifest: a link": linked,
    "manifest: in capitals": called("Access.toml"),
    "manifest: another name": called("acces.toml"),
    "manifest: a copy of a sync tool": called("access (conflicted copy).toml"),
    "manifest: a folder's own": beside("{folder}/access.toml", 'default = "nobody"\n'),
    "default: none": changed("default = ", "# "),
    "default: a slip": changed('default = "everyone"', 'default = "evryone"'),
    "key: audiance": changed("audience", "audiance"),
    "key: path": changed("paths", "path"),
    "key: another table": more('[[acess]]\npaths = ["**"]\naudience = ["hr"]\n'),
    "key: audience of a document": more('[[documents]]\npath = "{source}"\naudience = ["hr"]\n'),
    "audience: a text": more(RULE + '"hr"\n'),
    "audience: empty": more(RULE + "[]\n"),
    "audience: false": more(RULE + "false\n"),
    "audience: a comma": more(RULE + '["hr, board"]\n'),
    "audience: everyone in a list": more(RULE + '["everyone"]\n'),
    "path: no document": more('[[access]]\npaths = ["hr/no-such.md"]\naudience = ["hr"]\n'),
    "path: a folder": more('[[access]]\npaths = ["hr"]\naudience = ["hr"]\n'),
    "path: absolute": more('[[access]]\npaths = ["/hr/**"]\naudience = ["hr"]\n'),
    "path: of Windows": more("[[access]]\npaths = ['hr\\**']\naudience = ['hr']\n"),
    "document: twice": more('[[documents]]\npath = "{source}"\n[[documents]]\npath = "{source}"\n'),
    "document: a bad date": more('[[documents]]\npath = "{source}"\nexpires = "31.12.2020"\n'),
    "document: not there": more('[[documents]]\npath = "hr/no-such.md"\nowner = "HR"\n'),
    "front matter: audience": front("audience: hr"),
    "front matter: in capitals": front("AUDIENCE: [hr]"),
    "front matter: a plural": front("audiences: hr"),
    "front matter: empty": front("audience:"),
    "sidecar: of a document": beside("{folder}/{name}.meta.toml", 'audience = "hr"'),
    "sidecar: of a stem": beside("{folder}/{stem}.META.toml", 'audience = "hr"'),
    "sidecar: of a folder": beside("{folder}/_meta.toml", 'audience = "hr"'),
    "move: renamed": renamed(edit=False),
    "move: renamed and edited": renamed(edit=True),
    "move: renamed by one letter": renamed(edit=True, ending="s"),
    "move: to an open folder": moved(edit=False),
    "move: to an open folder, edited": moved(edit=True),
}
