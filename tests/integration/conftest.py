"""One Airflow for each database, shared by all tests of the session."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy
from sqlalchemy.engine import make_url

from airflow_provider_inforu.capi.time_zone import ISRAEL
from demo.airflow_environment import StackPorts, StackSettings
from demo.airflow_stack import AirflowStack
from demo.invoices import connection_of_invoices
from demo.receiver import CONNECTION_ID, VARIABLES, StackReceiver
from demo.sandbox_process import SandboxProcess
from tests.integration.ground import Ground, skip_unless_required

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_POSTGRES = "postgresql+psycopg2://postgres@127.0.0.1:5432/postgres"


def _scope_of_ground(fixture_name: str, config: pytest.Config) -> str:  # noqa: ARG001 - pytest gives both
    """Return "function" where one test of a real Airflow is selected: it stops after the test then."""
    return "function" if str(config.getoption("markexpr")).startswith("not long and") else "session"


@pytest.fixture(
    scope=_scope_of_ground,
    params=[pytest.param("postgres", marks=pytest.mark.postgres)],
)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A healthy Airflow on this database, with the example DAGs and those of the tests.

    Sends run on PostgreSQL. What does not depend on the database runs on SQLite at the same time.
    """
    home = tmp_path_factory.mktemp(f"airflow-{request.param}")
    with ExitStack() as running:
        database = running.enter_context(new_postgres_database()) if request.param == "postgres" else None
        sandbox = running.enter_context(SandboxProcess(home, dict(os.environ), call_seconds=0.2))
        ports = StackPorts.free()
        receiver = StackReceiver(ports)
        settings = StackSettings(
            home=home / "airflow",
            dags_folder=copy_dags(home / "dags"),
            sql_alchemy_conn=database,
            connections={
                CONNECTION_ID: json.dumps(receiver.connection(sandbox)),
                **connection_of_invoices(home),
            },
            # Files do not change here, and to read them twice a minute slows the tasks. It makes watchers
            # start late; none of these tests waits for one.
            variables={**VARIABLES, "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600"},
        )
        yield Ground(running.enter_context(AirflowStack(settings, ports)), sandbox, receiver)


@pytest.fixture
def fresh_ground(ground: Ground) -> Ground:
    """The same Airflow, with a sandbox that remembers nothing."""
    ground.sandbox.reset()
    ground.sandbox.change_settings(notification_url=ground.receiver.push_url)
    return ground


def copy_dags(folder: Path) -> Path:
    """Put the example DAGs and the DAGs of the tests into one folder."""
    shutil.copytree(PROJECT / "example_dags", folder)
    shutil.copytree(Path(__file__).parent / "dags", folder, dirs_exist_ok=True)
    # The example leaves people in peace at night, and the tests run at night too.
    alerts, hour = folder / "alerts.py", datetime.now(ZoneInfo(ISRAEL)).hour
    quiet = f'quiet_hours="{(hour + 10) % 24}:00-{(hour + 14) % 24}:00"'
    text, count = re.subn(r'quiet_hours="[^"]+"', quiet, alerts.read_text("utf-8"))
    assert count == 1
    alerts.write_text(text, "utf-8")
    return folder


@contextmanager
def new_postgres_database() -> Iterator[str]:
    """Make a PostgreSQL database of our own, give its URL, and drop it at the end."""
    name = f"inforu_test_{secrets.token_hex(6)}"
    with postgres_server() as engine:
        try:
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
        except sqlalchemy.exc.OperationalError as error:
            skip_unless_required("postgres", f"no PostgreSQL at {engine.url.host}: {error.orig}")
        try:
            yield engine.url.set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def unreachable_database(url: str) -> Iterator[None]:
    """Let a PostgreSQL database end its connections and refuse new ones."""
    name = make_url(url).database
    with postgres_server() as engine, engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        end = sqlalchemy.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
        try:
            connection.execute(end, {"name": name})
            yield
        finally:
            connection.execute(sqlalchemy.text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))


@contextmanager
def postgres_server() -> Iterator[sqlalchemy.Engine]:
    """Give what runs statements on the server; each is a transaction of its own."""
    engine = sqlalchemy.create_engine(
        os.environ.get("INFORU_TEST_POSTGRES", DEFAULT_POSTGRES),
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": 5},
    )
    try:
        yield engine
    finally:
        engine.dispose()
