"""Which files are found, which are refused, and what is said beside them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from assistant.core.errors import DocumentRejected, UsageError
from assistant.core.records import Meta
from ingest import metadata
from ingest.metadata import MetaReader, parse_meta
from ingest.sources import FoundFile, find_roots, read_bytes, walk

Write = Callable[[dict[str, str]], Path]
Roles = tuple[str, ...]


def found(root: Path) -> list[str]:
    return [f.source for f in walk(root, root) if isinstance(f, FoundFile)]


def refused(root: Path) -> dict[str, str]:
    return {f[0]: f[1].reason for f in walk(root, root) if not isinstance(f, FoundFile)}


def hidden(root: Path) -> list[str]:
    """Return the documents whose metadata are refused."""
    metas, found = MetaReader(), []
    for file in (f for f in walk(root, root) if isinstance(f, FoundFile)):
        try:
            metas.given(file)
        except DocumentRejected as error:
            assert error.reason == "metadata"
            found.append(file.source)
    return sorted(found)


def file_at(root: Path, name: str) -> FoundFile:
    return next(f for f in walk(root / name, root) if isinstance(f, FoundFile))


def meta_of(root: Path, name: str, own: Meta | None = None) -> Meta:
    return MetaReader().given(file_at(root, name)).merge(own or Meta())


# --- walking ---------------------------------------------------------------------------------------------------------


def test_only_visible_files_of_known_formats_are_found_in_a_stable_order(write_files: Write) -> None:
    root = write_files(
        dict.fromkeys(
            ["b.md", "a.txt", "sub/c.HTML", "sub/deep/d.csv", ".hidden.md", ".git/e.md", "sub/.f/g.md", "image.svg",
             "Makefile", "~$word.docx", "b.md.meta.toml", "b.meta.toml", "_meta.toml", "config.toml"], "x"
        )
    )  # fmt: skip
    assert found(root) == ["a.txt", "b.md", "sub/c.HTML", "sub/deep/d.csv"]
    assert not refused(root)


def test_a_file_knows_its_size_and_time(write_files: Write) -> None:
    root = write_files({"a.md": "four"})
    os.utime(root / "a.md", ns=(5, 7_000_000_001))
    file = file_at(root, "a.md")
    assert (file.size, file.mtime_ns, file.root, file.path) == (4, 7_000_000_001, root, root / "a.md")


def test_a_link_out_of_the_root_is_refused_and_reported(write_files: Write, tmp_path: Path) -> None:
    root = write_files({"a.md": "x"})
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    (root / "link.md").symlink_to(tmp_path / "secret.md")
    assert found(root) == ["a.md"]
    assert refused(root) == {"link.md": "outside"}


def test_a_linked_folder_outside_the_root_is_refused_and_reported(write_files: Write, tmp_path: Path) -> None:
    root = write_files({"a.md": "x", "sub/b.md": "y"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.md").write_text("secret", encoding="utf-8")
    (root / "out").symlink_to(tmp_path / "elsewhere")
    (root / "in").symlink_to(root / "sub")  # found where it is, so not a second time
    assert found(root) == ["a.md", "sub/b.md"]
    assert refused(root) == {"out": "outside"}


def test_a_link_within_the_root_is_followed(write_files: Write) -> None:
    root = write_files({"sub/a.md": "x"})
    (root / "again.md").symlink_to(root / "sub" / "a.md")
    assert found(root) == ["again.md", "sub/a.md"]


def test_link_loops_terminate(write_files: Write) -> None:
    root = write_files({"sub/a.md": "x"})
    (root / "sub" / "up").symlink_to(root)
    (root / "one.md").symlink_to(root / "two.md")
    (root / "two.md").symlink_to(root / "one.md")
    assert found(root) == ["sub/a.md"]
    assert refused(root) == {"one.md": "unreadable", "two.md": "unreadable"}


def test_a_dangling_link_is_reported(write_files: Write) -> None:
    root = write_files({})
    root.mkdir()
    (root / "gone.md").symlink_to(root / "nowhere.md")
    assert refused(root) == {"gone.md": "unreadable"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_never_opened(write_files: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_files({"a.md": "x"})
    os.mkfifo(root / "pipe.md")
    opened: list[object] = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *args, **kw: opened.append(path) or real(path, *args, **kw))
    assert found(root) == ["a.md"] and not refused(root)
    assert not opened


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.timeout(5)
def test_a_file_swapped_for_a_fifo_does_not_hang(write_files: Write) -> None:
    root = write_files({"a.md": "x"})
    file = file_at(root, "a.md")
    file.path.unlink()
    os.mkfifo(file.path)
    with pytest.raises(DocumentRejected, match="not a regular file"):
        read_bytes(file, 1)


def test_a_file_that_grew_past_the_limit_is_not_cut_but_rejected(write_files: Write) -> None:
    root = write_files({"a.md": "x"})
    file = file_at(root, "a.md")
    file.path.write_bytes(b"x" * 2048)
    with pytest.raises(DocumentRejected) as error:
        read_bytes(file, 1 / 1024)
    assert error.value.reason == "too_large"


def test_a_file_too_large_is_not_opened(write_files: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_at(write_files({"a.md": "x" * 2000}), "a.md")
    monkeypatch.setattr(os, "open", lambda *args, **kw: pytest.fail("opened"))
    with pytest.raises(DocumentRejected, match=r"2,000 bytes"):
        read_bytes(file, 1 / 1024)


def test_a_file_that_vanished_is_unreadable(write_files: Write) -> None:
    file = file_at(write_files({"a.md": "x"}), "a.md")
    file.path.unlink()
    with pytest.raises(DocumentRejected, match="No such file"):
        read_bytes(file, 1)


def test_a_name_that_would_steer_the_terminal_is_made_printable(write_files: Write) -> None:
    root = write_files({"\x1b]52;c;aGk=\x07.md": "x", "two\nlines.md": "x", "rtl\u202egpj.md": "x", "Grüße 1.md": "x"})
    assert sorted(found(root)) == ["Grüße 1.md", "rtl\ufffdgpj.md", "two\ufffdlines.md", "\ufffd]52;c;aGk=\ufffd.md"]


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_a_name_that_is_not_utf8_is_refused_and_reported(write_files: Write) -> None:
    root = write_files({"a.md": "x"})
    try:
        Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.md")).write_text("x", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert found(root) == ["a.md"]
    assert refused(root) == {"caf\ufffd.md": "unreadable"}


def test_a_folder_that_cannot_be_listed_is_reported(write_files: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_files({"a.md": "x", "locked/b.md": "y"})
    real = os.scandir

    def scandir(path: str | Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert found(root) == ["a.md"]
    assert refused(root) == {"locked": "unreadable"}


# --- roots -----------------------------------------------------------------------------------------------------------


def test_a_folder_is_its_own_root_and_a_file_has_its_folder(write_files: Write) -> None:
    root = write_files({"sub/a.md": "x"})
    assert find_roots([root], {}) == [(root, root)]
    assert find_roots([root / "sub" / "a.md"], {}) == [(root / "sub" / "a.md", root / "sub")]


def test_a_file_keeps_the_root_it_is_known_under(write_files: Write) -> None:
    root = write_files({"sub/a.md": "x", "sub/new.md": "x"})
    known = {str(root / "sub" / "a.md"): str(root)}
    assert find_roots([root / "sub" / "a.md"], known) == [(root / "sub" / "a.md", root)]
    assert find_roots([root / "sub" / "new.md"], known) == [(root / "sub" / "new.md", root)]


def test_a_subfolder_keeps_the_root_it_is_known_under(write_files: Write) -> None:
    root = write_files({"sub/a.md": "x"})
    known = {str(root / "sub" / "a.md"): str(root)}
    assert find_roots([root / "sub"], known) == [(root / "sub", root)]
    assert find_roots([root, root / "sub"], {}) == [(root, root), (root / "sub", root)]


def test_the_folder_of_a_file_given_alone_is_no_root_of_its_subfolders(write_files: Write) -> None:
    root = write_files({"a.md": "x", "sub/b.md": "x"})
    assert find_roots([root / "sub"], {str(root / "a.md"): str(root)}) == [(root / "sub", root / "sub")]


def test_a_folder_above_a_known_root_takes_over(write_files: Write) -> None:
    root = write_files({"sub/a.md": "x"})
    assert find_roots([root], {str(root / "sub" / "a.md"): str(root / "sub")}) == [(root, root)]


def test_relative_and_linked_paths_are_one_root(
    write_files: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_files({"a.md": "x"})
    (tmp_path / "alias").symlink_to(root)
    monkeypatch.chdir(root)
    assert {find_roots([path], {})[0] for path in (Path(), root, tmp_path / "alias", Path("../docs"))} == {(root, root)}


def test_a_missing_path_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is nothing at .*nowhere"):
        find_roots([tmp_path / "nowhere"], {})


# --- metadata --------------------------------------------------------------------------------------------------------


def test_a_sidecar_wins_over_the_front_matter_and_that_over_the_folder(write_files: Write) -> None:
    root = write_files(
        {
            "_meta.toml": 'owner = "folder"\nversion = "folder"\nclassification = "folder"',
            "a.md": "x",
            "a.md.meta.toml": 'owner = "sidecar"\ntitle = "T"',
        }
    )
    own = Meta(owner="document", version="document", policy_id="document")
    given = MetaReader().given(file_at(root, "a.md"))
    merged = given.merge(own)
    assert given.title == "T"
    assert merged == Meta(policy_id="document", version="document", owner="sidecar", classification="folder")


def test_a_title_is_one_line(write_files: Write) -> None:
    root = write_files({"a.md": "x", "a.md.meta.toml": 'title = "Leave\\n[2] Another source"'})
    assert MetaReader().given(file_at(root, "a.md")).title == "Leave [2] Another source"


def test_a_title_given_beside_a_document_is_cleaned_as_its_own_would_be(write_files: Write) -> None:
    hostile = json.dumps("Le\u00adave\u202e \x1b[31mPay\u200b\u061c Policy\x07")
    root = write_files({"a.md": "x", "a.md.meta.toml": f"title = {hostile}"})
    assert MetaReader().given(file_at(root, "a.md")).title == "Leave Pay Policy"


def test_a_sidecar_may_be_named_without_the_suffix(write_files: Write) -> None:
    root = write_files({"a.md": "x", "a.meta.toml": 'owner = "short"', "b.md": "x", "b.md.meta.toml": 'owner = "long"'})
    assert [meta_of(root, name).owner for name in ("a.md", "b.md")] == ["short", "long"]


def test_a_folder_inherits_from_the_folders_above_beyond_the_root(write_files: Write) -> None:
    root = write_files(
        {
            "_meta.toml": 'owner = "top"\naudience = "staff, managers"',
            "hr/_meta.toml": 'owner = "hr"',
            "hr/pay/a.md": "x",
            "hr/pay/deep/_meta.toml": 'audience = ["Managers ", "hr"]',
            "hr/pay/deep/b.md": "x",
        }
    )
    (root.parent / "_meta.toml").write_text('classification = "above the root"', encoding="utf-8")
    above = Meta(owner="hr", classification="above the root")
    assert meta_of(root, "hr/pay/a.md") == replace(above, audience=("managers", "staff"))
    assert meta_of(root, "hr/pay/deep/b.md") == replace(above, audience=("managers",))


def test_a_folder_or_a_file_given_alone_keeps_the_audience_above_it(write_files: Write) -> None:
    root = write_files({"_meta.toml": 'audience = "staff"', "sub/a.md": "x"})
    for path, given in ((root / "sub", root / "sub"), (root / "sub" / "a.md", root / "sub"), (root, root)):
        [file] = [f for f in walk(path, given) if isinstance(f, FoundFile)]
        assert MetaReader().given(file).merge(Meta()) == Meta(audience=("staff",))


@pytest.mark.parametrize(
    ("folder", "sidecar", "own", "expected"),
    [
        ((), (), (), ()),
        ((), (), ("hr",), ("hr",)),
        (("staff",), (), (), ("staff",)),
        (("staff",), (), ("public", "staff"), ("staff",)),  # a document does not widen
        (("hr", "staff"), (), ("hr",), ("hr",)),  # but it may narrow
        (("board", "staff"), ("board", "public"), (), ("board",)),  # nor does a sidecar
        (("a", "b", "c"), ("b", "c"), ("c", "a"), ("c",)),
    ],
)
def test_whose_audience_holds(write_files: Write, folder: Roles, sidecar: Roles, own: Roles, expected: Roles) -> None:
    root = write_files({"a.md": "x"})
    for name, audience in (("_meta.toml", folder), ("a.md.meta.toml", sidecar)):
        (root / name).write_text(f"audience = {list(audience)}" if audience else "# anybody", encoding="utf-8")
    assert meta_of(root, "a.md", Meta(audience=own)).audience == expected


def test_an_audience_outside_the_folders_is_opened_to_nobody(write_files: Write) -> None:
    """Neither the folder's readers nor the document's may see it: nobody can tell who is meant."""
    root = write_files({"_meta.toml": 'audience = "staff"', "a.md": "x"})
    with pytest.raises(DocumentRejected, match=r"document, 'hr', shares no role with .*_meta\.toml, 'staff'") as error:
        meta_of(root, "a.md", Meta(audience=("hr",)))
    assert error.value.reason == "metadata"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.md.meta.toml", 'audiance = ["hr"]', r"a\.md\.meta\.toml has the unknown key 'audiance'; did.*'audience'\?"),
        ("_meta.toml", 'expire = "2020-01-01"', r"_meta\.toml has the unknown key 'expire'; did you mean 'expires'\?"),
        ("_meta.toml", "x = '" + "x" * 20_000 + "'", r"_meta\.toml: The file is larger than the limit of 0\.016 MB"),
        ("a.meta.toml", "Audience = 'hr'", r"unknown key 'Audience'; did you mean 'audience'\?"),
        ("a.meta.toml", "audience = false", r"audience must be a role or a list of roles, not False"),
        ("a.meta.toml", "audience = []", r"audience must be a role or a list of roles, not \[\]"),
        ("a.meta.toml", "audience = ' , '", r"audience must be a role or a list of roles"),
        ("a.meta.toml", "audience = '[hr]'", r"audience must be a role or a list of roles"),
        ("a.meta.toml", "audience = 'hr; board'", r"audience must be a role or a list of roles"),
        ("a.meta.toml", "supersedes = false", r"supersedes must be a text, not False"),
        ("_meta.toml", "zzz = 1", r"unknown key 'zzz'; known are title, policy_id"),
        ("a.md.meta.toml", "audience = [", r"a\.md\.meta\.toml cannot be read: "),
        ("_meta.toml", "= 1", r"_meta\.toml cannot be read: "),
        ("_meta.toml", "a = " + "[" * 5_000, r"_meta\.toml cannot be read: "),
        ("a.meta.toml", "version = " + "9" * 5_000, r"a\.meta\.toml cannot be read: "),
        ("a.meta.toml", "effective = 2024-13-45", r"a\.meta\.toml cannot be read: "),
        ("a.meta.toml", 'effective = "next year"', r"effective must be a date YYYY-MM-DD, not 'next year'"),
        ("a.meta.toml", "expires = 20240101", r"|expires must be a date"),
        ("a.meta.toml", "expires = true", r"expires must be a date"),
        ("a.meta.toml", "audience = 3", r"audience must be a role or a list of roles, not 3"),
        ("a.meta.toml", 'audience = ["hr", ""]', r"audience must be a role or a list of roles"),
        ("a.meta.toml", 'audience = {hr = true}', r"audience must be a role or a list of roles"),
    ],
)  # fmt: skip
def test_metadata_that_cannot_be_trusted_rejects_the_file(
    write_files: Write, name: str, text: str, message: str
) -> None:
    root = write_files({"a.md": "x", name: text})
    if message.startswith("|"):  # TOML numbers that are ISO basic dates
        assert meta_of(root, "a.md").expires == "2024-01-01"
        return
    with pytest.raises(DocumentRejected) as error:
        meta_of(root, "a.md")
    assert error.value.reason == "metadata"
    assert re.search(message, error.value.detail)
    assert len(error.value.detail) < 300


@pytest.mark.parametrize("name", ["_meta.toml", "a.md.meta.toml", "a.meta.toml"])
@pytest.mark.parametrize("make", ["dangling", "folder", "latin-1"])
def test_metadata_that_is_there_but_cannot_be_read_does_not_open_the_document(
    write_files: Write, name: str, make: str
) -> None:
    root = write_files({"a.md": "x"})
    if make == "dangling":
        (root / name).symlink_to(root / "nowhere")
    elif make == "folder":
        (root / name).mkdir()
    else:
        (root / name).write_bytes('owner = "Jürgen"'.encode("latin-1"))
    with pytest.raises(DocumentRejected, match="cannot be read") as error:
        meta_of(root, "a.md")
    assert error.value.reason == "metadata"


def test_a_comma_parts_roles() -> None:
    for value in ("hr, Board", ["hr,Board"], "board ,hr,", ["board", "hr", "HR"]):
        assert parse_meta({"audience": value}, "x").audience == ("board", "hr")


@pytest.mark.parametrize(
    ("files", "refused"),
    [
        (["pay.md.META.toml"], "pay.md"), (["Pay.md.meta.toml"], "pay.md"), (["PAY.meta.toml"], "pay.md"),
        (["pay.md.meta.toml", "pay.meta.toml"], "pay.md"), (["pay.md.meta.toml.txt"], "pay.md"),
        (["pay.md_meta.toml"], "pay.md"), (["pay.md.mta.toml"], "pay.md"), (["pay.md.meta.yaml"], "pay.md"),
        (["pay.md.meta.conflict.toml"], "pay.md"), (["Copy of pay.md.meta.toml"], "pay.md"),
        (["pay.md.sync-conflict-20260101.meta.toml"], "pay.md"), (["pay_md.meta.toml"], "pay.md"),
        (["pay.md - Copy.meta.toml"], "pay.md"),
        (["pay.md.toml"], "pay.md"), (["pya.md.meta.toml"], "pay.md"), (["pay.txt.meta.toml"], "pay.md"),
        (["pay md.meta.toml"], "pay.md"), (["pay\u200b.md.meta.toml"], "pay.md"),
        (["_Meta.toml"], "leave.md pay.md"), (["meta.toml"], "leave.md pay.md"), (["_meta.tml"], "leave.md pay.md"),
        (["_meta.toml", "_META.TOML"], "leave.md pay.md"), (["_meta.toml~"], "leave.md pay.md"),
        (["_metadata.toml"], "leave.md pay.md"), (["_meta (1).toml"], "leave.md pay.md"),
        (["Copy of _meta.toml"], "leave.md pay.md"), (["_meta - Copy.toml"], "leave.md pay.md"),
        (["pay.md.metadata.toml"], "pay.md"), (["pay.md.meta (1).toml"], "pay.md"),
        (["_meta.toml.txt"], "leave.md pay.md _meta.toml.txt"), (["_meta.toml", "_meta.toml~"], ""),
        (["._meta.toml", "._pay.md.meta.toml", "config.toml", "pay.toml", "metadata.md", "pay.md.bak", ".pay.md"], ""),
        ([".pay.md.meta.toml"], "pay.md"), (["pay.md.meta.toml", "pay.md.meta.toml~", ".pay.md.meta.toml.swp"], ""),
        (["pay.md.meta.toml", "pay.md.Meta.toml"], "pay.md"), (["_meta.toml.swp"], "leave.md pay.md"),
        (["rules.md.meta.toml"], ""), (["pay2.md.meta.toml"], ""), (["pay.md.meta.toml"], ""),
    ],
)  # fmt: skip
def test_files_that_look_like_metadata_hide_what_they_may_be_meant_for(
    write_files: Write, files: list[str], refused: str
) -> None:
    root = write_files({"pay.md": "x", "leave.md": "x", **dict.fromkeys(files, "# anybody")})
    assert hidden(root) == sorted(refused.split())


def test_a_sidecar_without_its_document_is_reported(write_files: Write) -> None:
    root = write_files(
        {"pay.md": "x", "sub/gone.md.meta.toml": "", "gone.META.toml": "", "pay.meta.toml": "owner = 'x'"}
    )
    assert refused(root) == {"gone.META.toml": "metadata", "sub/gone.md.meta.toml": "metadata"}


def test_a_sidecar_of_a_folder_or_without_a_word_hides_what_it_may_be_meant_for(write_files: Write) -> None:
    root = write_files(
        {
            "pay.meta.toml": 'audience = "board"',
            "pay/a.md": "x",
            "pay/sub/b.md": "x",
            "open/c.md": "x",
            "open/d.md": "x",
            "open/d.md.meta.toml": "\n",
            "open/c.meta.toml": 'owner = "c"',
            "open/c/e.md": "x",
        }
    )
    assert refused(root) == {"pay.meta.toml": "metadata"}
    assert hidden(root) == ["open/d.md", "pay/a.md", "pay/sub/b.md"]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_has_the_audience_of_both_its_places(write_files: Write, link: Callable[[Path, Path], None]) -> None:
    root = write_files(
        {
            "hr/_meta.toml": 'audience = "hr, board"', "hr/pay.md": "x", "hr/own.md": "x",
            "hr/own.md.meta.toml": 'audience = "board"', "open/x": "", "legal/_meta.toml": 'audience = "legal"',
            "mixed/_meta.toml": 'audience = "legal, hr"',
        }
    )  # fmt: skip
    for name in ("open/pay.md", "open/own.md", "legal/pay.md", "mixed/pay.md"):
        link(root / "hr" / Path(name).name, root / name)
    if link is os.link:  # all places of a file bind each other
        (root / "legal" / "pay.md").unlink()
    metas = MetaReader([f for f in walk(root, root) if isinstance(f, FoundFile)])
    audience = {
        name: metas.given(file_at(root, name)).merge(Meta()).audience for name in ("open/own.md", "mixed/pay.md")
    }
    assert audience == {"open/own.md": ("board",), "mixed/pay.md": ("hr",)}
    both = ("board", "hr") if link is os.symlink else ("hr",)
    assert metas.given(file_at(root, "open/pay.md")).merge(Meta()).audience == both
    if link is os.symlink:
        with pytest.raises(DocumentRejected, match="shares no role"):
            metas.given(file_at(root, "legal/pay.md")).merge(Meta())


@pytest.mark.parametrize("no_follow", [True, False])
@pytest.mark.parametrize("swap", ["file", "folder", "metadata"])
def test_what_is_swapped_for_a_link_is_not_read_outside(
    write_files: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_follow: bool, swap: str
) -> None:
    if not no_follow:
        monkeypatch.delattr(os, "O_NOFOLLOW")
    root = write_files({"sub/a.md": "x", "sub/a.md.meta.toml": "owner = 'in'"})
    file = file_at(root, "sub/a.md")
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("a.md", "a.md.meta.toml"):
        (outside / name).write_text("owner = 'out'", encoding="utf-8")
    if swap == "folder":
        (root / "sub").rename(tmp_path / "gone")
        (root / "sub").symlink_to(outside)
    else:
        name = "a.md" if swap == "file" else "a.md.meta.toml"
        (root / "sub" / name).unlink()
        (root / "sub" / name).symlink_to(outside / name)
    with pytest.raises(DocumentRejected) as error:
        MetaReader().given(file) if swap == "metadata" else read_bytes(file, 1)
    assert error.value.reason in ("outside", "unreadable", "metadata")


def test_a_folder_above_that_cannot_be_listed_is_asked_for_its_metadata(
    write_files: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /home often is; one that tells nothing at all hides what lies below it."""
    root = write_files({"home/me/a.md": "x", "home/_meta.toml": 'audience = "hr"'})
    listdir, lstat = os.listdir, os.lstat

    def locked(real: Callable[..., object]) -> Callable[..., object]:
        def call(path: str | Path) -> object:
            if Path(path) == root / "home" or (real is lstat and Path(path) == root / "home" / "_meta.toml"):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        return call

    file = file_at(root / "home" / "me", "a.md")
    monkeypatch.setattr(os, "listdir", locked(listdir))
    assert MetaReader().given(file).merge(Meta()).audience == ("hr",)
    monkeypatch.setattr(os, "lstat", locked(lstat))
    with pytest.raises(DocumentRejected, match=r"home cannot be read, so that its metadata is unknown: Permission"):
        MetaReader().given(file)


def test_dates_are_toml_dates_or_texts() -> None:
    import datetime

    day = datetime.date(2024, 2, 29)
    for value in (day, "2024-02-29", datetime.datetime(2024, 2, 29, 12), "2024-02-29T10:00:00Z"):
        assert parse_meta({"effective": value}, "x").effective == "2024-02-29"


def test_front_matter_may_hold_keys_of_others() -> None:
    assert parse_meta({"layout": "page", "owner": "HR"}, "front matter", strict=False) == Meta(owner="HR")


def test_every_field_can_be_given_beside_a_document(write_files: Write) -> None:
    values: dict[str, Any] = {
        "policy_id": "P-1", "version": "2", "effective": "2024-01-01", "expires": "2030-01-01", "supersedes": "P-0",
        "owner": "HR", "classification": "Internal", "audience": "hr",
    }  # fmt: skip
    assert set(values) == set(asdict(Meta()))
    root = write_files({"a.md": "x", "a.meta.toml": "\n".join(f'{k} = "{v}"' for k, v in values.items())})
    assert meta_of(root, "a.md") == Meta(**{**values, "audience": ("hr",)})


def test_a_folders_metadata_is_read_once(write_files: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_files({"_meta.toml": 'owner = "x"', **{f"sub/{i}.md": "x" for i in range(5)}})
    read: list[str] = []
    real = metadata.tomllib.loads
    monkeypatch.setattr(metadata.tomllib, "loads", lambda text: read.append(text) or real(text))
    metas = MetaReader()
    assert {metas.given(f).folder.owner for f in walk(root, root) if isinstance(f, FoundFile)} == {"x"}
    assert len(read) == 1


@pytest.mark.parametrize("name", ["_meta.yaml", "_meta.yml", "_meta.json", "_meta", "_meta-old.toml", "a.md.meta"])
def test_a_name_that_may_be_meant_for_metadata_hides_what_it_may_be_meant_for(write_files: Write, name: str) -> None:
    root = write_files({"a.md": "# A\n\nWords.\n", name: 'audience = "board"\n'})
    [file] = walk(root, root)
    assert isinstance(file, FoundFile)
    with pytest.raises(DocumentRejected, match="unclear"):
        MetaReader().given(file)
