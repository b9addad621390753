"""A real Airflow waits for calls, deferred, and starts a DAG when outcomes arrive at a real receiver."""

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from demo.airflow_environment import StackSettings
from demo.airflow_stack import AirflowStack
from demo.processes import wait_until
from demo.sandbox_process import SandboxProcess
from tests.integration.ground import NEVER, Ground, Run
from tests.receiver import end_of_call, running_receiver

KEYS = [f"C-{number}" for number in range(21, 29)]


@pytest.fixture
def receiver(tmp_path):
    with running_receiver(f"sqlite:///{tmp_path / 'receiver.db'}") as running:
        yield running


@pytest.fixture
def ground(tmp_path, receiver):
    with SandboxProcess(tmp_path, dict(os.environ), call_seconds=0.2) as sandbox:
        sandbox.change_settings(notification_url=receiver.push_url, notification_repeat=2)
        connection = sandbox.connection(receiver_url=receiver.url, notification_secret=receiver.secret)
        settings = StackSettings(
            home=tmp_path / "airflow",
            dags_folder=Path(__file__).parent / "outcome_dags",
            connections={"inforu_default": json.dumps(connection)},
        )
        with AirflowStack(settings) as airflow:
            yield Ground(airflow, sandbox)


def run_until_calls_end(ground):
    """Run the DAG; its calls end only when the sensor waits in the triggerer."""
    api = ground.airflow.api
    api.wait_for_dag("waited_send")
    api.unpause("waited_send")
    ground.sandbox.change_settings(notification_delay=NEVER)
    run_id = api.trigger("waited_send")

    def is_deferred():
        states = {task["task_id"]: task["state"] for task in api.task_instances("waited_send", run_id)}
        return states.get("calls") == "deferred"

    assert wait_until(is_deferred)
    # Airflow fails a task that is queued again before the scheduler has heard that its first process ended.
    time.sleep(3)
    ground.sandbox.change_settings(notification_delay=0)
    return Run("waited_send", run_id, api.wait_for_run("waited_send", run_id))


def runs_of(ground, dag_id):
    return ground.airflow.api._json("GET", f"dags/{dag_id}/dagRuns")["dag_runs"]


def keys_seen(ground):
    seen = Counter()
    for run in runs_of(ground, "when_outcomes_arrive"):
        if run["state"] == "success":
            seen.update(ground.airflow.api.xcom("when_outcomes_arrive", run["dag_run_id"], "look"))
    return seen


def places_kept(ground):
    """Return what the event trigger has kept in the state of its asset."""
    api = ground.airflow.api
    ids = [one["id"] for one in api._json("GET", "assets")["assets"] if one["name"] == "outcomes"]
    return [
        kept for one in ids for kept in api._json("GET", f"assets/{one}/state-store")["asset_state_store"]
    ]


@pytest.mark.integration
def test_a_send_waits_deferred_and_outcomes_start_a_dag_also_those_of_a_triggerers_absence(ground, receiver):
    ground.airflow.api.wait_for_dag("when_outcomes_arrive")
    ground.airflow.api.unpause("when_outcomes_arrive")
    # Airflow starts a watcher some time after its DAG; from then on nothing is missed.
    assert wait_until(lambda: places_kept(ground))
    run = run_until_calls_end(ground)
    assert run.state == "success"
    manifest = ground.manifest(run)
    summary = ground.manifest(run, "calls")
    assert summary == {**receiver.summary(manifest["send_id"]), "complete": True}
    assert summary["by_status"] == dict(Counter(call["status"] for call in ground.sandbox.calls()))
    assert "Waiting in the triggerer" in ground.airflow.api.log("waited_send", run.run_id, "calls", 1)

    assert wait_until(lambda: set(keys_seen(ground)) == set(KEYS))
    # Each notification came twice and was one; each is in one event, since nothing restarted.
    assert keys_seen(ground) == Counter(KEYS)

    ground.airflow.stop_component("triggerer")
    receiver.push([end_of_call(f"{manifest['send_id']}-meanwhile")])
    ground.airflow.start_component("triggerer")
    assert wait_until(lambda: "meanwhile" in keys_seen(ground))

    triggerer = (ground.airflow.settings.home / "triggerer.log").read_text()
    logs = triggerer + "".join(ground.task_logs(run).values())
    assert receiver.secret not in logs
    assert not [call for call in ground.sandbox.calls() if call["phone"] in logs]
