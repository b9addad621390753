"""The page in Airflow's own application, with its auth manager and its database, and made-up sends."""

from dataclasses import replace

import pytest
from airflow.api_fastapi import app as airflow_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi.testclient import TestClient
from starlette.routing import Mount

from airflow_provider_inforu.calls_page import PREFIX
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.ui.airflow_calls import AirflowCalls
from airflow_provider_inforu.ui.page_app import build_app
from airflow_provider_inforu.ui.received_outcomes import ReceivedOutcomes
from demo.sample_calls import make_sample_calls
from tests.unit.ui.stored_sends import clear_airflow

READABLE, FOREIGN = "overdue_invoices", "appointment_reminders"


@pytest.fixture(scope="session")
def airflow_apps():
    """Return Airflow's application by its base path, each made once: making one takes seconds."""
    from airflow.utils.db import initdb

    initdb()
    made = {}

    def make(base, patch):
        patch.setenv("AIRFLOW__API__BASE_URL", f"http://testserver{base}/")
        patch.setattr(airflow_app, "API_ROOT_PATH", f"{base}/")
        if base not in made:
            airflow_app.purge_cached_app()
            made[base] = airflow_app.create_app(apps="core")
        return made[base]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a-secret-of-the-tests-" * 4)
        yield make
    airflow_app.purge_cached_app()


@pytest.fixture
def calls():
    return make_sample_calls()


@pytest.fixture(params=["", "/airflow"], ids=["root", "sub-path"])
def site(request, calls, airflow_apps, monkeypatch):
    """Airflow's application with the page, at the root or below a path."""
    airflow = airflow_apps(request.param, monkeypatch)
    mount = Mount(PREFIX, build_app(calls))
    airflow.router.routes.insert(0, mount)
    yield Site(airflow, calls, request.param)
    airflow.router.routes.remove(mount)


class Site:
    """The application, the sends, and clients of every kind."""

    def __init__(self, airflow, calls, base):
        self.airflow, self.calls, self.base = airflow, calls, base

    def client(self, role=None, way="cookie", *, lifetime=600):
        """Return a client: role None is nobody; way is cookie or bearer."""
        client = TestClient(self.airflow, follow_redirects=False)
        client.headers["accept"] = "text/html"
        if role is None:
            return client
        user = SimpleAuthManagerUser(username=f"a-{role}", role=role)
        token = airflow_app.get_auth_manager().generate_jwt(user, expiration_time_in_seconds=lifetime)
        if way == "cookie":
            client.cookies.set("_token", token)
        else:
            client.headers["authorization"] = f"Bearer {token}"
        return client

    @property
    def list(self):
        return f"{self.base}{PREFIX}/"

    def task(self, dag_id=READABLE):
        return next(task for task in self.calls.sends if task.dag_id == dag_id)

    def send(self, dag_id=READABLE, page="send", **names):
        from airflow_provider_inforu.ui.addresses import send_address

        return send_address(replace(self.task(dag_id), **names), page)


@pytest.fixture
def only_one_dag(every_dag, monkeypatch):  # noqa: ARG001 - it replaces the other
    """Let every user read and edit READABLE only."""
    manager = airflow_app.get_auth_manager()
    allowed = type(manager).is_authorized_dag

    def is_authorized_dag(*, details=None, **rest):
        return (details is None or details.id == READABLE) and allowed(manager, details=details, **rest)

    monkeypatch.setattr(manager, "is_authorized_dag", is_authorized_dag)
    monkeypatch.setattr(manager, "get_authorized_dag_ids", lambda **_: {READABLE})


@pytest.fixture
def every_dag(site, monkeypatch):
    """Let the DAGs of the made-up sends exist."""
    ids = {task.dag_id for task in site.calls.sends}
    monkeypatch.setattr(airflow_app.get_auth_manager(), "get_authorized_dag_ids", lambda **_: ids)


@pytest.fixture
def received(tmp_path):
    return open_database(f"sqlite:///{tmp_path / 'receiver.db'}", "the test")


@pytest.fixture
def airflow(airflow_apps, received):  # noqa: ARG001 - it makes the tables
    """The sends of an Airflow with empty tables."""
    clear_airflow()
    return AirflowCalls(ReceivedOutcomes(received, None), "")
