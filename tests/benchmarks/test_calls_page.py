"""How long the page of calls takes on the server, through its routes. Prints; asserts only the queries."""

import datetime as dt
import statistics
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from airflow import settings
from airflow.api_fastapi import app as airflow_app
from starlette.routing import Mount

from airflow_provider_inforu.calls_page import PREFIX
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.tables import calls
from airflow_provider_inforu.ui.addresses import send_address
from airflow_provider_inforu.ui.airflow_calls import AirflowCalls
from airflow_provider_inforu.ui.page_app import build_app
from airflow_provider_inforu.ui.received_outcomes import ReceivedOutcomes
from tests.airflow_database import airflow_on
from tests.integration.conftest import new_postgres_database
from tests.unit.ui.conftest import Site
from tests.unit.ui.conftest import airflow_apps as airflow_apps
from tests.unit.ui.stored_sends import clear_airflow, store_sends

SENDS, OUTCOMES, BIG, ROUNDS = 10_000, 1_000_000, 100_000, 5
IN_DOUBT, KILLED, OTHER_CONNECTION = 50, 50, 400
OTHER_XCOMS = 20
"""The task of each send has so many more."""
STATUSES = ("Answered", "Answered", "NoAnswer", "Busy")
START = dt.datetime(2026, 11, 29, 9, tzinfo=dt.UTC)
MOST_QUERIES = 10
"""Of one page, Airflow's own included."""


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path, airflow_apps):  # noqa: ARG001 - it makes the tables
    """The kind of the databases; gives the receiver's."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'receiver.db'}"
        if request.param == "postgres":
            stack.enter_context(airflow_on(stack.enter_context(new_postgres_database())))
            url = stack.enter_context(new_postgres_database())
        received = open_database(url, "the benchmark")
        yield received
        received.close()


@pytest.fixture
def client(database, airflow_apps, monkeypatch):
    airflow = airflow_apps("", monkeypatch)
    silent = SimpleNamespace(info=lambda *_, **__: None)
    monkeypatch.setattr("airflow.api_fastapi.common.http_access_log.logger", silent)
    mount = Mount(PREFIX, build_app(AirflowCalls(ReceivedOutcomes(database, None), "")))
    airflow.router.routes.insert(0, mount)
    monkeypatch.setattr(airflow_app.get_auth_manager(), "get_authorized_dag_ids", lambda **_: {"a", "b"})
    yield Site(airflow, None, "").client("admin")
    airflow.router.routes.remove(mount)


@pytest.fixture
def queries(database):
    """Every statement that ran on either database."""
    ran = []
    engines = (settings.engine, database.engine)

    def note(*given):
        ran.append(given[2])

    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    yield ran
    for engine in engines:
        sa.event.remove(engine, "before_cursor_execute", note)


def store_outcomes(database, send_ids, each):
    """Store outcomes of sends, as pushes that come over two hours leave them."""
    step = dt.timedelta(hours=2) / each
    for first in range(0, len(send_ids), 100):
        rows = [
            {
                "conn_id": "inforu_default",
                "send_id": send_id,
                "key": f"k-{number}",
                "rank": "",
                "received_at": START + step * number,
                "ended_at": START + step * number,
                "status": STATUSES[number % len(STATUSES)],
                "seconds": 30,
                "digit": "1" if number % 4 == 0 else None,
            }
            for send_id in send_ids[first : first + 100]
            for number in range(each)
        ]
        with database.writing() as connection:
            connection.execute(sa.insert(calls), rows)


def store_other_xcoms():
    copy = """
        INSERT INTO xcom (key, dag_run_id, task_id, map_index, dag_id, run_id, value, timestamp)
        SELECT :key, dag_run_id, task_id, map_index, dag_id, run_id, value, timestamp
        FROM xcom WHERE key = 'inforu_send'
    """
    with settings.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        for number in range(OTHER_XCOMS):
            connection.execute(sa.text(copy), {"key": f"other_{number}"})
        connection.commit()


def test_the_page_with_ten_thousand_sends_and_a_million_outcomes(client, database, queries):
    clear_airflow()
    killed = store_sends(["a"] * KILLED)
    doubtful = store_sends(["a"] * IN_DOUBT, counts={"accepted": 250, "in_doubt": 100})
    store_sends(["a"] * OTHER_CONNECTION, conn_id="other", counts={"accepted": 350})
    rest = SENDS - KILLED - IN_DOUBT - OTHER_CONNECTION
    ended = store_sends(["a"] * rest, state="success", counts={"accepted": 350})
    ((big, big_id),) = store_sends(["b"], state="success", counts={"accepted": 350})
    store_outcomes(database, [send_id for _, send_id in [*killed, *doubtful, *ended]], OUTCOMES // SENDS)
    store_outcomes(database, [big_id], BIG)
    store_other_xcoms()
    for engine in (settings.engine, database.engine):
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("ANALYZE")

    first = f"{PREFIX}/"
    pages = {
        "list: first page": first,
        "list: last page": f"{first}?page={SENDS // 25}",
        "list: one connection": f"{first}?connection=other",
        "list: one DAG, last day": f"{first}?dag=a&days=1",
        "list: needs a person": f"{first}?needs_person=true",
        "send: 100 outcomes": send_address(ended[0][0]),
        "send: 100 outcomes, one status": send_address(ended[0][0], status="Busy"),
        "send: people in doubt": send_address(doubtful[0][0]),
        f"send: {BIG:,} outcomes": send_address(big),
        f"send: {BIG:,} outcomes, one status": send_address(big, status="Busy"),
    }
    print(f"\n| page on {database.engine.dialect.name} | median of {ROUNDS} (ms) | slowest (ms) | queries |")
    print("|---|---|---|---|")
    for name, address in pages.items():
        times = []
        client.get(address)
        for _ in range(ROUNDS):
            queries.clear()
            began = time.perf_counter()
            answer = client.get(address)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200
        print(f"| {name} | {statistics.median(times):.0f} | {max(times):.0f} | {len(queries)} |", flush=True)
        assert len(queries) <= MOST_QUERIES
    assert f"{IN_DOUBT + KILLED} sends" in client.get(pages["list: needs a person"]).text
