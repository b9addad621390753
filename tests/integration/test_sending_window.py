"""A real Airflow whose task comes before its sending window opens: it waits without a worker, then sends."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from demo.processes import wait_until
from tests.integration.dags.opens_soon import PEOPLE, SLOT, ZONE
from tests.integration.ground import Ground, Run

if TYPE_CHECKING:
    from demo.airflow_api import AirflowApi

pytestmark = pytest.mark.integration

DAG_ID, TASK_ID = "opens_soon", "call"


def pool(api: AirflowApi) -> dict[str, int]:
    found = api._json("GET", f"pools/{SLOT}")
    return {name: found[f"{name}_slots"] for name in ("open", "running", "queued", "deferred")}


def opening(window: str) -> datetime:
    """Return the moment of today, or of tomorrow, at which it opens."""
    now = datetime.now(ZoneInfo(ZONE))
    hour, minute = map(int, window.partition("-")[0].split(":"))
    opens = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return opens if opens > now - timedelta(hours=12) else opens + timedelta(days=1)


def events_of(api: AirflowApi, run: Run) -> Counter[str]:
    query: dict[str, Any] = {"dag_id": run.dag_id, "run_id": run.run_id, "task_id": TASK_ID, "limit": "100"}
    return Counter(one["event"] for one in api._json("GET", "eventLogs", params=query)["event_logs"])


def test_a_send_that_comes_too_early_waits_without_a_worker_and_calls_everybody_once_when_it_opens(
    fresh_ground: Ground,
) -> None:
    api = fresh_ground.airflow.api
    api._json("POST", "pools", json={"name": SLOT, "slots": 1, "include_deferred": False})
    api.wait_for_dag(DAG_ID)
    api.unpause(DAG_ID)
    run_id = api.trigger(DAG_ID)

    assert wait_until(lambda: api.task_instance(DAG_ID, run_id, TASK_ID)["state"] == "deferred")
    assert wait_until(lambda: pool(api) == {"open": 1, "running": 0, "queued": 0, "deferred": 1})
    opens = opening(str(api.xcom(DAG_ID, run_id, "window")))

    run = Run(DAG_ID, run_id, api.wait_for_run(DAG_ID, run_id))
    assert run.state == "success"
    assert fresh_ground.manifest(run)["accepted"] == PEOPLE
    calls = fresh_ground.sandbox.calls()
    assert len({call["phone"] for call in calls}) == len(calls) == PEOPLE
    assert opens <= min(datetime.fromisoformat(call["accepted_at"]) for call in calls)
    assert {name: events_of(api, run)[name] for name in ("running", "deferred", "success")} == {
        "running": 2,
        "deferred": 1,
        "success": 1,
    }
    assert fresh_ground.task(run)["try_number"] == 1
    logs = "".join(fresh_ground.task_logs(run).values())
    assert f"closed until {opens:%Y-%m-%d %H:%M} +0545, and nobody was called" in logs
