"""Test that text no reader sees is left out and reported with its place, and that what only looks like it stays."""

from __future__ import annotations

import time
from typing import Any

import pytest

from assistant.core.errors import DocumentRejected
from ingest.formats import Parsed, read_document
from tests.ingest.formats.hiding import SECRET, SEEN, check


def page(markup: str, name: str = "a.html") -> Parsed:
    return read_document(f"<h1>Gifts</h1><p>{SEEN}</p>{markup}".encode(), name)


HIDING = [
    "display:none; display:bogus",
    "dis\\70lay:none",
    "\\64 isplay:none",
    "display:/**/none",
    "DISPLAY : NONE ! important; display: block",
    "visibility:collapse",
    "opacity:0.01",
    "opacity:1%",
    "opacity:0; scale:1; zoom:1",
    "scale:0",
    "zoom:.01",
    "content-visibility:hidden",
    "position:absolute; inset:0 auto auto -9999px",
    "font-size:2px",
    "font: 0/0 a",
    "font-size:.1em",
    "color:transparent",
    "color:rgb(0 0 0 / 2%)",
    "color:#fff",
    "color:hsl(0, 0%, 99%)",
    "background:#222; color:#232323",
    "--paper:#fff; color:var(--paper)",
    "color:var(--absent, white)",
    "position:absolute; left:-9999px",
    "position:relative; top:-200em",
    "text-indent:-9999px",
    "height:0; overflow:hidden",
    "max-height:0; overflow-y:clip",
    "position:absolute; width:1px; height:1px; overflow:hidden",
    "position:absolute; clip:rect(0 0 0 0)",
    "clip-path:inset(50%)",
    "clip-path:circle(0 at center)",
    "-webkit-text-fill-color:white; color:black",
    "color:oklch(1 0 0)",
    "color:lab(100% 0 0)",
    "color:color(display-p3 1 1 1)",
    "color:light-dark(white, black)",
    "position:absolute; right:9999px",
    "display:none; font-family:'x; display:block; y:z'",
    "text-decoration:line-through",
    "text-decoration: red wavy LINE-THROUGH; text-decoration: bogus",
    "text-decoration-line:underline line-through",
]
SHOWING = [
    "color:#fff; background:#003366",
    "color:#fff; background:url(dark.png)",
    "color:transparent; background:linear-gradient(red, blue); background-clip:text",
    "color:white; text-shadow:1px 1px 2px black",
    "color:#999",
    "color:yellow",
    "color:var(--absent)",
    "opacity:.5",
    "scale:1.1; zoom:2",
    "content-visibility:auto",
    "position:absolute; inset:0 5px",
    "font-size:9px",
    "font-size:clamp(1rem, 2vw, 3rem)",
    "display:none; display:block",
    "left:-9999px",
    "clip:rect(0 0 0 0)",
    "height:0",
    "overflow:hidden",
    "text-indent:-2em; padding-left:2em",
    "margin-left:-100%; float:left",
    "transform:translate(-50%, -50%)",
    "clip-path:inset(5%)",
    "clip-path:circle()",
    "clip-path:circle(at 50% 50%)",
    "clip-path:circle(50%)",
    "/* display:none */",
    "content:'display:none'",
    "color:oklch(0.5 0.1 20)",
    "color:color-mix(in srgb, black 60%, white)",
    "color:white; background:linear-gradient(navy, blue)",
    "letter-spacing:-.02em",
    "font-size:calc(1rem + 1vw)",
    "font-size:0; font-size:calc(1rem + 1vw)",
    "color:white; color:color-mix(in oklch, black 95%, red)",
    "overflow:hidden; height:100vh; max-height:none; width:100%",
    "text-decoration:underline",
    "text-decoration:line-through; text-decoration:none",
    "text-decoration-style:line-through",
]


@pytest.mark.parametrize("name", ["a.html", "a.md"])
@pytest.mark.parametrize("style", HIDING)
def test_a_style_that_hides(style: str, name: str) -> None:
    check(page(f"<div style='{style}'>{SECRET}</div>", name), shown=False)


@pytest.mark.parametrize("style", SHOWING)
def test_a_style_that_does_not_hide(style: str) -> None:
    check(page(f'<p style="{style}">{SECRET}</p>'), shown=True)


@pytest.mark.parametrize(
    "markup",
    [
        "<dialog>{}</dialog>",
        "<div popover>{}</div>",
        "<font color=white>{}</font>",
        "<s>{}</s>",
        "<strike>{}</strike>",
        "<ins><del><p>{}</p></del></ins>",
        "<div style='text-decoration:line-through'><p style='text-decoration:none'>{}</p></div>",
        "<style>.x{{text-decoration-line:line-through}} .x:hover{{text-decoration:none}}</style><p class=x>{}",
        "<div style='color:white'><p><b>{}</b></p></div>",
        "<div style='opacity:.3'><p style='opacity:.3'>{}</p></div>",
        "<pre style='color:white'>{}</pre>",
        "<style>.x{{display:none}}</style><p class=x>{}",
        "<p class=x>{}</p><style>.x{{display:none}}</style>",
        "<style><!-- .\\78 {{display:none}} --></style><p class='a x'>{}",
        "<style>#x{{color:white}}</style><p id=x>{}",
        "<style>[data-a=b]{{font-size:1px}}</style><p data-a=b>{}",
        "<style>.x .y > p{{display:none}}</style><div class=x><div><div class=y><p>{}",
        "<style>h1 ~ h2 + p{{display:none}}</style><h2>Gifts</h2><p>{}",
        "<style>p:not(.y):nth-child(4){{display:none}}</style><p>{}",
        "<style>:is(.x, .y){{display:none}}</style><p class=y>{}",
        "<style>@media screen{{@supports (display:grid){{.x{{display:none}}}}}}</style><p class=x>{}",
        "<style>p.x{{display:none}} .x{{display:block}}</style><p class=x>{}",
        "<style>.x{{display:none !important}}</style><p class=x style='display:block'>{}",
        "<style>.x{{color:var(--paper)}} :root{{--paper:#fff}}</style><p class=x>{}",
        "<style>.x{{display:none}}</style><p class=x style='display:bogus'>{}",
        "<style>.x{{display:none}} .x:has(b){{display:block}}</style><p class=x>{}",
        "<style>:where(.x){{display:none}}</style><p class=x>{}",
        "<style>.x{{display:none}} .x:hover{{display:block}}</style><p class=x>{}",
        "<style>.x:not(:hover){{display:none}}</style><p class=x>{}",
        "<style>.x{{display:none}} .y.open > .x{{display:block}}</style><script>f()</script><div class=y><p class=x>{}",
        "<style>.x{{opacity:0; animation:in 1s forwards}} @keyframes in{{to{{opacity:1}}}}</style><p class=x>{}",
        "<style>@media (min-width:500px){{.x{{display:none}}}}</style><p class=x>{}",
        "<style>@media not print{{.x{{display:none}}}}</style><p class=x>{}",
        "<style>*|p.x{{display:none}}</style><p class=x>{}",
        "<style>[title='a,b']{{display:none}}</style><p title='a,b'>{}",
        "<style>p{{color:red}}</style><p style='display:none; quotes:\"x&apos;; display:block; y:&apos;\"'>{}",
        "<style>p:last-child{{opacity:0}}</style><p>{}",
    ],
)
def test_markup_and_style_sheets_that_hide(markup: str) -> None:
    check(page(markup.format(SECRET)), shown=False)


@pytest.mark.parametrize(
    "markup",
    [
        "<details><summary>More</summary>{}</details>",
        "<dialog open>{}</dialog>",
        "<ins>{}</ins>",
        "<del style='text-decoration:none'>{}</del>",
        "<span style='height:0;overflow:hidden'>{}</span>",
        "<div style='font-size:0'><span style='font-size:14px'>{}</span></div>",
        "<div style='visibility:hidden'><p style='visibility:visible'>{}</p></div>",
        "<div style='background:#003'><p style='color:#fff'>{}</p></div>",
        "<table><tr bgcolor=#003366><th><font color=white>{}</font><th>a<tr><td>b<td>c</table>",
        "<style>th{{background:#036; color:white}}</style><table><tr><th>{}<th>a<tr><td>b<td>c</table>",
        "<img src=dark.png><p style='position:absolute; color:white'>{}</p>",
        "<link rel=stylesheet href=a.css><div class=hero><p style='color:white'>{}</p></div>",
        "<p class=sr-only>{}</p>",
        "<style>p.x{{display:block}} .x{{display:none}}</style><p class=x>{}",
        "<style>.x{{display:none}}</style><p class=x style='display:block'>{}",
        "<style>@media print{{.x{{display:none}}}} @media (max-width:600px){{.x{{opacity:0}}}}</style><p class=x>{}",
        "<style media=print>.x{{display:none}}</style><p class=x>{}",
        "<style>p::before{{display:none}} p:first-child{{opacity:0}}</style><p>{}",
        "<!-- x --><style>.y{{display:none}} /* .x{{display:none}} */</style><p class=x>{}",
        "<noscript><style>.x{{display:none}}</style></noscript><p class=x>{}",
        "<style>.a{{.x{{display:none}}}}</style><p class=x>{}",
        "<style>.x{{display:none}} p:is(.x, .y){{display:block}}</style><p class=x>{}",
        "<style>@layer a{{.x{{display:none}}}} @layer b{{.x{{display:block}}}}</style><p class=x>{}",
        "<style>.x{{display:none}} @media (width >= 40rem){{.x{{display:block}}}}</style><p class=x>{}",
        "<style>@media (prefers-color-scheme:dark){{.x{{color:#eee}}}}</style><p class=x>{}",
        "<style>p:hover{{opacity:0}} p:empty{{display:none}}</style><p>{}",
        "<style>*, ::before{{--size:1}} .x{{transform:scale(var(--size))}}</style><p class=x>{}",
    ],
)
def test_markup_and_style_sheets_that_do_not_hide(markup: str) -> None:
    check(page(markup.format(SECRET)), shown=True)


@pytest.mark.parametrize(
    ("sheet", "text"),
    [
        (".x::before{content:'not '}", "may not fly high"),
        ("*, .x:BEFORE{content:'n' 'ot'; color:red} p ::after{content:'often'}", "may not fly often high"),
        (".x::before{content:'not'} p .x::before{content:'*'}", "may fly high"),
        (".x::before{content:'not' counter(a)} .x::after{content:'\\f101'}", "may fly high"),
        (".x::before{content:'a; display:none'}", "may a; display:none fly high"),
    ],
)
def test_words_that_a_style_sheet_adds_are_read(sheet: str, text: str) -> None:
    assert text in page(f"<style>{sheet}</style><p>Pilots may <span class=x>fly</span> high.").text


def test_what_is_added_and_hidden_is_left_out() -> None:
    check(page(f"<style>.x::before{{content:'{SECRET}'}} p::before{{opacity:0}}</style><p class=x>a"), shown=False)
    sheet = f"<style>.y::before{{content:'{SECRET}'}} p{{content:'{SECRET}'}}</style>"
    for style in ("before-content:0", "--before-content:0", '--a:"b; before-content:0"', "color:(;before-content:0)"):
        assert SECRET not in page(f"{sheet}<p style='{style}'>a").text
    bare = f"<title>Gifts</title><style>img::before, title::after{{content:'{SECRET}'}}</style><img src=a.png>"
    assert page(bare).title == "Gifts" and SECRET not in page(bare).text


@pytest.mark.parametrize(
    "styled",
    [
        lambda n: "<style>" + "p:hover b{color:#111}" * n + "</style>" + "<p>a <b>b</b></p>" * n,
        lambda n: "<style>" + "".join(f"p.c{i}, .d{i} p{{opacity:.9}}" for i in range(n)) + "</style>" + "<p>a</p>" * n,
        lambda n: "<style>p::after{content:'" + "a" * 100 * n + "'}</style>" + "<p>a</p>" * n,
        lambda n: "<style>p{" + "a:b{" * 10 * n + "</style><p>a",
        lambda n: "".join(f"<div style='--v{i}: 1; font-size: {i}px'>a" for i in range(n)),
        lambda n: (
            "<style>:root{" + "".join(f"--a{i}:var(--a{i + 1}) var(--a{i + 1});" for i in range(n)) + "}</style>"
            "<p style='color:var(--a0)'>a</p>" * n
        ),
    ],
)
def test_time_for_styles_grows_as_the_file_does(styled: Any) -> None:
    """Or the page is refused before its styles take longer."""
    began = time.thread_time()
    try:
        read_document(styled(10_000).encode(), "a.html")
    except DocumentRejected as error:
        assert error.reason == "too_large"
    assert time.thread_time() - began < 8


def test_style_sheets_that_multiply_their_conditions_are_refused() -> None:
    sheet = "<style>p" + ":not(.a)" * 20_000 + "{color:red}</style>" + "<p>a</p>" * 5_000
    began = time.thread_time()
    with pytest.raises(DocumentRejected) as caught:
        read_document(sheet.encode(), "a.html")
    assert caught.value.reason == "too_large"
    assert time.thread_time() - began < 8


def test_variables_that_double_each_other_are_given_up() -> None:
    doubled = "".join(f"--a{at}:var(--a{at + 1}) var(--a{at + 1});" for at in range(20))
    began = time.thread_time()
    check(page(f"<style>:root{{{doubled} --a20:x}}</style><p style='color:var(--a0)'>{SECRET}"), shown=True)
    assert time.thread_time() - began < 4


@pytest.mark.parametrize("nested", ["<div>", "<ul><li>", "<span style='color:var(--a)'>"])
def test_a_page_with_style_sheets_that_nests_deeper_than_browsers_do_is_refused(nested: str) -> None:
    sheet = "<style>.x{display:none}</style>"
    check(page(sheet + nested * 200 + f"<p class=x>{SECRET}"), shown=False)
    with pytest.raises(DocumentRejected) as caught:
        page(sheet + nested * 20_000 + f"<p class=x>{SECRET}")
    assert caught.value.reason == "too_large"
