"""The connection form and the Test button of Airflow's pages, in a headless Chromium."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR
from tests.integration.browser import open_page
from tests.integration.ground import ON_SQLITE, Ground

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.integration,
    pytest.mark.chromium,
    ON_SQLITE,
]

CONNECTION_ID = "inforu_from_the_form"


@pytest.fixture
def page(ground: Ground) -> Iterator[Page]:
    """Airflow's list of connections."""
    with open_page(height=1400) as page:
        page.goto(f"{ground.airflow.url}/connections")
        yield page


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], None]:
    """Take a screenshot, into INFORU_SCREENSHOTS where it is set."""
    folder = Path(os.environ.get("INFORU_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        # Airflow's panels slide open.
        page.wait_for_timeout(700)
        page.screenshot(path=folder / f"{name}.png")

    return take


def open_form(page: Page) -> Locator:
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.locator("input[name=connection_id]").fill(CONNECTION_ID)
    form.get_by_role("combobox").first.click()
    page.keyboard.type("inforu")
    page.get_by_role("option", name="Inforu", exact=True).click()
    return form


def test_the_form_shows_our_fields_saves_them_and_the_test_button_reaches_the_api(
    fresh_ground: Ground, page: Page, picture: Callable[[Page, str], None]
) -> None:
    sandbox = fresh_ground.sandbox
    form = open_form(page)

    for name, label in FIELD_BEHAVIOUR["relabeling"].items():
        expect(form.get_by_text(label, exact=True)).to_be_visible()
        placeholder = FIELD_BEHAVIOUR["placeholders"][name]
        expect(form.locator(f"input[name={name}]")).to_have_attribute("placeholder", placeholder)
    for name in FIELD_BEHAVIOUR["hidden-fields"]:
        expect(form.locator(f"input[name={name}]")).to_have_count(0)
    picture(page, "1-standard-fields")
    # Airflow 3.3.1 and 3.3.2 refuse to test any saved connection whose port is empty, because their page
    # sends the port 0 (apache/airflow pull request 73298).
    address = urlsplit(sandbox.url)
    form.locator("input[name=host]").fill(f"{address.scheme}://{address.hostname}")
    form.locator("input[name=port]").fill(str(address.port))
    form.locator("input[name=login]").fill(sandbox.username)
    form.locator("input[name=password]").fill(sandbox.token)

    form.get_by_role("button", name="Extra Fields", exact=True).click()
    for name, field in CONNECTION_FIELDS.items():
        expect(form.get_by_text(field["label"], exact=True)).to_be_visible()
        expect(form.get_by_text(field["description"], exact=True)).to_be_visible()
        expect(form.locator(f"[name=element_{name}]")).to_have_count(1)
    form.locator("input[name=element_timeout]").fill("12")
    form.locator("input[name=element_receiver_url]").fill("https://airflow.example")
    form.locator("input[name=element_notification_secret]").fill("a-secret-of-the-receiver")
    picture(page, "2-extra-fields")
    form.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text=CONNECTION_ID)
    expect(row).to_be_visible()
    picture(page, "3-saved")

    row.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_text("Test Connection Successful").first).to_be_visible()
    expect(page.get_by_text("Quota: IVR").first).to_be_visible()
    picture(page, "4-tested")
    assert sandbox.calls() == []


def test_the_test_button_says_in_words_to_act_on_that_the_token_is_wrong(
    fresh_ground: Ground, page: Page, picture: Callable[[Page, str], None]
) -> None:
    connection = fresh_ground.sandbox.connection()
    wrong = {"connection_id": "inforu_wrong_token", "password": "a-token-that-is-wrong"}
    port = urlsplit(fresh_ground.sandbox.url).port
    fresh_ground.airflow.api.save_connection({**connection, **wrong, "port": port})
    page.reload()

    row = page.get_by_role("row").filter(has_text="inforu_wrong_token")
    row.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_text("user name or API token is wrong").first).to_be_visible()
    expect(page.get_by_text("a-token-that-is-wrong")).to_have_count(0)
    picture(page, "5-wrong-token")
