"""How long the list of calls takes on the server with 10,000 sends. Prints, asserts no time."""

import statistics
import time

import pytest
import sqlalchemy as sa
from airflow import settings

from airflow_provider_inforu.ui.call_views import SendFilter
from tests.unit.ui.conftest import airflow_apps as airflow_apps
from tests.unit.ui.test_airflow_calls import airflow as airflow
from tests.unit.ui.test_airflow_calls import received as received
from tests.unit.ui.test_airflow_calls import store_sends

SENDS, IN_DOUBT, ROUNDS = 10_000, 50, 5
PAGES = {
    "the first page": (SendFilter(), 1),
    "the last page": (SendFilter(), SENDS // 25),
    "one connection": (SendFilter(conn_id="inforu_default"), 1),
    "needs a person": (SendFilter(needs_person=True), 1),
}


@pytest.fixture
def queries():
    """Every statement that Airflow's database ran."""
    ran = []
    listen = (settings.engine, "before_cursor_execute", lambda *given: ran.append(given[2]))
    sa.event.listen(*listen)
    yield ran
    sa.event.remove(*listen)


def test_the_list_of_ten_thousand_sends(airflow, queries):
    store_sends(["a"] * IN_DOUBT)
    store_sends(["a"] * (SENDS - IN_DOUBT), counts={"accepted": 350})
    print(f"\n| page | median of {ROUNDS} (ms) | queries |\n|---|---|---|")
    for name, (wanted, page) in PAGES.items():
        times = []
        for _ in range(ROUNDS):
            queries.clear()
            began = time.perf_counter()
            found = airflow.list_sends({"a"}, wanted, page)
            times.append((time.perf_counter() - began) * 1000)
        print(f"| {name} | {statistics.median(times):.0f} | {len(queries)} |")
        assert found.total == (IN_DOUBT if wanted.needs_person else SENDS)
        assert len(queries) <= 2
