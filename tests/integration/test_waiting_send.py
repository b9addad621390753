"""A real Airflow waits for a thousand calls, deferred, while its parts and the receiver's database go away.

LocalExecutor on PostgreSQL, the receiver in the API server with a PostgreSQL database of its own. The sandbox
pushes each notification three times, shuffled, in bursts, and never again.
"""

import json
import os
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from demo.airflow_environment import StackPorts, StackSettings
from demo.airflow_stack import AirflowStack
from demo.processes import wait_until
from demo.receiver import CONNECTION_ID, StackReceiver
from demo.sandbox_process import SandboxProcess
from tests.integration.conftest import new_postgres_database, unreachable_database
from tests.integration.ground import NEVER, Ground
from tests.integration.waiting_send import REPEATS, WaitingSend

pytestmark = [pytest.mark.integration, pytest.mark.postgres]

PEOPLE = 1000
SOME = 400


@pytest.fixture(scope="module")
def receiver_database():
    with new_postgres_database() as url:
        yield url


@pytest.fixture(scope="module")
def ground(receiver_database, tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow-waits")
    ports = StackPorts.free()
    receiver = StackReceiver(ports)
    with ExitStack() as running:
        sandbox = running.enter_context(SandboxProcess(home, dict(os.environ), call_seconds=0.2))
        settings = StackSettings(
            home=home / "airflow",
            dags_folder=Path(__file__).parent / "waiting_dags",
            sql_alchemy_conn=running.enter_context(new_postgres_database()),
            connections={CONNECTION_ID: json.dumps(receiver.connection(sandbox))},
            variables={
                "AIRFLOW__INFORU__RECEIVER_ENABLED": "True",
                "AIRFLOW__INFORU__RECEIVER_DATABASE": receiver_database,
            },
        )
        yield Ground(running.enter_context(AirflowStack(settings, ports)), sandbox, receiver)


@pytest.fixture
def send(ground, receiver_database):
    """A send that waits, of whose calls none has reported."""
    ground.sandbox.reset()
    ground.sandbox.change_settings(
        # Spreads the calls, so that there are several bursts.
        latency=0.2,
        notification_url=ground.receiver.push_url,
        notification_delay=NEVER,
        notification_repeat=REPEATS,
        notification_reorder=True,
        notification_burst_seconds=0.5,
    )
    send = WaitingSend(ground, receiver_database)
    assert len(send.calls()) == PEOPLE
    return send


@contextmanager
def without(airflow, component):
    """Stop a component, and start it again whatever happens."""
    airflow.stop_component(component)
    try:
        yield
    finally:
        airflow.start_component(component)


def assert_waits_without_a_slot(send):
    assert wait_until(lambda: send.slots() == {"deferred": 1, "running": 0, "queued": 0, "scheduled": 0})
    assert send.is_deferred()


def assert_has_heard(send, calls):
    assert send.receiver.summary(send.send_id)["calls"] == calls


def test_a_send_waits_without_a_slot_and_ends_with_what_the_sandbox_recorded(send):
    assert_waits_without_a_slot(send)
    send.report_some(SOME)
    assert_has_heard(send, SOME)
    assert_waits_without_a_slot(send)

    send.report_all()

    send.end()
    assert send.slots()["deferred"] == 0


def test_what_is_heard_while_the_triggerer_is_gone_ends_the_wait_once_when_it_is_back(ground, send):
    send.report_some(SOME)
    with without(ground.airflow, "triggerer"):
        send.report_all()
        assert wait_until(send.has_reported_all)
        assert_has_heard(send, PEOPLE)
        assert_waits_without_a_slot(send)

    send.end()


def test_an_api_server_that_goes_and_comes_back_loses_nothing_that_it_had_heard(ground, send):
    send.report_some(SOME)
    with without(ground.airflow, "api-server"):
        assert wait_until(send.looks_again)

    assert_waits_without_a_slot(send)
    assert_has_heard(send, SOME)
    send.report_all()

    send.end()


def test_while_the_receivers_database_is_away_pushes_are_refused_and_the_wait_goes_on(
    ground, send, receiver_database
):
    api_server = ground.airflow.component("api-server").log_path
    send.report_some(SOME)
    with unreachable_database(receiver_database):
        before = len(api_server.read_text())
        refused = send.push(PEOPLE)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
        assert "Nothing was stored" in refused.json()["detail"]
        assert send.receiver.get(f"sends/{send.send_id}").status_code == 503
        assert wait_until(send.looks_again)
        assert_waits_without_a_slot(send)
        assert "Traceback" not in api_server.read_text()[before:]

    assert_has_heard(send, SOME)
    send.report_all()

    send.end()
