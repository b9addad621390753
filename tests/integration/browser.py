"""A headless Chromium on Airflow's pages, and what a person does there on the page "Inforu calls"."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from tests.integration.ground import skip_unless_required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import FrameLocator, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ACTION_MILLISECONDS = 20_000
WIDTHS = (1280, 400)
THEMES = {"light": "rgb(255, 255, 255)", "dark": "rgb(0, 0, 0)"}
"""The colour of the page's ground in each theme."""
CUT_OFF = """() => [...document.querySelectorAll(".sheet *:not(script):not(option)")]
    .filter(one => one.getBoundingClientRect().right > one.closest(".sheet").getBoundingClientRect().right)
    .map(one => one.outerHTML)"""
"""JavaScript that returns what reaches out of its box: the page hides that part."""
PHONE = re.compile(r"\b(?:0|972)?5\d{8}\b")


@contextmanager
def open_page(height: int = 1000) -> Iterator[Page]:
    """Start a browser, give an empty page in it, and end the browser."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        skip_unless_required("chromium", f"none of {', '.join(NAMES)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": height})
        page.set_default_timeout(ACTION_MILLISECONDS)
        expect.set_options(timeout=ACTION_MILLISECONDS)
        yield page
        browser.close()


def open_list(page: Page, url: str) -> FrameLocator:
    """Open the list of sends of the Airflow at this URL, and return the frame that shows it."""
    page.goto(f"{url}/plugin/inforu-calls")
    return page.frame_locator("iframe")


def check_look(page: Page, theme: str) -> None:
    """Check the theme of page and frame, that nothing in the frame is cut off, and that it shows no phone."""
    expect(page.locator("html")).to_have_class(re.compile(rf"\b{theme}\b"))
    frame = page.frame_locator("iframe").locator("html")
    expect(frame).to_have_attribute("data-theme", theme)
    colour = "getComputedStyle(document.body).backgroundColor"
    assert frame.evaluate(colour) == THEMES[theme]
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert frame.evaluate(CUT_OFF) == []
    assert not PHONE.search(frame.inner_html())


def settle(frame: FrameLocator, choice: str, consequence: str) -> None:
    """Record a decision about the people in doubt of the send that the frame shows.

    :param choice: The label of the decision.
    :param consequence: What the page asks the person to confirm.
    """
    frame.get_by_label(choice).check()
    frame.get_by_role("button", name="Record the decision").click()
    dialog = frame.get_by_role("dialog")
    expect(dialog).to_contain_text(consequence)
    dialog.get_by_role("button", name="Yes, record it").click()
    expect(frame.get_by_role("button", name="Record the decision")).to_have_count(0)
