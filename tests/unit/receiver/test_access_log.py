"""The secret of a push stays out of access logs, whenever they look at the request."""

import logging

import anyio
import httpx
import pytest
from fastapi import FastAPI
from uvicorn.logging import AccessFormatter

from airflow_provider_inforu.receiver import create_app
from airflow_provider_inforu.receiver.access_log import ACCESS_LOGGER, hide_queries
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings
from tests.receiver import CONN_ID, CREDENTIALS, SECRET


class LogAfterwards:
    """Notes the query of a request after its answer, as the access log of Airflow 3.2 does."""

    def __init__(self, app, seen):
        self._app = app
        self._seen = seen

    async def __call__(self, scope, receive, send):
        try:
            await self._app(scope, receive, send)
        finally:
            self._seen.append(scope.get("query_string"))


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"v1/{CONN_ID}/notifications", 200), ("v1/mistyped", 404), (f"v1/{CONN_ID}/notifications/", 404)],
)
def test_who_looks_at_a_request_after_its_answer_sees_no_secret(tmp_path, path, status):
    database = open_database(f"sqlite:///{tmp_path / 'receiver.db'}")
    server = FastAPI()
    settings = ReceiverSettings(database=database, credentials_of=lambda _: CREDENTIALS, prefix="")
    server.mount("/inforu", create_app(settings))
    seen = []

    async def push():
        transport = httpx.ASGITransport(LogAfterwards(server, seen))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return await client.post(f"/inforu/{path}?secret={SECRET}", json={"Data": []})

    answer = anyio.run(push)
    database.close()
    assert answer.status_code == status
    assert seen == [b"***"]


def written(path, monkeypatch):
    """Return what uvicorn writes of a request for this path."""
    lines = []
    handler = logging.Handler()
    formatter = AccessFormatter('%(client_addr)s "%(request_line)s" %(status_code)s', use_colors=False)
    handler.emit = lambda record: lines.append(formatter.format(record))
    logger = logging.getLogger(ACCESS_LOGGER)
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    # What an earlier test found out about levels is remembered there.
    monkeypatch.setattr(logger, "_cache", {})
    monkeypatch.setattr(logger, "filters", [])
    hide_queries("/inforu")
    hide_queries("/inforu")
    assert len(logger.filters) == 1
    logger.info('%s - "%s %s HTTP/%s" %d', "192.0.2.1:5", "POST", path, "1.1", 200)
    (line,) = lines
    return line


def test_no_query_reaches_uvicorns_access_log(monkeypatch):
    line = written("/inforu/v1/c/notifications?secret=soda&x=a?b", monkeypatch)
    assert "POST /inforu/v1/c/notifications?*** HTTP/1.1" in line
    assert "soda" not in line


def test_the_queries_of_others_are_written_but_for_a_secret_at_a_mistyped_address(monkeypatch):
    assert "/api/v2/dags?limit=5 HTTP" in written("/api/v2/dags?limit=5", monkeypatch)
    assert "/airflow/inforu/v1/c/x?*** HTTP" in written("/airflow/inforu/v1/c/x?limit=5", monkeypatch)
    assert "soda" not in written("/infrou/v1/c/notifications?secret=soda", monkeypatch)


def test_a_path_without_a_query_is_written_as_it_is(monkeypatch):
    assert "POST /inforu/v1/c/notifications HTTP/1.1" in written("/inforu/v1/c/notifications", monkeypatch)
