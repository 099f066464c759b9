"""One manifest: what it may say, what is wrong with it, and what it says of each file."""

from __future__ import annotations

import itertools
import os
import re
import time
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.core.errors import UsageError
from assistant.core.records import Audience, Meta
from assistant.index.schema import SourceRow
from ingest.access_manifest import MANIFEST, Manifest, intersect, matches, parse_manifest, read_manifest, rule_text
from ingest.metadata import ExternalMetadata
from ingest.rights import Survey, survey
from tests.manifests import access_toml

Write = Callable[[dict[str, str]], Path]
ROOT = Path("/docs")


def parsed(text: str) -> Manifest:
    return parse_manifest(tomllib.loads(text), ROOT)


def audiences(found: Survey) -> dict[str, Audience]:
    return {file.source: found.rights.of(file).meta.audience for file in (*found.files, *found.others)}


def surveyed(root: Path, *given: str) -> dict[str, Audience]:
    return audiences(survey([root / path for path in given or ("",)], {}, {}))


# --- globs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("glob", "names", "others"),
    [
        ("board/**", ["board/a.md", "board/x/y/a.md", "Board/A.MD"], ["a.md", "boards/a.md", "x/board/a.md"]),
        ("**", ["a.md", "x/y/a.md"], []),
        ("**/pay.md", ["pay.md", "x/pay.md", "x/y/pay.md"], ["pay.mdx", "x/repay.md"]),
        ("hr/**/pay*", ["hr/pay.md", "hr/x/y/payroll.pdf"], ["pay.md", "hr/x/pay/a.md"]),
        ("*.md", ["a.md"], ["x/a.md", "a.txt"]),
        ("pay-20??.md", ["pay-2026.md"], ["pay-206.md", "pay-20x/.md"]),
        ("[draft].md", ["[draft].md"], ["d.md"]),
        ("caf\u00e9/*", ["cafe\u0301/a.md", "CAF\u00c9/a.md"], ["cafe/a.md"]),
        ("**/x/**/y/**", ["x/y/a", "1/x/2/y/3/a"], ["x/y", "y/x/a"]),
        ("a.b", ["a.b"], ["aXb"]),
        ("pay-?.md", ["pay-\u00df.md", "PAY-\u1e9e.md", "pay-\u0130.md", "pay-\ufb03.md"], ["pay-ss.md", "pay-.md"]),
        ("stra\u00dfe/?.md", ["STRASSE/a.md", "strasse/\u00df.md"], ["strase/a.md"]),
        ("**/**", ["a.md", "x/y/a.md"], []),
    ],
)
def test_what_a_glob_matches(glob: str, names: list[str], others: list[str]) -> None:
    assert [name for name in names if not matches(glob, name)] == []
    assert [name for name in others if matches(glob, name)] == []


def test_many_stars_take_no_time() -> None:
    began = time.process_time()
    for _ in range(20):
        assert not matches("**/a*/" * 24 + "b.md", "a/" * 200 + "a.md")
        assert matches("**/a*/" * 24 + "b.md", "a/" * 200 + "b.md")
    assert time.process_time() - began < 5  # seconds, whatever else the machine does


@given(
    st.lists(st.sampled_from(["**", "a", "b", "*"]), min_size=1, max_size=6),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=6),
)
def test_a_glob_matches_as_an_expression_would(glob: list[str], parts: list[str]) -> None:
    *first, last = glob
    folders = {"**": "(?:[^/]+/)*", "*": "[^/]+/"}
    expression = "".join(folders.get(part, f"{part}/") for part in first)
    expression += {"**": "(?:[^/]+/)*[^/]+", "*": "[^/]+"}.get(last, last)
    assert matches("/".join(glob), "/".join(parts)) == bool(re.fullmatch(expression, "/".join(parts)))


@given(st.lists(st.text(st.characters(blacklist_characters="/\x00"), min_size=1), min_size=1).map("/".join))
def test_every_name_is_matched_by_itself_and_by_what_lies_above_it(name: str) -> None:
    plain = not set("*?") & set(name)
    assert matches("**", name) and (not plain or matches(name, name))
    assert matches(f"{name.rpartition('/')[0]}/**".lstrip("/"), name) or not plain


# --- who is allowed --------------------------------------------------------------------------------------------------

SETS: list[Audience] = [None, (), ("a",), ("b",), ("a", "b"), ("b", "c")]


@pytest.mark.parametrize("audiences", itertools.product(SETS, repeat=3))
def test_an_intersection_is_for_those_whom_all_allow(audiences: tuple[Audience, ...]) -> None:
    common = intersect(audiences)
    for role in "abc":
        assert (common is None or role in common) == all(a is None or role in a for a in audiences)
    assert (common is None) == all(a is None for a in audiences)


def test_every_rule_that_matches_narrows_and_the_default_holds_where_none_does() -> None:
    rules = {"hr/**": ["hr", "board"], "**/pay*": ["board", "legal"], "hr/old/**": "nobody", "hr/open/**": "everyone"}
    for default, rest in (("everyone", None), ("nobody", ())):
        manifest = parsed(access_toml(rules, default))
        said = {name: manifest.audience(name) for name in ("a.md", "hr/a.md", "hr/pay.md", "pay.md", "hr/open/a.md")}
        assert said == {
            "a.md": rest,
            "hr/a.md": ("board", "hr"),
            "hr/pay.md": ("board",),
            "pay.md": ("board", "legal"),
            "hr/open/a.md": ("board", "hr"),
        }
        assert manifest.audience("hr/old/a.md") == ()


def test_rules_that_share_no_role_leave_nobody() -> None:
    assert parsed(access_toml({"a/**": "hr", "**/b": "legal"})).audience("a/b") == ()


def test_roles_are_compared_as_they_are_asked_for() -> None:
    assert parsed(access_toml({"**": [" HR ", "board", "hr"]})).audience("a") == ("board", "hr")


def test_without_a_manifest_everybody_may_see_everything(write_files: Write) -> None:
    assert surveyed(write_files({"a.md": "x", "b/c.md": "x"})) == {"a.md": None, "b/c.md": None}


# --- what is wrong with a manifest -----------------------------------------------------------------------------------

DEFAULT = 'default = "everyone"\n'
RULE = '[[access]]\npaths = ["**"]\naudience = '


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r'default must be "everyone" or "nobody", not nothing\. Write default = "everyone" or'),
        ("default = 1", "default must be .* not 1"),
        ('default = "hr"', "default must be .* not 'hr'"),
        (DEFAULT + "defualt = 1", 'has the unknown key "defualt". Known are default, access, documents'),
        (DEFAULT + "[access]\npaths = []", r"access must be tables, not .* Begin each with \[\[access\]\]"),
        (DEFAULT + '[[access]]\naudience = ["hr"]', r"rule 1 of \[\[access\]\]: paths must be a list of globs"),
        (DEFAULT + '[[access]]\npaths = "hr/**"\naudience = ["hr"]', "paths must be a list of globs, not 'hr/"),
        (DEFAULT + RULE + '["hr"]\naudiance = ["hr"]', 'has the unknown key "audiance"'),
        (
            DEFAULT + '[[access]]\npaths = ["**"]',
            'a list of roles, "everyone" or "nobody", not nothing',
        ),
        (DEFAULT + RULE + '"hr"', r"not 'hr'\. Write audience = \[\"hr\"\]"),
        (DEFAULT + RULE + "[]", r"not \[\]"),
        (DEFAULT + RULE + "false", "not False"),
        (DEFAULT + RULE + '["hr", 3]', "audience must be"),
        (DEFAULT + RULE + '["hr, board"]', "audience must be"),
        (DEFAULT + RULE + '["everyone"]', "audience must be"),
        (DEFAULT + RULE + '[" "]', "audience must be"),
        (DEFAULT + RULE + '["h\\u0000r"]', "audience must be"),
        (DEFAULT + '[[access]]\npaths = ["/hr/**"]\naudience = ["hr"]', 'the glob "/hr/.*" is not one'),
        (DEFAULT + '[[access]]\npaths = ["hr/"]\naudience = ["hr"]', 'the glob "hr/" is not one'),
        (DEFAULT + '[[access]]\npaths = ["../hr"]\naudience = ["hr"]', "is not one"),
        (DEFAULT + "[[access]]\npaths = ['hr\\a']\naudience = ['hr']", "is not one"),
        (DEFAULT + f'[[access]]\npaths = ["{"**/a/" * 400}b"]\naudience = ["hr"]', "has 801 parts, and at most 50 are"),
        (DEFAULT + '[[access]]\npaths = ["hr**"]\naudience = ["hr"]', r"something stands beside \*\*"),
        (DEFAULT + '[[access]]\npaths = [""]\naudience = ["hr"]', "a glob must be a text"),
        (DEFAULT + '[[documents]]\ntitle = "T"', r"entry 1 of \[\[documents\]\]: a path must be a text, not nothing"),
        (DEFAULT + '[[documents]]\npath = "a.md"\nonwer = "HR"', 'has the unknown key "onwer"'),
        (
            DEFAULT + '[[documents]]\npath = "a.md"\nexpires = "31.12.2020"',
            "expires must be a date YYYY-MM-DD, not",
        ),
        (DEFAULT + '[[documents]]\npath = "a.md"\nexpires = "20201231"', "expires must be a date"),
        (DEFAULT + '[[documents]]\npath = "a.md"\nowner = true', "owner must be a text, not True"),
        (
            DEFAULT + '[[documents]]\npath = "a.md"\n[[documents]]\npath = "a.md"',
            "entry 2 .* another entry has",
        ),
        (
            DEFAULT + '[[documents]]\npath = "a.md"\naudience = ["hr"]',
            r"audience does not belong .*\[\[access\]\]",
        ),
    ],
)
def test_a_manifest_that_is_wrong_is_an_error_that_says_where(text: str, told: str) -> None:
    with pytest.raises(UsageError, match="(?s)" + told) as error:
        parsed(text)
    assert str(ROOT / MANIFEST) in error.value.cause and error.value.hint


@pytest.mark.parametrize("make", ["torn", "latin-1", "link", "dangling", "folder", "large", "deep", "number"])
def test_a_manifest_that_cannot_be_read_is_an_error(
    write_files: Write, make: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_files({"a.md": "x"})
    path = root / MANIFEST
    if make == "folder":
        path.mkdir()
    elif make == "dangling":
        path.symlink_to(root / "nowhere.toml")
    elif make == "link":
        (root.parent / "elsewhere.toml").write_text(access_toml({}), encoding="utf-8")
        path.symlink_to(root.parent / "elsewhere.toml")
    else:
        texts = {"torn": "default = ", "deep": "a = " + "[" * 5_000, "number": "a = " + "9" * 5_000}
        path.write_bytes(texts.get(make, DEFAULT + "# ü").encode("latin-1"))
        if make == "large":
            monkeypatch.setattr("ingest.access_manifest.MAX_MANIFEST_BYTES", 10)
    with pytest.raises(UsageError, match=r"docs/access\.toml (cannot be read|is no TOML)"):
        surveyed(root)


def test_a_manifest_may_have_a_mark_and_lines_of_windows(write_files: Write) -> None:
    root = write_files({"a.md": "x"})
    (root / MANIFEST).write_bytes(b"\xef\xbb\xbf" + access_toml({"a.md": "hr"}).replace("\n", "\r\n").encode())
    assert read_manifest(root).audience("a.md") == ("hr",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            access_toml({"pay.md": "hr"}),
            r'rule 1 of .*: paths "pay\.md" matches no document\. Did you mean',
        ),
        (access_toml({"hr": "hr"}), r'paths "hr" matches no document\. Write "hr/\*\*" for all that lies in it'),
        (access_toml({"hr/**": "hr", "legal/**": "legal"}), r"rule 2 .* matches no document"),
        (access_toml({"notes/**": "hr"}), "matches no document"),  # it holds no document
        (access_toml({".git/**": "hr"}), "matches no document"),
        (access_toml({}, more='[[documents]]\npath = "HR/pay-2026.md"'), r"entry of \[\[documents\]\].* matches no"),
    ],
)
def test_a_rule_or_an_entry_that_matches_nothing_is_an_error(write_files: Write, text: str, told: str) -> None:
    root = write_files({MANIFEST: text, "hr/pay-2026.md": "x", "pays.md": "x", "notes/a.zip": "x", ".git/a.md": "x"})
    for part in ("", "hr", "pays.md"):
        with pytest.raises(UsageError, match=told):
            surveyed(root, part)


def test_a_rule_may_name_pictures_that_nothing_here_reads_and_files_that_cannot_be(write_files: Write) -> None:
    root = write_files({MANIFEST: access_toml({"scan.png": "hr", "gone.md": "hr"}), "a.md": "x", "scan.png": "x"})
    (root / "gone.md").symlink_to(root / "nowhere.md")
    assert surveyed(root)["a.md"] is None


# --- where a manifest lies -------------------------------------------------------------------------------------------


def test_a_part_of_a_governed_folder_has_its_rights(write_files: Write) -> None:
    root = write_files({MANIFEST: access_toml({"hr/**": "hr"}), "hr/pay/a.md": "x", "b.md": "x"})
    for part in ("", "hr", "hr/pay", "hr/pay/a.md", "b.md"):
        assert surveyed(root, part) == {"hr/pay/a.md": ("hr",), "b.md": None}
    found = survey([root / "hr" / "pay"], {}, {})
    assert [file.source for file in found.files] == ["hr/pay/a.md"] and found.governed == {root}


def test_a_manifest_below_what_is_ingested_is_an_error_that_says_where_it_belongs(write_files: Write) -> None:
    root = write_files({"a.md": "x", "hr/access.toml": access_toml({"a.md": "hr"}), "hr/a.md": "x"})
    with pytest.raises(UsageError, match=r'Move its rules to .*docs/access\.toml, with "hr/" before their paths'):
        surveyed(root)
    assert surveyed(root, "hr") == {"a.md": ("hr",)}


def test_a_manifest_in_capitals_is_an_error(write_files: Write) -> None:
    with pytest.raises(UsageError, match=r"Access\.TOML is not read: its name is access\.toml"):
        surveyed(write_files({"Access.TOML": access_toml({"a.md": "hr"}), "a.md": "x"}))


def row(path: Path, root: Path, audience: Audience) -> SourceRow:
    return SourceRow(str(path), str(root), path.name, "d", 1, 1, 1, "sha", Meta(audience=audience))


def test_a_manifest_that_is_gone_opens_nothing(write_files: Write) -> None:
    root = write_files({"hr/a.md": "x", "b.md": "x"})
    for restricted in (("hr",), ()):
        known = {str(root / "hr" / "a.md"): row(root / "hr" / "a.md", root, restricted)}
        for part in (root, root / "hr", root / "b.md"):  # "b.md" may be "hr/a.md", moved
            with pytest.raises(UsageError, match=r"docs/access\.toml is gone, which said who may see 1 of the indexed"):
                survey([part], known, {})
    assert survey([root], {str(root / "b.md"): row(root / "b.md", root, None)}, {}).files


# --- names of files --------------------------------------------------------------------------------------------------


def test_a_copy_is_a_file_of_its_own_and_a_hard_link_is_one(write_files: Write) -> None:
    root = write_files({MANIFEST: access_toml({"hr/**": "hr"}), "hr/pay.md": "x", "copy.md": "x"})
    os.link(root / "hr" / "pay.md", root / "hard.md")
    assert surveyed(root) == {"copy.md": None, "hard.md": None, "hr/pay.md": ("hr",)}


def test_a_rule_names_a_file_where_it_lies_and_not_a_link_to_its_folder(write_files: Write) -> None:
    root = write_files({MANIFEST: access_toml({"board/**": "board"}), "shared/a.md": "x"})
    (root / "board").symlink_to(root / "shared")
    with pytest.raises(UsageError, match=r'paths "board/\*\*" matches no document'):
        surveyed(root)


@pytest.mark.parametrize("name", ["pay.meta.toml", "_meta.toml", "Access.toml"])
def test_what_says_rights_beside_a_file_that_is_given_alone_is_an_error(write_files: Write, name: str) -> None:
    root = write_files({"pay.md": "x", name: 'audience = "hr"'})
    with pytest.raises(UsageError, match=rf"{name} is (there to say|not read)"):
        surveyed(root, "pay.md")


@pytest.mark.parametrize("name", ["_meta.toml", "Access.toml"])
def test_what_says_rights_above_what_is_given_is_an_error(write_files: Write, name: str) -> None:
    root = write_files({"hr/new/pay.md": "x", name: 'audience = "hr"', "other.meta.toml": ""})
    for part in ("hr", "hr/new", "hr/new/pay.md"):
        with pytest.raises(UsageError, match=rf"docs/{name} is (there to say|not read)"):
            surveyed(root, part)
    (root / name).unlink()
    assert surveyed(root, "hr") == {"new/pay.md": None}  # a file's sidecar holds for its neighbour alone


# --- what describes a document ---------------------------------------------------------------------------------------


def test_every_field_can_be_said_in_the_manifest() -> None:
    values: dict[str, Any] = {
        "policy_id": "P-1", "version": "2", "effective": "2024-01-01", "expires": "2030-01-01", "supersedes": "P-0",
        "review": "2029-01-01", "owner": "HR", "classification": "Internal",
    }  # fmt: skip
    assert {*values, "audience"} == set(asdict(Meta()))
    lines = "".join(f'{key} = "{value}"\n' for key, value in values.items())
    manifest = parsed(access_toml({}, more=f'[[documents]]\npath = "a.md"\ntitle = "T"\n{lines}'))
    assert manifest.documents == {"a.md": ExternalMetadata("T", Meta(**values))}


def test_the_manifest_wins_over_front_matter_which_fills_its_gaps() -> None:
    said = ExternalMetadata("T", Meta(owner="manifest", audience=("hr",)))
    merged = said.merge(Meta(owner="document", version="document", audience=("all",)))
    assert merged == Meta(owner="manifest", version="document", audience=("hr",))


@pytest.mark.parametrize("title", ["Leave\n[2] Pay", "\x1b[31mLeave\u202e [2]\u200b Pay"])
def test_a_title_is_cleaned(title: str) -> None:
    manifest = parse_manifest({"default": "everyone", "documents": [{"path": "a.md", "title": title}]}, ROOT)
    assert manifest.documents["a.md"].title == "Leave [2] Pay"


@pytest.mark.parametrize("name", ["_meta.toml", "hr/_meta.toml", "hr/a.md.meta.toml", "hr/a.META.toml"])
def test_a_sidecar_of_before_is_an_error(write_files: Write, name: str) -> None:
    root = write_files({"hr/a.md": "x", name: 'audience = "hr"'})
    with pytest.raises(
        UsageError, match=rf"{name} .* nothing reads it any more\. Say in .*{MANIFEST} who may see what"
    ):
        surveyed(root)


def test_a_rule_to_write_is_quoted() -> None:
    rule = tomllib.loads(rule_text('a"\\\u202e.md', ["hr"]))
    assert rule == {"access": [{"paths": ['a"\\\u202e.md'], "audience": ["hr"]}]}
