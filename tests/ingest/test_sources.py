"""Which files are found, and which are refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.core.errors import DocumentRejected, UsageError
from ingest.sources import FoundFile, find_roots, list_tree, read_bytes
from tests.manifests import access_toml

Write = Callable[[dict[str, str]], Path]


def found(root: Path) -> list[str]:
    return [file.source for file in list_tree(root, root).files]


def refused(root: Path) -> dict[str, str]:
    return {source: error.reason for source, error in list_tree(root, root).refused}


def file_at(root: Path, name: str) -> FoundFile:
    (file,) = list_tree(root / name, root).files
    return file


# --- walking ---------------------------------------------------------------------------------------------------------


def test_only_visible_files_of_known_formats_are_found_in_a_stable_order(write_files: Write) -> None:
    root = write_files(
        dict.fromkeys(
            ["b.md", "a.txt", "sub/c.HTML", "sub/deep/d.csv", ".hidden.md", ".git/e.md", "sub/.f/g.md", "image.svg",
             "Makefile", "~$word.docx", "access.toml", "config.toml"], "x"
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


def test_what_is_given_and_is_no_file_is_refused() -> None:
    [(source, error)] = list_tree(Path(os.devnull), Path(os.devnull).parent).refused
    assert source == "null" and error.detail == "This is not a regular file."


@pytest.mark.parametrize("to", ["sub/a.md", ".index/audit.jsonl", ".index/.mirrors/hr/pay.md"])
def test_a_link_to_a_file_is_not_followed_within_the_root_either(write_files: Write, to: str) -> None:
    root = write_files({"sub/a.md": "x", ".index/audit.jsonl": "x", ".index/.mirrors/hr/pay.md": "x"})
    (root / "again.txt").symlink_to(to)
    assert found(root) == ["sub/a.md"] and refused(root) == {"again.txt": "outside"}


def test_link_loops_terminate(write_files: Write) -> None:
    root = write_files({"sub/a.md": "x"})
    (root / "sub" / "up").symlink_to(root)
    (root / "one.md").symlink_to(root / "two.md")
    (root / "two.md").symlink_to(root / "one.md")
    assert found(root) == ["sub/a.md"]
    assert refused(root) == {"one.md": "outside", "two.md": "outside"}


def test_a_dangling_link_is_reported(write_files: Write) -> None:
    root = write_files({})
    root.mkdir()
    (root / "gone.md").symlink_to(root / "nowhere.md")
    assert refused(root) == {"gone.md": "outside"}


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


def test_a_manifest_makes_its_folder_the_root_of_all_that_lies_below_it(write_files: Write) -> None:
    root = write_files({"access.toml": access_toml({}), "sub/deep/a.md": "x"})
    for path in (root, root / "sub", root / "sub" / "deep", root / "sub" / "deep" / "a.md"):
        assert find_roots([path], {}) == [(path, root)]
        assert find_roots([path], {str(root / "sub" / "deep" / "a.md"): str(root / "sub")}) == [(path, root)]


def test_a_manifest_below_another_is_an_error_whatever_is_given(write_files: Write) -> None:
    root = write_files({"access.toml": access_toml({}), "hr/access.toml": access_toml({}), "hr/a.md": "x"})
    with pytest.raises(UsageError, match=r'Move its rules to .*docs/access\.toml, with "hr/" before their paths'):
        find_roots([root / "hr"], {})
    assert list_tree(root, root).manifests == [root / "hr" / "access.toml"]


@pytest.mark.parametrize("no_follow", [True, False])
@pytest.mark.parametrize("swap", ["file", "folder"])
def test_what_is_swapped_for_a_link_is_not_read_outside(
    write_files: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_follow: bool, swap: str
) -> None:
    if not no_follow:
        monkeypatch.delattr(os, "O_NOFOLLOW")
    root = write_files({"sub/a.md": "x"})
    file = file_at(root, "sub/a.md")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.md").write_text("y", encoding="utf-8")
    if swap == "folder":
        (root / "sub").rename(tmp_path / "gone")
        (root / "sub").symlink_to(outside)
    else:
        (root / "sub" / "a.md").unlink()
        (root / "sub" / "a.md").symlink_to(outside / "a.md")
    with pytest.raises(DocumentRejected) as error:
        read_bytes(file, 1)
    assert error.value.reason in ("outside", "unreadable")
