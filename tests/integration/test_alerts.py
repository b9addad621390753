"""What happens on a real Airflow rings a phone once, whichever component runs the callback."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from demo.processes import wait_until
from tests.integration.ground import ON_SQLITE

if TYPE_CHECKING:
    from tests.integration.ground import Ground

pytestmark = [pytest.mark.integration, ON_SQLITE]

PHONE = "0500000001"
AWAY = {
    "connection_id": "vendor_is_away",
    "conn_type": "inforu",
    "host": "http://127.0.0.1:1",
    "login": "demo",
    "password": "token-of-an-account",
}
SENTENCES = {
    "alert_task": "Alert from Airflow. The task fail of the DAG alert task has failed.",
    "alert_mapped": "Alert from Airflow. The task fail one of the DAG alert mapped has failed.",
    "alert_dag": "התראה מאיירפלו. התהליך alert dag נכשל.",
    "alert_deadline": "Alert from Airflow. The DAG alert deadline has missed its deadline.",
    "alert_deadline_in_executor": (
        "Alert from Airflow. The DAG alert deadline in executor has missed its deadline."
    ),
    "alert_decision": (
        "Message from Airflow. The task decide of the DAG alert decision waits for a person to decide. Go on?"
    ),
}
STATES = {
    "alert_task": "failed",
    "alert_mapped": "failed",
    "alert_dag": "failed",
    "alert_deadline": "success",
    "alert_deadline_in_executor": "success",
    "alert_decision": "success",
}


@pytest.fixture
def alerted_ground(fresh_ground: Ground) -> Ground:
    """The Airflow of the tests, in which somebody is on call and one account's vendor does not answer."""
    api = fresh_ground.airflow.api
    if not api.has_variable("on_call_phones"):
        api.save_variable("on_call_phones", PHONE)
        api.save_connection(AWAY)
    return fresh_ground


def trigger(ground: Ground, dag_id: str, **params: object) -> tuple[str, str]:
    api = ground.airflow.api
    api.wait_for_dag(dag_id)
    api.unpause(dag_id)
    return dag_id, api.trigger(dag_id, params)


def decide(ground: Ground, dag_id: str, run_id: str, task_id: str, option: str) -> None:
    """Answer the question of a task when it waits.

    Not before the scheduler has seen that it waits: Airflow 3.3 takes one that is answered so soon for lost.
    """
    api = ground.airflow.api
    assert wait_until(lambda: api.is_asked(dag_id, run_id, task_id))
    seen = f"executor event with state success for task instance TaskInstanceKey(dag_id='{dag_id}', "
    seen += f"task_id='{task_id}', run_id='{run_id}'"
    log_path = ground.airflow.component("scheduler").log_path
    assert wait_until(lambda: seen in log_path.read_text("utf-8", errors="replace"))
    api.decide(dag_id, run_id, task_id, [option])


def texts(ground: Ground) -> list[str]:
    return sorted(call["text"] for call in ground.sandbox.calls())


def logs(ground: Ground, folder: str = ".") -> str:
    paths = (ground.airflow.settings.home / folder).rglob("*.log")
    return "\n".join(path.read_text("utf-8", errors="replace") for path in paths)


def test_a_failing_task_and_dag_a_missed_deadline_and_a_waiting_decision_ring_once_each(
    alerted_ground: Ground,
) -> None:
    runs = dict(trigger(alerted_ground, dag_id) for dag_id in SENTENCES)
    api = alerted_ground.airflow.api
    assert wait_until(lambda: SENTENCES["alert_decision"] in texts(alerted_ground))
    decide(alerted_ground, "alert_decision", runs["alert_decision"], "decide", "Yes")

    states = {dag_id: api.wait_for_run(dag_id, run_id) for dag_id, run_id in runs.items()}
    wait_until(lambda: len(texts(alerted_ground)) >= len(SENTENCES))
    # Nine of the ten mapped tasks, and whoever else would ring, have run by then.
    time.sleep(3)

    assert states == STATES
    assert texts(alerted_ground) == sorted(SENTENCES.values())
    assert {call["phone"] for call in alerted_ground.sandbox.calls()} == {PHONE}
    assert logs(alerted_ground, "logs/dag_id=alert_mapped").count("less than 900 seconds ago") == 9
    assert "50000000" not in logs(alerted_ground)


def test_a_vendor_who_is_away_changes_no_state_and_is_in_the_log(alerted_ground: Ground) -> None:
    api = alerted_ground.airflow.api
    runs = dict(
        trigger(alerted_ground, dag_id) for dag_id in ("away_failing", "away_succeeding", "away_decision")
    )
    decide(alerted_ground, "away_decision", runs["away_decision"], "decide", "No")

    states = {dag_id: api.wait_for_run(dag_id, run_id) for dag_id, run_id in runs.items()}
    assert states == {"away_failing": "failed", "away_succeeding": "success", "away_decision": "success"}

    def lost() -> set[str]:
        lines = [line for line in logs(alerted_ground).splitlines() if "nobody was called" in line]
        return {name for line in lines for name in re.findall(r"alert '([^']*away_\w+[^']*)'", line)}

    assert wait_until(lambda: len(lost()) == 5), lost()
    assert lost() == {
        "task failed away_failing fail",
        "DAG failed away_failing",
        "task succeeded away_succeeding succeed",
        "DAG succeeded away_succeeding",
        "task waits for a decision away_decision decide",
    }
    assert alerted_ground.sandbox.requests() == []


def test_the_example_rings_when_it_fails_and_when_a_person_has_to_decide(alerted_ground: Ground) -> None:
    api = alerted_ground.airflow.api
    failed = trigger(alerted_ground, "alerts", fail=True)
    asking = trigger(alerted_ground, "alerts", fail=False)
    decide(alerted_ground, *asking, "approve", "Approve")

    assert api.wait_for_run(*failed) == "failed"
    assert api.wait_for_run(*asking) == "success"
    question = (
        "Message from Airflow. The task approve of the DAG alerts waits for a person to decide. "
        "May the orders be sent?"
    )
    assert texts(alerted_ground) == sorted(
        [question, "The orders were not loaded. The shop does not answer."]
    )
