"""The receiver in a real API server, and what `airflow db` makes of its tables."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests
import sqlalchemy as sa

from airflow_provider_inforu.receiver.tables import VERSION_TABLE, metadata
from demo.airflow_environment import StackPorts, StackSettings, stack_environment
from demo.processes import PATIENCE_SECONDS, Service, stop_services
from tests.integration.conftest import new_postgres_database
from tests.receiver import Receiver, end_of_call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

SEND = "0123456789abcdef"
SECRET = "secret-in-the-address"
MANAGER = "airflow_provider_inforu.receiver.db_manager.InforuDBManager"
OUR_TABLES = {*metadata.tables, VERSION_TABLE}


class ApiServer:
    """Airflow's API server alone, and its `airflow` commands."""

    def __init__(self, home: Path, database_url: str | None = None, **options: str) -> None:
        connection = {"conn_type": "inforu", "extra": {"notification_secret": SECRET}}
        self.settings = StackSettings(
            home=home,
            dags_folder=home / "dags",
            sql_alchemy_conn=database_url,
            connections={"inforu_default": json.dumps(connection)},
            variables=options,
        )
        self.ports = StackPorts.free()
        self.services: list[Service] = []
        home.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, *arguments: str, program: tuple[str, ...] = ("-m", "airflow")) -> str:
        """Run a command to its end, and return what it wrote."""
        service = self._service(name, program, *arguments)
        service.start()
        service.finish()
        return service.log_path.read_text()

    def start(self) -> None:
        """Start the API server, and return when it answers."""
        service = self._service("api-server", ("-m", "airflow"), "api-server")
        service.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            service.check_running()
            try:
                requests.get(f"{self.ports.api_url}/api/v2/monitor/health", timeout=20).raise_for_status()
            except requests.RequestException:
                assert time.monotonic() < deadline, service.log_tail()
                time.sleep(0.3)
            else:
                return

    @property
    def receiver(self) -> Receiver:
        """The words to talk to the receiver in it."""
        return Receiver(self.ports.api_url, None, secret=SECRET)

    def tables(self) -> set[str]:
        """Return the names of the tables in the metadata database."""
        engine = sa.create_engine(self.settings.database_url)
        names = set(sa.inspect(engine).get_table_names())
        engine.dispose()
        return names

    def logs(self) -> str:
        """Return all that was logged."""
        return "".join(path.read_text(errors="replace") for path in self.settings.home.rglob("*.log"))

    def _service(self, name: str, program: tuple[str, ...], *arguments: str) -> Service:
        service = Service(
            name,
            [sys.executable, *program, *arguments],
            log_path=self.settings.home / f"{name}.log",
            environment=stack_environment(self.settings, self.ports),
            folder=self.settings.home,
        )
        self.services.append(service)
        return service


@contextmanager
def airflow(home: Path, database_url: str | None = None, **options: str) -> Iterator[ApiServer]:
    """Give an Airflow whose database is made as the options say; stop it at the end."""
    server = ApiServer(home, database_url, **options)
    try:
        server.run("db-migrate", "db", "migrate")
        yield server
    finally:
        stop_services(server.services)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_api_server_receives_and_keeps_notifications_in_airflows_database(
    kind: str, tmp_path: Path
) -> None:
    options: dict[str, Any] = {
        "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": MANAGER,
        "AIRFLOW__INFORU__RECEIVER_ENABLED": "True",
        "AIRFLOW__API__WORKERS": "2" if kind == "postgres" else "1",
    }
    with ExitStack() as stack:
        url = stack.enter_context(new_postgres_database()) if kind == "postgres" else None
        server = stack.enter_context(airflow(tmp_path, url, **options))
        assert server.tables() >= OUR_TABLES
        server.run("check-migrations", "db", "check-migrations", "-t", "3")
        server.start()
        receiver = server.receiver
        items = [end_of_call(f"{SEND}-{number}") for number in range(150)]
        for _ in range(3):
            answers = [receiver.push(items[start : start + 100]) for start in (50, 0)]
            assert {answer.status_code for answer in answers} == {200}
        assert receiver.post(b"PhoneNumber=0500000001").json()["unrecognized"] == 1
        assert receiver.summary(SEND)["by_status"] == {"Answered": 150}
        feed = receiver.pages("notifications", "notifications", limit=40)
        assert len({one["key"] for one in feed}) == len(feed) == 150
        receiver.secret = "another-secret-of-all"
        assert receiver.push(items).status_code == 401
        receiver.conn_id = "nobody"
        assert receiver.push(items).status_code == 404
        # A connection that was made in the page works at once.
        body = {
            "connection_id": "nobody_yet",
            "conn_type": "inforu",
            "extra": json.dumps({"notification_secret": "another-secret-of-all"}),
        }
        made = requests.post(f"{server.ports.api_url}/api/v2/connections", json=body, timeout=60)
        assert made.status_code == 201, made.text
        receiver.conn_id = "nobody_yet"
        assert receiver.push(items).json()["stored"] == 150
        log = server.logs()
        assert "/inforu/v1/inforu_default/notifications" in log
        for hidden in (SECRET, "another-secret-of-all", "0500000001"):
            assert hidden not in log
        assert "Traceback" not in log


def test_without_the_option_nothing_is_mounted_and_no_table_asked_for(tmp_path: Path) -> None:
    with airflow(tmp_path) as server:
        assert server.tables() & OUR_TABLES == set()
        server.run("check-migrations", "db", "check-migrations", "-t", "3")
        server.start()
        receiver = server.receiver
        assert receiver.push([end_of_call(f"{SEND}-1")]).status_code in (404, 405)
        assert "by_status" not in receiver.get(f"sends/{SEND}").text
        assert server.tables() & OUR_TABLES == set()


def test_with_a_database_of_its_own_airflows_stays_as_it_is(tmp_path: Path) -> None:
    options = {
        "AIRFLOW__INFORU__RECEIVER_ENABLED": "True",
        "AIRFLOW__INFORU__RECEIVER_DATABASE": f"sqlite:///{tmp_path / 'receiver.db'}",
    }
    with airflow(tmp_path / "airflow", **options) as server:
        server.run("check-migrations", "db", "check-migrations", "-t", "3")
        server.start()
        assert server.receiver.push([end_of_call(f"{SEND}-1")]).json()["stored"] == 1
        assert server.receiver.summary(SEND)["calls"] == 1
        assert server.tables() & OUR_TABLES == set()
        output = server.run("prune", "inforu", "prune", "--older-than", "8")
        assert "inforu_notification: 0 rows" in output


STEPS = """
from airflow import settings
from sqlalchemy import inspect
from airflow_provider_inforu.receiver.db_manager import InforuDBManager as Manager

settings.initialize()
ours = set(Manager.metadata.tables)

def tables():
    return ours & set(inspect(settings.engine).get_table_names())

def manager():
    # Without the transaction of the step before, whose locks would keep tables from being dropped.
    settings.Session.remove()
    return Manager(settings.Session())

assert manager().check_migration()
manager().downgrade("base")
assert (tables(), manager().check_migration()) == (set(), False)
manager().upgradedb(use_migration_files=True)
assert (tables(), manager().check_migration()) == (ours, True)
manager().downgrade("base", from_revision="0001", show_sql_only=True)
assert tables() == ours
print("all steps done")
"""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_tables_go_back_and_forth_in_airflows_database(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(new_postgres_database()) if kind == "postgres" else None
        options = {"AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": MANAGER}
        server = stack.enter_context(airflow(tmp_path, url, **options))
        output = server.run("steps", STEPS, program=("-c",))
        assert "DROP TABLE inforu_call" in output
        assert "all steps done" in output
        server.run("reset", "db", "reset", "--yes")
        assert server.tables() >= OUR_TABLES
