"""The page "Inforu calls" in Airflow's own pages, in a headless Chromium."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from demo.processes import wait_until
from tests.integration.browser import THEMES, WIDTHS, check_look, open_list, open_page, settle
from tests.integration.ground import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import FrameLocator

    from tests.integration.ground import Ground, Run

pytestmark = [
    pytest.mark.integration,
    pytest.mark.chromium,
    # The other database is the business of the tests of the receiver and the ledger.
    pytest.mark.parametrize("ground", ["sqlite"], indirect=True),
]
PHONES = ("0500000021", "0500000022", "0500000023", "500000021", "500000022", "500000023")


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def test_the_page_is_in_the_menu_and_its_link_leads_to_the_task(fresh_ground: Ground, page: Page) -> None:
    run = fresh_ground.run("careful_sends")
    assert run.state == "success"

    page.goto(fresh_ground.airflow.url)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Inforu calls").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="careful_sends").first.click()

    expect(frame.get_by_role("list", name="Counts")).to_contain_text("accepted by Inforu")
    expect(frame.get_by_text("3 of 3 people sent to Inforu")).to_be_visible()
    expect(frame.get_by_text("C-1", exact=True)).to_be_visible()
    text = frame.locator("html").inner_html()
    assert not any(phone in text for phone in PHONES)
    with page.expect_download() as download:
        frame.get_by_role("link", name="Download CSV").click()
    report = download.value.path().read_text("utf-8")
    assert "C-1" in report
    assert not any(phone in report for phone in PHONES)

    frame.get_by_role("link", name="Open the task in Airflow").click()
    page.wait_for_url(re.compile(r"/dags/careful_sends/runs/[^/]+/tasks/call"))
    assert page.locator("iframe").count() == 0


@pytest.mark.parametrize("theme", THEMES)
def test_the_page_has_the_theme_of_airflow_at_each_width(
    fresh_ground: Ground, page: Page, theme: str
) -> None:
    page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        frame = open_list(page, fresh_ground.airflow.url)
        expect(frame.get_by_role("heading", name="Inforu calls")).to_be_visible()
        check_look(page, theme)


def test_a_person_settles_a_send_in_the_browser_and_nobody_is_called_twice(
    fresh_ground: Ground, page: Page
) -> None:
    run, called = send_in_doubt(fresh_ground)

    frame = open_list(page, fresh_ground.airflow.url)
    open_send_in_doubt(frame, run)
    frame.get_by_text("3 keys").first.click()
    expect(frame.get_by_text("C-1").first).to_be_visible()
    settle(frame, "They were called", "3 people of batch 1: They were called.")
    expect(frame.get_by_role("list", name="Counts")).to_contain_text(re.compile(r"3\s*accepted by Inforu"))

    assert clear(fresh_ground, run) == "success"
    assert Counter(call["phone"] for call in fresh_ground.sandbox.calls()) == called


def test_people_whose_results_have_arrived_cannot_be_called_again_on_the_page(
    fresh_ground: Ground, page: Page
) -> None:
    run, called = send_in_doubt(fresh_ground)
    fresh_ground.sandbox.change_settings(notification_delay=0)
    assert wait_until(lambda: any(push["http_status"] == 200 for push in fresh_ground.sandbox.pushes()))

    frame = open_list(page, fresh_ground.airflow.url)
    open_send_in_doubt(frame, run)
    expect(frame.get_by_text("results have arrived, so Inforu has called 3 people")).to_be_visible()
    expect(frame.get_by_role("button", name="Record the decision")).to_have_count(0)

    assert clear(fresh_ground, run) == "success"
    assert Counter(call["phone"] for call in fresh_ground.sandbox.calls()) == called


def send_in_doubt(ground: Ground) -> tuple[Run, Counter[str]]:
    """Run a send whose answer is lost; return it, and how often each phone was called.

    The end of a call would prove that it was made, so it is not reported.
    """
    ground.sandbox.change_settings(notification_delay=NEVER)
    ground.sandbox.inject("accept_then_drop", function="Voice/Message/Send")
    run = ground.run("careful_sends")
    assert run.state == "failed"
    called = Counter(call["phone"] for call in ground.sandbox.calls())
    assert len(called) == 3
    return run, called


def open_send_in_doubt(frame: FrameLocator, run: Run) -> None:
    frame.get_by_label("Needs a person").check()
    frame.get_by_role("button", name="Filter").click()
    row = frame.get_by_role("row").filter(has_text=run.run_id)
    expect(row.get_by_text("needs a person: 3 in doubt")).to_be_visible()
    row.get_by_role("link", name="careful_sends").click()


def clear(ground: Ground, run: Run) -> str:
    ground.airflow.api.clear(run.dag_id, run.run_id, "call")
    return ground.airflow.api.wait_for_run(run.dag_id, run.run_id)
