"""How fast a send is beside what one would write without us, on a real Airflow. Prints, asserts no time."""

import datetime as dt
import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.airflow_environment import StackSettings
from demo.airflow_stack import AirflowStack
from demo.sandbox_process import SandboxProcess
from tests.integration.conftest import new_postgres_database

LATENCY_SECONDS = 0.2
POLL_SECONDS = 5.0
"""Seldom: to look takes as much of the API server as some writes of the ledger."""
# What keeps the machine busy for a while after it has ended comes last.
WAYS = {
    "loop": "one `requests.Session` in a loop",
    "thread_pool": "32 bare threads, no ledger, no limit",
    "ours_no_limit": "our operator, 32 in flight, ledger, no limit",
    "ours_default_rate": "our operator, ledger, at 30 a second",
    "mapped_http_operators": "mapped HttpOperator tasks",
}


def arrivals(sandbox):
    return sorted(dt.datetime.fromisoformat(one["time"]).timestamp() for one in sandbox.requests())


def most_in_a_second(times):
    return max(sum(start <= one < start + 1 for one in times) for start in times)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_send_rates_beside_what_one_would_write(tmp_path, database):
    with ExitStack() as running:
        url = running.enter_context(new_postgres_database()) if database == "postgres" else None
        sandbox = running.enter_context(SandboxProcess(tmp_path, dict(os.environ), call_seconds=0.2))
        check_and_measure(tmp_path, sandbox, url, database)


def check_and_measure(folder, sandbox, database_url, database):
    http = {**sandbox.connection(), "conn_type": "http"}
    settings = StackSettings(
        home=folder / "airflow",
        dags_folder=Path(__file__).parent / "dags",
        sql_alchemy_conn=database_url,
        connections={
            "inforu_default": json.dumps(sandbox.connection()),
            "inforu_no_limit": json.dumps(sandbox.connection(requests_per_second=0)),
            "sandbox_http": json.dumps(http),
        },
    )
    print(
        f"\n| on {database}, 200 ms latency | requests | requests/s | most in one second |\n|---|---|---|---|"
    )
    with AirflowStack(settings) as airflow:
        for dag_id, words in WAYS.items():
            airflow.api.wait_for_dag(dag_id, 60)
            sandbox.reset()
            sandbox.change_settings(latency=LATENCY_SECONDS, requests_per_second=0)
            airflow.api.unpause(dag_id)
            run_id = airflow.api.trigger(dag_id)
            assert airflow.api.wait_for_run(dag_id, run_id, 300, poll_seconds=POLL_SECONDS) == "success"
            times = arrivals(sandbox)
            rate = (len(times) - 1) / (times[-1] - times[0])
            print(f"| {words} | {len(times)} | {rate:.1f} | {most_in_a_second(times)} |", flush=True)
        print(
            f"One write of 2 KB into the task state, with nothing else going on: {write_ms(airflow):.1f} ms"
        )


def write_ms(airflow):
    """Return the median of what a write of the ledger's size takes."""
    airflow.api.wait_for_dag("state_writes", 60)
    airflow.api.unpause("state_writes")
    run_id = airflow.api.trigger("state_writes")
    assert airflow.api.wait_for_run("state_writes", run_id, 60) == "success"
    return airflow.api.xcom("state_writes", run_id, "write")
