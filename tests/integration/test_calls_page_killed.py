"""A person follows a send of 5,000 people on the page, sees it die, and decides about those in doubt."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest
from playwright.sync_api import expect

from demo.processes import wait_until
from tests.integration.browser import open_list, open_page, settle
from tests.integration.dags.large_send import FIRST, IN_FLIGHT, PEOPLE
from tests.integration.ground import ON_SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import FrameLocator, Locator, Page

    from tests.integration.ground import Ground

pytestmark = [pytest.mark.integration, pytest.mark.chromium, ON_SQLITE]

DAG_ID, TASK_ID = "large_send", "call"
PHONES = [f"05{number:08}" for number in range(FIRST, FIRST + PEOPLE)]
LATENCY_SECONDS = 2.0
FOR_EVER = 3600
IN_DOUBT = 100 * IN_FLIGHT
PATIENCE_MILLISECONDS = 120_000


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def find_count(frame: FrameLocator, label: str) -> Locator:
    """Return the number of people that the page shows with this label."""
    counts = frame.get_by_role("list", name="Counts").get_by_role("listitem")
    return counts.filter(has_text=label).locator("b")


class WatchedSend:
    """A run of the DAG whose task calls people now, and the page of its send in a browser.

    :param ground: The Airflow and the sandbox.
    :param page: Of the browser.
    """

    def __init__(self, ground: Ground, page: Page) -> None:
        self._ground, self._page = ground, page
        self._api = ground.airflow.api
        # So slow that the page refreshes several times before the send has ended.
        ground.sandbox.change_settings(latency=LATENCY_SECONDS)
        self._api.wait_for_dag(DAG_ID)
        self._api.unpause(DAG_ID)
        self.run_id = self._api.trigger(DAG_ID)
        assert wait_until(self.phones), self._api.task_instances(DAG_ID, self.run_id)

    def phones(self) -> Counter[str]:
        """Return how often each phone was called."""
        return Counter(call["phone"] for call in self._ground.sandbox.calls())

    def open(self) -> FrameLocator:
        """Open the page of the send from the list."""
        frame = open_list(self._page, self._ground.airflow.url)
        row = frame.get_by_role("row").filter(has_text=self.run_id)
        row.get_by_role("link", name=DAG_ID).click()
        return frame

    def hang(self, fault: str) -> None:
        """Let all requests hang, so that it is known which people are in doubt."""
        self._ground.sandbox.inject(fault, seconds=FOR_EVER, count=IN_FLIGHT)
        assert wait_until(lambda: self._count_requests(fault) == IN_FLIGHT)

    def kill(self) -> None:
        """Kill the process of the task alone."""
        task = psutil.Process(self._api.task_instance(DAG_ID, self.run_id, TASK_ID)["pid"])
        assert self._ground.airflow.component("scheduler").pid in {one.pid for one in task.parents()}
        task.kill()
        assert self._api.wait_for_run(DAG_ID, self.run_id) == "failed"

    def clear(self) -> str:
        """Clear the task, and return how the run ends."""
        self._ground.sandbox.change_settings(latency=0)
        self._api.clear(DAG_ID, self.run_id, TASK_ID)
        return self._api.wait_for_run(DAG_ID, self.run_id)

    def _count_requests(self, fault: str) -> int:
        return sum(request["fault"] == fault for request in self._ground.sandbox.requests())


@pytest.mark.parametrize(
    ("fault", "choice", "consequence"),
    [
        pytest.param(
            "accept_then_slow",
            "They were called",
            "Records them as called. Clearing the task calls none of them.",
            id="were-called",
        ),
        pytest.param(
            "slow",
            "Call them again",
            "When you clear the task, it calls them.",
            id="were-not-called",
        ),
    ],
)
def test_a_killed_send_is_settled_in_the_browser_and_ends_with_everybody_called_once(
    fresh_ground: Ground, page: Page, fault: str, choice: str, consequence: str
) -> None:
    send = WatchedSend(fresh_ground, page)
    frame = send.open()
    expect(frame.get_by_text("The task has not ended. The page refreshes by itself.")).to_be_visible()
    progress = frame.get_by_label("Sent", exact=True)
    before = progress.get_attribute("value")
    expect(progress).not_to_have_attribute("value", str(before))

    send.hang(fault)
    send.kill()

    expect(find_count(frame, "in doubt")).to_have_text(str(IN_DOUBT), timeout=PATIENCE_MILLISECONDS)
    expect(frame.get_by_text(f"Decide about {IN_DOUBT} people in doubt")).to_be_visible()
    assert 0 < send.phones().total() < PEOPLE - IN_DOUBT
    settle(frame, choice, consequence)
    expect(find_count(frame, "in doubt")).to_have_text("0")

    assert send.clear() == "success"
    assert send.phones() == dict.fromkeys(PHONES, 1)
    send.open()
    expect(frame.get_by_text(f"{PEOPLE:,} of {PEOPLE:,} people sent to Inforu")).to_be_visible()
    expect(find_count(frame, "accepted by Inforu")).to_have_text(f"{PEOPLE:,}")
