"""Take the README's pictures of the page, in Chromium:  python -m bench.screenshots

The sample company is ingested into an index that is gone afterwards, and served on a free port of loopback. Needs
`pip install '.[serve,browser]'` and Chromium.
"""

from __future__ import annotations

import shutil

from bench.common import ROOT, console, parser, run_ingest, scratch, serving, settings

QUESTION = "How many days of leave can I carry over?"


def main() -> None:
    options = parser(__doc__).parse_args()
    with scratch("screenshots") as folder:
        config = settings(options, folder / "index")
        run_ingest([ROOT / "corpora"], config)
        with serving(config) as (address, _):
            take(address)


def take(address: str) -> None:
    """Write the pictures of an answer and of its quote's place into docs/."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 640}, base_url=address)
        page.goto("/")
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        page.locator("article").wait_for()
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=ROOT / "docs" / "page-answer.png")
        page.locator(".sources a").first.click()
        page.locator("mark").first.wait_for()
        page.screenshot(path=ROOT / "docs" / "page-place.png")
        browser.close()
    console.print(f"{ROOT / 'docs'}: page-answer.png, page-place.png written.")


if __name__ == "__main__":
    main()
