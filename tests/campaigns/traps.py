"""Trees of files that mean to hide a document and slip: nobody but its audience may ever be shown a word of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROLE = "vault"  # which nobody who asks has
SAYS, TOML = f"audience: [{ROLE}]", f'audience = ["{ROLE}"]'
OPEN = {"{name}.md": "{text}"}

Files = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trap:
    """Files to write; `{name}` in their names and `{text}` in what they hold stand for the document's.

    `before` is what an ingest finds first where the slip is a change: the document is then open. `links` lead from a
    path to another, by a second name for the file if `hard`; `given` is the path in the tree that is ingested alone.
    """

    files: Files
    before: Files = field(default_factory=dict)
    links: Files = field(default_factory=dict)
    hard: bool = False
    given: str = ""

    def write(self, root: Path, name: str, text: str, *, first: bool) -> Path:
        """Write the tree, or what was there before; return the path to ingest, if that is to be done alone."""
        shutil.rmtree(root, ignore_errors=True)
        opened = first and self.before
        for path, content in (self.before if opened else self.files).items():
            place = root / path.replace("{name}", name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content.replace("{text}", text), encoding="utf-8")
        for path, to in ({} if opened else self.links).items():
            place = root / path.replace("{name}", name)
            place.parent.mkdir(parents=True, exist_ok=True)
            (os.link if self.hard else os.symlink)(root / to.replace("{name}", name), place)
        return root / self.given.replace("{name}", name) if self.given else root


def front(says: str, suffix: str = "md", fence: str = "---") -> Files:
    return {f"{{name}}.{suffix}": f"{fence}\n{says}\n{fence}\n{{text}}"}


def beside(name: str, says: str = TOML) -> Files:
    return {**OPEN, name: says}


TRAPS: Mapping[str, Trap] = {
    "front matter: a colon in a title": Trap(front(f"title: Pay: who gets what\n{SAYS}")),
    "front matter: a tab": Trap(front(f"audience:\n\t- {ROLE}")),
    "front matter: an alias": Trap(front(f"all: &all [{ROLE}]\naudience: *all")),
    "front matter: no space": Trap(front(f"audience:{ROLE}")),
    "front matter: an equals sign": Trap(front(f"audience = {ROLE}")),
    "front matter: a capital": Trap(front(f"Audience: {ROLE}")),
    "front matter: a slip": Trap(front(f"audiance: {ROLE}")),
    "front matter: a plural": Trap(front(f"audiences: {ROLE}")),
    "front matter: a no-break space": Trap(front(f"audience\u00a0: {ROLE}")),
    "front matter: a zero-width space": Trap(front(f"audi\u200bence: {ROLE}")),
    "front matter: another script": Trap(front(f"\u0430udience: {ROLE}")),
    "front matter: false": Trap(front("audience: no")),
    "front matter: nothing": Trap(front("audience:")),
    "front matter: an empty list": Trap(front("audience: []")),
    "front matter: a mapping": Trap(front(f"audience: {{{ROLE}: true}}")),
    "front matter: twice": Trap(front(f"{SAYS}\naudience: []")),
    "front matter: nested": Trap(front(f"access:\n  {SAYS}")),
    "front matter: a bad date": Trap(front("effective: 31.12.2099")),
    "front matter: a date misspelt": Trap(front("effective_date: 2099-12-31")),
    "front matter: too long": Trap(front(f"notes: {'x' * 70_000}\n{SAYS}")),
    "front matter: not closed": Trap({"{name}.md": f"---\n{SAYS}\n\n{{text}}"}),
    "front matter: not opened": Trap({"{name}.md": f"{SAYS}\n---\n{{text}}"}),
    "front matter: after a comment": Trap({"{name}.md": f"<!-- lint -->\n---\n{SAYS}\n---\n{{text}}"}),
    "front matter: after a heading": Trap({"{name}.md": f"# Pay\n\n---\n{SAYS}\n---\n{{text}}"}),
    "front matter: after another": Trap({"{name}.md": f"---\ntitle: Pay\n---\n---\n{SAYS}\n---\n{{text}}"}),
    "front matter: after two marks": Trap({"{name}.md": f"\ufeff\ufeff---\n{SAYS}\n---\n{{text}}"}),
    "front matter: four dashes": Trap(front(SAYS, fence="----")),
    "front matter: TOML": Trap(front(TOML, fence="+++")),
    "front matter: bad TOML": Trap(front(f"audience = {ROLE}", fence="+++")),
    "front matter: JSON": Trap({"{name}.md": f'{{"audience": ["{ROLE}"]}}\n\n{{text}}'}),
    "front matter: of a text": Trap(front(SAYS, "txt")),
    "front matter: of a page": Trap(front(SAYS, "html")),
    "front matter: of a table": Trap(front(SAYS, "csv")),
    "sidecar: a slip in a key": Trap(beside("{name}.md.meta.toml", f'audiance = "{ROLE}"')),
    "sidecar: false": Trap(beside("{name}.md.meta.toml", "audience = false")),
    "sidecar: two": Trap({**beside("{name}.md.meta.toml", 'owner = "x"'), "{name}.meta.toml": TOML}),
    "sidecar: capitals": Trap(beside("{name}.md.META.toml")),
    "sidecar: YAML": Trap(beside("{name}.md.meta.yaml", SAYS)),
    "sidecar: a further suffix": Trap(beside("{name}.md.meta.toml.txt")),
    "sidecar: a slip in its name": Trap(beside("{name}s.md.meta.toml")),
    "sidecar: another suffix": Trap(beside("{name}.txt.meta.toml")),
    "sidecar: too large": Trap(beside("{name}.md.meta.toml", f"# {'x' * 20_000}\n{TOML}")),
    "sidecar: a link to nothing": Trap(OPEN, links={"{name}.md.meta.toml": "nowhere"}),
    "folder: capitals": Trap(beside("_Meta.toml")),
    "folder: no underscore": Trap(beside("meta.toml")),
    "folder: false": Trap(beside("_meta.toml", "audience = false")),
    "folder: exchanged by one in it": Trap(
        {"a/b/{name}.md": "{text}", "a/_meta.toml": TOML, "a/b/_meta.toml": 'audience = ["hr", "legal", "board"]'}
    ),
    "folder: exchanged by a sidecar": Trap(
        {**beside("_meta.toml"), "{name}.md.meta.toml": 'audience = ["hr", "legal", "board"]'}
    ),
    "place: a folder alone": Trap({"hr/pay/{name}.md": "{text}", "hr/_meta.toml": TOML}, given="hr/pay"),
    "place: a file alone": Trap({"hr/pay/{name}.md": "{text}", "hr/_meta.toml": TOML}, given="hr/pay/{name}.md"),
    "place: a link": Trap({"hr/pay.md": "{text}", "hr/_meta.toml": TOML}, links={"open/{name}.md": "hr/pay.md"}),
    "place: a hard link": Trap(
        {"hr/pay.md": "{text}", "hr/_meta.toml": TOML}, links={"open/{name}.md": "hr/pay.md"}, hard=True
    ),
    "place: a link to one with a sidecar": Trap(
        {"hr/pay.md": "{text}", "hr/pay.md.meta.toml": TOML}, links={"open/{name}.md": "hr/pay.md"}
    ),
    "change: front matter that cannot be read": Trap(front(f"title: Pay: now\n{SAYS}"), before=OPEN),
    "change: a slip in the front matter": Trap(front(f"audiance: {ROLE}"), before=OPEN),
    "change: a sidecar with a slip": Trap(beside("{name}.md.meta.toml", f'audiance = "{ROLE}"'), before=OPEN),
    "change: a sidecar with a bad date": Trap(beside("{name}.md.meta.toml", 'expires = "31.12.2020"'), before=OPEN),
    "change: a folder's slip": Trap(beside("_meta.toml", f'audence = "{ROLE}"'), before=OPEN),
    "change: emptied and restricted": Trap({"{name}.md": "", "{name}.md.meta.toml": TOML}, before=OPEN),
    "change: a link to elsewhere": Trap({}, before=OPEN, links={"{name}.md": "../../../elsewhere.md"}),
    "change: a folder that is a link": Trap(
        {"hr/{name}.md": "{text}", "hr/_meta.toml": TOML}, before={"a/{name}.md": "{text}"}, links={"a": "hr"}
    ),
    "change: no text left": Trap({"{name}.md": f"<!-- {SAYS} -->"}, before=OPEN),
}
