"""The page "Inforu calls" on Airflow 3.1 and 3.2 in a headless Chromium, and Airflow 3.0 without it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from demo.processes import wait_until
from tests.integration.browser import THEMES, WIDTHS, check_look, open_list, open_page, settle
from tests.integration.links import LINK, TITLES, follow_links, start_linked_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import FrameLocator, Page

    from tests.compat.old_airflow import OldAirflow
    from tests.integration.ground import Run

pytestmark = pytest.mark.integration

PHONES = [f"05{number:08}" for number in range(1, 251)]


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


@pytest.fixture
def with_page(airflow: OldAirflow) -> OldAirflow:
    if not airflow.has_page:
        pytest.skip("Airflow 3.0 does not have the page")
    return airflow


@pytest.fixture
def picture(airflow: OldAirflow, tmp_path: Path) -> Callable[[Page, str], None]:
    """Take a screenshot, into INFORU_SCREENSHOTS where it is set."""
    folder = Path(os.environ.get("INFORU_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{airflow.version}-{name}.png")

    return take


def open_send(frame: FrameLocator, run: Run) -> None:
    row = frame.get_by_role("row").filter(has_text=run.run_id)
    expect(row.get_by_text("needs a person: 100 in doubt")).to_be_visible()
    row.get_by_role("link", name=run.dag_id).click()
    expect(frame.get_by_text("250 of 250 people sent to Inforu")).to_be_visible()


def test_the_menu_leads_to_a_send_which_a_person_settles_in_the_browser(
    with_page: OldAirflow, page: Page, picture: Callable[[Page, str], None]
) -> None:
    airflow, url = with_page, with_page.stack.url
    airflow.sandbox.change_settings(notification_url=airflow.receiver.push_url)
    airflow.fail_second_request("drop")
    run = airflow.run("send_with_ledger")
    assert run.state == "failed"
    assert wait_until(lambda: any(push["http_status"] == 200 for push in airflow.sandbox.pushes()))

    page.goto(url)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Inforu calls").click()
    frame = page.frame_locator("iframe")
    open_send(frame, run)
    expect(frame.get_by_role("cell", name=re.compile(r"^k\d+$")).first).to_be_visible()
    for theme in THEMES:
        page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 1000})
            frame = open_list(page, url)
            expect(frame.get_by_role("heading", name="Inforu calls")).to_be_visible()
            check_look(page, theme)
            picture(page, f"list-{theme}-{width}")
            open_send(frame, run)
            check_look(page, theme)
            picture(page, f"send-{theme}-{width}")

    with page.expect_download() as download:
        frame.get_by_role("link", name="Download CSV").click()
    assert download.value.path().read_text("utf-8-sig").startswith("key,status")
    settle(frame, "Call them again", "100 people of batch 2: Call them again.")
    frame.get_by_role("link", name="Open the task in Airflow").click()
    page.wait_for_url(re.compile(r"/dags/send_with_ledger/runs/[^/]+/tasks/call"))

    assert airflow.clear(run).state == "success"
    assert airflow.called() == dict.fromkeys(PHONES, 1)


def test_a_running_a_deferred_a_failed_and_a_mapped_task_link_to_their_own_sends(
    with_page: OldAirflow,
) -> None:
    with start_linked_run(with_page.ground) as run_id:
        assert follow_links(with_page.ground, run_id) == TITLES


def test_before_airflow_3_1_the_api_server_works_without_the_page(airflow: OldAirflow) -> None:
    if airflow.has_page:
        pytest.skip("This Airflow has the page")
    run = airflow.run("send_with_ledger")

    assert run.state == "success"
    api = airflow.stack.api
    assert not api.links(run.dag_id, run.run_id, "call")[LINK]
    (plugin,) = [one for one in api.plugins() if one["name"] == "inforu"]
    assert [one["url_prefix"] for one in plugin["fastapi_apps"]] == ["/inforu"]
    assert "Inforu calls are shown" not in airflow.api_server_log()
