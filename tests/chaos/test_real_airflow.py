"""A real Airflow whose parts die in the middle of a send: nobody is called twice, nobody is left out.

LocalExecutor on PostgreSQL, all components as processes. The sandbox records every call that it accepted.
"""

import json
import os
import shutil
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from demo.airflow_environment import StackSettings
from demo.airflow_stack import AirflowStack
from demo.processes import PATIENCE_SECONDS, processes_in
from demo.sandbox_process import SandboxProcess
from tests.chaos.send_under_way import SendUnderWay
from tests.integration.conftest import new_postgres_database
from tests.integration.ground import Ground

pytestmark = [pytest.mark.integration, pytest.mark.postgres]

PEOPLE = 3000
SOME = 800
"""So many are called before something goes wrong."""
AT_MOST_IN_FLIGHT = 200
LATENCY_SECONDS = 0.4
SLOW_LATENCY_SECONDS = 3.0
OUTAGE_SECONDS = 10.0
LOST = "Detected a task instance without a heartbeat"
# What Airflow would wait minutes for: until a task or a scheduler without a sign of life is given up.
IMPATIENCE = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "6",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "2",
}


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow-chaos")
    shutil.copytree(Path(__file__).parent / "dags", home / "dags")
    with ExitStack() as running:
        database = running.enter_context(new_postgres_database())
        sandbox = running.enter_context(SandboxProcess(home, dict(os.environ), call_seconds=0.2))
        settings = StackSettings(
            home=home / "airflow",
            dags_folder=home / "dags",
            sql_alchemy_conn=database,
            connections={"inforu_default": json.dumps(sandbox.connection())},
            variables=IMPATIENCE,
        )
        yield Ground(running.enter_context(AirflowStack(settings)), sandbox)


@pytest.fixture
def send(ground):
    """A send that is under way."""
    ground.sandbox.reset()
    ground.sandbox.change_settings(latency=LATENCY_SECONDS)
    send = SendUnderWay(ground, PEOPLE)
    send.wait_until_called(SOME)
    return send


def assert_has_ended(process):
    _, alive = psutil.wait_procs([process], timeout=PATIENCE_SECONDS)
    assert alive == []


def end_what_is_left_of(session):
    """End the idle workers of a killed scheduler.

    They hold its connection to the database open, so that a transaction in which it died would never end, and
    the rows that it had locked would stay locked for the next scheduler.
    """
    for pid in processes_in([session]):
        os.kill(pid, signal.SIGKILL)


def test_when_a_worker_is_killed_the_next_try_goes_on_and_names_those_in_doubt(send):
    for process in send.worker():
        process.kill()

    count = send.end()

    assert count["attempts"] > 1
    assert count["in doubt"] <= AT_MOST_IN_FLIGHT


def test_when_the_scheduler_is_killed_its_worker_sends_no_more_once_another_one_does(ground, send):
    # The worker outlives it, and sends on until it learns that Airflow has given it up.
    orphans = send.worker()
    scheduler = ground.airflow.component("scheduler")
    session = scheduler.pid
    ground.sandbox.change_settings(latency=SLOW_LATENCY_SECONDS)
    scheduler.kill()
    assert all(orphan.is_running() for orphan in orphans)

    ground.airflow.start_component("scheduler")
    assert_has_ended(orphans[-1])
    end_what_is_left_of(session)
    ground.sandbox.change_settings(latency=LATENCY_SECONDS)

    send.end()


def test_when_the_api_server_is_gone_nothing_is_sent_and_later_the_send_goes_on(ground, send):
    before = ground.airflow.component("scheduler").log_path.read_text("utf-8")
    ground.airflow.stop_component("api-server")
    called = send.called()
    time.sleep(OUTAGE_SECONDS)
    # Only those whose intent was written down before.
    assert send.called() <= called + AT_MOST_IN_FLIGHT

    ground.airflow.start_component("api-server")

    count = send.end()
    # On a slow machine it is away for so long that Airflow misses the heartbeat, and takes the task for dead.
    taken_for_dead = LOST in ground.airflow.component("scheduler").log_path.read_text("utf-8")[len(before) :]
    assert taken_for_dead or count["in doubt"] == 0


def test_when_a_task_is_cleared_while_it_sends_the_new_attempt_goes_on_and_the_old_one_stops(send):
    old = send.worker()[-1]

    send.clear()

    count = send.end()
    assert_has_ended(old)
    assert count["attempts"] > 1
