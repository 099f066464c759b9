"""Who reads the page otherwise: by keyboard, by a screen reader, on a telephone, in the dark, on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.serve.browser.conftest import Tab
from tests.serve.stub import SHA, TEXT

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs 'policy-assistant[browser]'")

QUESTION = "How much leave may I carry over?"
PLACE = f"/source?document={SHA}&start=40&end={40 + len(TEXT)}#quote"
PAGES = {
    "home": ("/", ""),
    "answered": ("/", QUESTION),
    "unsure": ("/", "Unsure dinner?"),
    "nothing": ("/", "Nothing about pets?"),
    "place": (PLACE, ""),
    "error": ("/source?document=x&start=1&end=2", ""),
}


def shown(open_tab: Callable[..., Tab], name: str, **profile: object) -> Tab:
    path, question = PAGES[name]
    tab = open_tab(path, **profile)
    if question:
        tab.ask(question)
    if name == "error":
        tab.faults[:] = [fault for fault in tab.faults if "400" not in fault]
    return tab


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(open_tab: Callable[..., Tab], name: str, scheme: str) -> None:
    tab = shown(open_tab, name, color_scheme=scheme)
    found = axe.Axe().run(tab.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 768, 2560])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_its_screen(open_tab: Callable[..., Tab], name: str, width: int) -> None:
    tab = shown(open_tab, name, viewport={"width": width, "height": 700})
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    text = tab.page.locator("main").bounding_box()
    assert text and text["width"] <= 46 * 16


def test_the_keyboard_alone_asks_and_opens_a_place(tab: Tab) -> None:
    tab.page.reload()
    tab.page.keyboard.type(QUESTION)  # the box has the focus
    tab.page.keyboard.press("Enter")
    tab.page.locator("article").wait_for()
    for _ in range(2):  # from the answer's heading to its key, and to its source
        tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("mark")
    assert tab.page.inner_text("mark") == TEXT


@pytest.mark.slow
def test_the_first_key_skips_to_the_content(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(PLACE.partition("#")[0])
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.className") == "skip"


def test_paper_has_the_answer_and_no_form(tab: Tab) -> None:
    tab.ask(QUESTION)
    tab.page.emulate_media(media="print")
    assert tab.page.is_hidden("#ask") and tab.page.is_hidden(".copy") and tab.page.is_visible("article .sources")


@pytest.mark.slow
def test_larger_letters_hide_nothing(open_tab: Callable[..., Tab]) -> None:
    tab = shown(open_tab, "answered", viewport={"width": 640, "height": 700})
    tab.page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 640
