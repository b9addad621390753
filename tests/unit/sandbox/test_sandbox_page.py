"""The page, in a real browser."""

from __future__ import annotations

import shutil

import pytest
import requests

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def test_the_page_is_served_and_may_load_nothing_from_elsewhere(sandbox):
    response = requests.get(sandbox.url, timeout=20)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "https://" not in response.text


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    errors: list[str] = []
    opened = browser.new_page(viewport={"width": 390, "height": 844})
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text))
    yield opened
    opened.close()
    assert errors == []


@pytest.mark.chromium
def test_the_empty_page_says_how_to_send_and_then_shows_the_calls_as_they_come(page, post, sandbox):
    page.goto(sandbox.url)
    page.wait_for_selector("#empty:visible")
    page.wait_for_selector("#curl:not(:empty)")
    assert "calls nobody" in page.inner_text("header")
    assert f"{sandbox.url}/api/v2/Voice/Message/Send" in page.inner_text("#curl")
    assert sandbox.token not in page.content()

    hostile = "<img src=x onerror=alert(1)>"
    items = [
        {"TextToSpeech": "שלום עולם", "Phone": "0500000002", "CustomerMessageID": "s-לקוח"},
        {"TextToSpeech": hostile, "Phone": "0500000003", "CustomerMessageID": hostile},
    ]
    post("Voice/Message/Send", {"CampaignRefId": "1", "CampaignName": hostile, "List": items})
    page.wait_for_selector("#calls .mark.good")

    rows = [row.inner_text() for row in page.query_selector_all("#calls tbody tr")]
    assert len(rows) == 2
    assert hostile in rows[0]
    assert "NoAnswer" in rows[0]
    assert all(part in rows[1] for part in ("0500000002", "s-לקוח", "שלום עולם", "Answered", "key 1"))
    assert page.query_selector("#calls img") is None
    direction = "element => getComputedStyle(element).direction"
    assert page.eval_on_selector("#calls tbody tr:nth-child(2) .text > div", direction) == "rtl"
    assert page.eval_on_selector("#calls tbody tr:nth-child(1) .text > div", direction) == "ltr"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.chromium
def test_the_page_tells_documented_from_assumed(page, sandbox):
    page.goto(sandbox.url)
    page.click("details > summary")
    page.wait_for_selector("#facts tbody tr:visible")
    assert set(page.eval_on_selector_all("#facts .mark", "marks => marks.map(mark => mark.textContent)")) == {
        "documented",
        "assumed",
    }
