"""How fast a send is beside what one would write without us, on a real Airflow. Prints, asserts no time."""

import datetime as dt
import json
import os
import statistics
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from demo.airflow_environment import StackSettings
from demo.airflow_stack import AirflowStack
from demo.sandbox_process import SandboxProcess
from tests.integration.conftest import new_postgres_database, postgres_server

LATENCY_SECONDS, WIDTH = 0.2, 32
POLL_SECONDS = 5.0
"""Seldom: to look takes as much of the API server as some writes of the ledger."""
WORDS = {
    "loop": "one `requests.Session` in a loop",
    "thread_pool": "32 bare threads, no ledger, no limit",
    "ours_no_limit": "our operator, 32 in flight, ledger, no limit",
    "ours_default_rate": "our operator, ledger, at 30 a second",
    "mapped_http_operators": "mapped HttpOperator tasks",
}
# What keeps the machine busy for a while after it has ended comes last.
RUNS = ["loop", *["thread_pool", "ours_no_limit"] * 3, "ours_default_rate", "mapped_http_operators"]
SLOWER_MICROSECONDS = 3000
LATENCIES = [0.05, 0.2, 1, 2, 4]
START_SECONDS = 2


def arrivals(sandbox):
    return sorted(dt.datetime.fromisoformat(one["time"]).timestamp() for one in sandbox.requests())


def requests_per_second(times):
    """Return the rate over whole rounds of as many requests as are in flight.

    Bare threads begin together, and their requests go on to arrive in bunches. From the first of a bunch to
    the last of another it is nearly a round less than these requests take.
    """
    last = (len(times) - 1) // WIDTH * WIDTH or len(times) - 1
    return last / (times[last] - times[0])


def longest_gap(times):
    """Return the longest time in which no request arrived.

    Between the bunches of bare threads it is most of a round; of ours it shows where the store paused.
    """
    return max(after - before for before, after in pairwise(times))


def most_in_a_second(times):
    return max(sum(start <= one < start + 1 for one in times) for start in times)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("database", ["sqlite", "postgres", "postgres whose commits are slower"])
def test_send_rates_beside_what_one_would_write(tmp_path, database):
    with ExitStack() as running:
        url = None if database == "sqlite" else running.enter_context(new_postgres_database())
        if "slower" in database:
            slow_down_commits(url)
        sandbox = running.enter_context(SandboxProcess(tmp_path, dict(os.environ), call_seconds=0.2))
        check_and_measure(tmp_path, sandbox, url, database)


@pytest.mark.timeout(900)
def test_the_default_rate_is_reached_at_any_latency(tmp_path):
    print("\n| latency, s | requests | steady requests/s | most that left in one second | that arrived |")
    print("|---|---|---|---|---|")
    with SandboxProcess(tmp_path, dict(os.environ), call_seconds=0.2) as sandbox:
        connection = json.dumps(sandbox.connection())
        settings = StackSettings(
            home=tmp_path / "airflow",
            dags_folder=Path(__file__).parent / "dags",
            connections={"inforu_default": connection},
            variables={"BENCHMARK_BATCHES": "600"},
        )
        with AirflowStack(settings) as airflow:
            for latency in LATENCIES:
                run_id, times = send(airflow, sandbox, "ours_default_rate", latency)
                left = most_in_a_second(airflow.api.xcom("ours_default_rate", run_id, "send", "left"))
                steady = [one for one in times if one > times[0] + START_SECONDS + 2 * latency]
                rate = (len(steady) - 1) / (steady[-1] - steady[0])
                print(
                    f"| {latency} | {len(times)} | {rate:.1f} | {left} | {most_in_a_second(times)} |",
                    flush=True,
                )
                assert len(times) == 600


def slow_down_commits(url):
    """Let each commit in a PostgreSQL database take longer, as it does on a slower disk."""
    name = make_url(url).database
    with postgres_server() as engine, engine.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET commit_delay = {SLOWER_MICROSECONDS}"))
        connection.execute(text(f"ALTER DATABASE {name} SET commit_siblings = 0"))


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
        f"\n| on {database}, 200 ms latency | requests | requests/s "
        "| most in one second | longest gap, ms | a write, ms |"
        "\n|---|---|---|---|---|---|"
    )
    rates = {dag_id: [] for dag_id in WORDS}
    with AirflowStack(settings) as airflow:
        for dag_id in RUNS:
            rates[dag_id].append(measure(airflow, sandbox, dag_id))
        print(
            f"A write of 2 KB into the task state when nothing else goes on: {idle_write_ms(airflow):.1f} ms"
        )
    peer = statistics.mean(rates["thread_pool"])
    shares = ", ".join(f"{rate / peer:.3f}" for rate in rates["ours_no_limit"])
    print(f"Ours without a limit, as a share of the mean of the bare threads: {shares}")


def measure(airflow, sandbox, dag_id):
    """Run a DAG, print what arrived, and return how many requests in a second."""
    run_id, times = send(airflow, sandbox, dag_id, LATENCY_SECONDS)
    rate = requests_per_second(times)
    write = f"{airflow.api.xcom(dag_id, run_id, 'send', 'write_ms'):.1f}" if "ours" in dag_id else ""
    most, gap = most_in_a_second(times), longest_gap(times) * 1000
    print(f"| {WORDS[dag_id]} | {len(times)} | {rate:.1f} | {most} | {gap:.0f} | {write} |", flush=True)
    return rate


def send(airflow, sandbox, dag_id, latency):
    """Run a DAG; return the run's id, and when its requests arrived."""
    airflow.api.wait_for_dag(dag_id)
    sandbox.reset()
    sandbox.change_settings(latency=latency, requests_per_second=0)
    airflow.api.unpause(dag_id)
    run_id = airflow.api.trigger(dag_id)
    assert airflow.api.wait_for_run(dag_id, run_id, poll_seconds=POLL_SECONDS) == "success"
    return run_id, arrivals(sandbox)


def idle_write_ms(airflow):
    """Return the median of what a write of the ledger's size takes."""
    airflow.api.wait_for_dag("state_writes")
    airflow.api.unpause("state_writes")
    run_id = airflow.api.trigger("state_writes")
    assert airflow.api.wait_for_run("state_writes", run_id) == "success"
    return airflow.api.xcom("state_writes", run_id, "write")
