"""Rights that are said anew while documents are read: no text is published under those of before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import pytest

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import Audience, Progress
from assistant.index.catalog import Catalog
from assistant.models.encoder import Encoder
from ingest import build
from ingest.build import TRIES, ingest, ingest_settled
from ingest.rights import RightsChanged
from ingest.sources import MANIFEST
from tests import fakes
from tests.manifests import access_toml

encoder, parser = fakes.encoder, fakes.parser

OPEN, RESTRICTED = access_toml({}), access_toml({"z.md": ["board"]})
PLANS, SECRET = "# Plans\n\nNothing is planned.\n", "# Plans\n\nThe northern plant is sold to Halden.\n"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder in which `z.md` is read last."""
    docs = tmp_path / "all" / "docs"
    docs.mkdir(parents=True)
    (docs / "a.md").write_text("# Desk\n\nGuests sign the book.\n")
    (docs / "z.md").write_text(PLANS)
    return docs


def meanwhile(change: Callable[[int], object]) -> Progress:
    """Return a progress that changes something after the first file was read, with the number of the attempt."""
    attempts = count()

    def progress(stage: str, done: float, _: float) -> None:
        if (stage, done) == ("reading", 1):
            change(next(attempts))

    return progress


def published(config: Config) -> dict[str, tuple[Audience, str]]:
    catalog = Catalog.open(config.data, create=True)
    try:
        rows = catalog.sources().values()
        return {row.source: (row.meta.audience, catalog.text_of(row.document_id)) for row in rows}
    finally:
        catalog.close()


@pytest.mark.parametrize(
    ("before", "at", "text", "told"),
    [
        (OPEN, "docs/access.toml", RESTRICTED, r"docs/access\.toml changed .*Nothing was changed\. Ingest again"),
        (OPEN, "docs/access.toml", "", r"docs/access\.toml changed .*Ingest again"),
        ("", "docs/access.toml", RESTRICTED, r"docs/access\.toml changed .*Ingest again"),
        ("", "access.toml", access_toml({"docs/z.md": ["board"]}), r"all/access\.toml changed .*Ingest again"),
        (OPEN, "access.toml", access_toml({"docs/z.md": ["board"]}), r"docs/access\.toml lies below"),
        (OPEN, "docs/hr/access.toml", OPEN, r"docs/hr/access\.toml lies below"),
        (OPEN, "docs/z.md.meta.toml", "", r"z\.md\.meta\.toml is there to say who"),
        (OPEN, "docs/access.toml", "default =", r"docs/access\.toml is no TOML"),
    ],
)
def test_a_text_that_came_with_its_rule_is_not_published_without_it(
    make_config: Callable[..., Config], docs: Path, encoder: Encoder, before: str, at: str, text: str, told: str
) -> None:
    config, manifest = make_config(), docs.parent / at

    def restrict(_: int) -> None:
        manifest.parent.mkdir(exist_ok=True)
        manifest.write_text(text)
        if not text and manifest.name == MANIFEST:
            manifest.unlink()
        (docs / "z.md").write_text(SECRET)

    if before:
        (docs / MANIFEST).write_text(before)
    ingest([docs], config, encoder)
    assert published(config)["z.md"][0] is None
    with pytest.raises(UsageError, match=told):
        ingest([docs], config, encoder, progress=meanwhile(restrict))
    assert "Nothing is planned" in published(config)["z.md"][1]


def test_rights_of_a_folder_that_its_link_led_to_are_looked_at(
    make_config: Callable[..., Config], docs: Path, encoder: Encoder
) -> None:
    other, link = docs.with_name("other"), docs.with_name("link")
    other.mkdir()
    link.symlink_to(docs)

    def switch(_: int) -> None:
        (docs / MANIFEST).write_text(RESTRICTED)
        (docs / "z.md").write_text(SECRET)
        link.unlink()
        link.symlink_to(other)

    with pytest.raises(RightsChanged):
        ingest([link], make_config(), encoder, progress=meanwhile(switch))


def test_an_ingest_starts_over_and_stops_where_rights_go_on_changing(
    make_config: Callable[..., Config], docs: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config()
    monkeypatch.setattr(build, "open_embedder", lambda config: nullcontext(encoder))

    def restrict(attempt: int) -> None:
        (docs / MANIFEST).write_text(access_toml({"z.md": [f"board-{min(attempt, most)}"]}))
        (docs / "z.md").write_text(SECRET)

    most = TRIES
    with pytest.raises(RightsChanged):
        ingest_settled([docs], config, progress=meanwhile(restrict))
    assert published(config) == {}
    most = 0
    report = ingest_settled([docs], config, progress=meanwhile(restrict))
    assert report.added == ("a.md", "z.md") and report.embedded == 0
    audience, text = published(config)["z.md"]
    assert audience == ("board-0",) and "Halden" in text
