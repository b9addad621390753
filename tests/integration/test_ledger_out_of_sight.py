"""On a real Airflow: a ledger that a person deleted stops the task, and a try that never began does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.ground import Ground

pytestmark = pytest.mark.integration


def phones(ground: Ground) -> list[str]:
    return [call["phone"] for call in ground.sandbox.calls()]


def test_a_cleared_task_whose_state_was_cleared_too_calls_nobody_again(fresh_ground: Ground) -> None:
    run = fresh_ground.run("careful_sends")
    assert run.state == "success"
    api = fresh_ground.airflow.api
    api.clear_task_state(run.dag_id, run.run_id, "call")

    api.clear(run.dag_id, run.run_id, "call")

    assert api.wait_for_run(run.dag_id, run.run_id) == "failed"
    assert sorted(phones(fresh_ground)) == sorted(set(phones(fresh_ground)))
    later = [log for name, log in fresh_ground.task_logs(run).items() if "call, try" in name][1:]
    assert later
    assert all("An earlier try of this task began a send" in log for log in later)


def test_a_try_that_failed_before_it_began_is_followed_by_one_that_sends(fresh_ground: Ground) -> None:
    run = fresh_ground.run("late_sends")
    assert run.state == "success"
    assert len(phones(fresh_ground)) == len(set(phones(fresh_ground))) == 3
    log = fresh_ground.airflow.api.log(run.dag_id, run.run_id, "call", 2)
    assert "no earlier try began a send" in log
