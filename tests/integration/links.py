"""A run whose tasks stay in different states, and where their links "Inforu calls" lead."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from demo.processes import wait_until
from tests.integration.ground import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.ground import Ground

DAG_ID, LINK = "linked", "Inforu calls"
EXISTING_CAMPAIGN = "Voice/Campaign/SendExisting"
STATES = [
    ("deferred", -1, "deferred"),
    ("failed", -1, "failed"),
    ("mapped", 0, "success"),
    ("mapped", 1, "success"),
    ("mapped", 2, "success"),
    ("running", -1, "running"),
]
CALLS = 9


@contextmanager
def start_linked_run(ground: Ground) -> Iterator[str]:
    """Give the ID of a run whose tasks have called and have these STATES, then let the run end."""
    api = ground.airflow.api
    assert ground.receiver is not None
    ground.sandbox.change_settings(notification_url=ground.receiver.push_url, notification_delay=NEVER)
    ground.sandbox.inject("accept_then_drop", function=EXISTING_CAMPAIGN)
    api.wait_for_dag(DAG_ID)
    api.unpause(DAG_ID)
    run_id = api.trigger(DAG_ID)

    def read_states() -> list[tuple[str, int, str]]:
        tasks = api.task_instances(DAG_ID, run_id)
        return sorted((one["task_id"], one["map_index"], one["state"]) for one in tasks)

    def has_called() -> bool:
        return len(ground.sandbox.calls()) >= CALLS

    try:
        assert wait_until(lambda: has_called() and read_states() == STATES), read_states()
        yield run_id
    finally:
        ground.sandbox.change_settings(notification_delay=0)
    assert api.wait_for_run(DAG_ID, run_id) == "failed"


def follow_links(ground: Ground, run_id: str) -> list[tuple[str, str]]:
    """Follow the link of each task instance, and return the title and the state that each page shows."""
    api = ground.airflow.api
    addresses = [str(api.links(DAG_ID, run_id, task_id, map_index)[LINK]) for task_id, map_index, _ in STATES]
    pages = [api.page(address) for address in addresses]
    return [(_find(r"<h1[^>]*>(.*?)</h1>", page), _find(r'<div id="live".*?</span>', page)) for page in pages]


def _find(pattern: str, page: str) -> str:
    (found,) = re.findall(pattern, page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found).split())


TITLES = [
    ("deferred", "deferred"),
    ("failed", "needs a person"),
    ("mapped [0]", "success"),
    ("mapped [1]", "success"),
    ("mapped [2]", "success"),
    ("running", "running"),
]
"""What follow_links returns if each link leads to the send of its own task instance."""
