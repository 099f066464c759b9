"""The comment of a pull request: what it holds, and that no document can add anything to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from assistant.core.errors import UsageError
from assistant.core.records import Rejection
from ingest.impact.markdown import MAX_COMMENT, comment, escaped, write_comment
from ingest.impact.records import (
    AnswerChange,
    Answers,
    DocumentChange,
    Documents,
    Edit,
    Impact,
    MetaChange,
    Quoted,
    Reply,
    TermChange,
    TextChange,
)

ATTACKS = [
    "<script>alert(1)</script>",
    "</details><h1>x</h1>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "<https://evil.example>",
    "https://evil.example and www.evil.example",
    "**x** _x_ `x` ~~x~~",
    "| a | b |",
    "# x",
    "1. x",
    "- x",
    "> x",
    "```\nx\n```",
    "x\n\n# y\n\n<img src=x>",
    "&lt;b&gt; &amp;",
    "<!-- x -->",
    "[x]: https://evil.example",
    "$x$ ^x^ \\",
]
ALLOWED = {"details", "summary", "del", "ins", "br", "!--"}


def impact(text: str, count: int = 1) -> Impact:
    edits = Edit("equal", "text", text, text), Edit("replace", "number", text, f"{text} 2")
    change = DocumentChange(
        text,
        text,
        text,
        (MetaChange("owner", text, text),),
        (TextChange("sentence", "major", text, f"{text} 2", (text,), 3, edits),),
        (TermChange(text, text, text),),
        (1, 1),
    )
    replies = Reply("answered", text, (Quoted(text, text),)), Reply("abstained", "", ())
    answers = tuple(AnswerChange(text, text, "golden", *replies, True, holds, (text,)) for holds in (False, True))
    documents = Documents((text,), (text,), (text,), (change,) * count, 1)
    return Impact(documents, Answers(2, 2, 1, 0, answers), (Rejection(text, "empty", text),), True)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_is_markup(attack: str) -> None:
    """What the comment renders to has the same tags as that of a harmless text, and shows the attack as it is."""
    tags = [re.findall(r"<(/?[a-z0-9]+|!--)", rendered(text)) for text in ("plain", attack)]
    assert tags[1] == tags[0] or set(tags[1]) - set(tags[0]) <= {"!--"}
    assert [tag for tag in tags[1] if tag != "!--"] == [tag for tag in tags[0] if tag != "!--"]
    shown = re.sub(r"<[^>]*>", "", rendered(attack))
    for mark, name in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        shown = shown.replace(mark, name)
    assert " ".join(attack.split()) in shown


def rendered(text: str) -> str:
    return str(
        MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(comment(impact(text)))
    )


def test_nobody_is_called_and_no_issue_is_named() -> None:
    assert not re.search(r"@\w|(?<!&)#\w", escaped("ask @team of #12, mail jo@firm.example"))


def test_it_says_what_moved() -> None:
    told = comment(impact("leave"))
    assert told.startswith(
        "### What these files would change\n\nDocuments: 1 changed, 1 added, 1 removed, 1 hidden, 1 unchanged."
    )
    for part in (
        "Texts that changed: 1 major.",
        "Golden answers: 1 of 2 would hold, 2 hold now.",
        "| leave, leave, page 3 | leave <del>leave</del> <ins>leave 2</ins> |",
        "#### Golden answers that would not hold any more",
        "<details><summary>leave (was leave): 1 text, 1 term, 1 key</summary>",
        "- major sentence (leave, page 3): leave <del>leave</del> <ins>leave 2</ins>",
        "- owner: <del>leave</del> <ins>leave</ins>",
        "  - then: abstained\n",
    ):
        assert part in told


def test_it_fits_a_comment_and_says_what_is_left_out() -> None:
    told = comment(impact("leave " * 300, 40))
    assert MAX_COMMENT / 2 < len(told) < 65_536 and "more parts are left out" in told


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_comment(tmp_path / "x" / "comment.md", impact("x"))
    write_comment(tmp_path / "new" / "comment.md", impact("x"))
    assert (tmp_path / "new" / "comment.md").read_text(encoding="utf-8") == comment(impact("x"))
