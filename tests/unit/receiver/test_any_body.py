"""The receiver answers and keeps any body, and shows no 5xx: 10,000 bodies in the long form."""

import asyncio
import json

import httpx
import pytest
import schemathesis
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error

from airflow_provider_inforu.receiver import create_app
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings
from airflow_provider_inforu.receiver.tables import notifications, unrecognized
from tests.receiver import CONN_ID, CREDENTIALS, SECRET, end_of_call

SEND = "0123456789abcdef"
PUSH = f"/inforu/v1/{CONN_ID}/notifications"
CONTENT_TYPES = ["application/json", "application/x-www-form-urlencoded; charset=utf-8", "text/xml", ""]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
dates = st.datetimes().map(lambda date: date.isoformat(" ")) | st.sampled_from(["", "2026-03-27 02:30:00"])
field_values = st.none() | st.integers() | st.floats() | st.text(max_size=300) | dates | json_values
items = st.dictionaries(st.sampled_from([*end_of_call(), "channel", "Message"]), field_values).map(
    lambda changes: {**end_of_call(f"{SEND}-1"), **changes}
)
envelopes = st.lists(items | json_values, max_size=5).map(lambda some: {"CustomerId": 2, "Data": some})


@st.composite
def damaged(draw):
    """Give a good body of which a piece is missing or different."""
    body = json.dumps([end_of_call(f"{SEND}-{number}") for number in range(3)]).encode()
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, len(body)))
    return body[:start] + draw(st.binary(max_size=8)) + body[end:]


class InProcess:
    """The application without a server, on one event loop."""

    def __init__(self, url):
        self.database = open_database(url)
        # How durable it is, is tested elsewhere.
        sa.event.listen(self.database.engine, "checkout", lambda connection, *_: self._hurry(connection))
        self.app = create_app(ReceiverSettings(database=self.database, credentials_of=lambda _: CREDENTIALS))
        self._loop = asyncio.new_event_loop()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://receiver", timeout=60
        )

    def _hurry(self, connection):
        cursor = connection.cursor()
        cursor.execute(
            "PRAGMA synchronous = OFF"
            if self.database.engine.dialect.name == "sqlite"
            else "SET synchronous_commit = off"
        )
        cursor.close()

    def push(self, body, content_type):
        request = self._client.post(
            PUSH, params={"secret": SECRET}, content=body, headers={"Content-Type": content_type}
        )
        return self._loop.run_until_complete(request)

    def get(self, path):
        headers = {"Authorization": f"Bearer {SECRET}"}
        return self._loop.run_until_complete(self._client.get(path, headers=headers))

    def request(self, method, path, headers, body):
        request = self._client.request(method, f"http://receiver{path}", headers=headers, content=body)
        return self._loop.run_until_complete(request)

    def count(self):
        with self.database.reading() as connection:
            return sum(
                connection.scalar(sa.select(sa.func.count()).select_from(table))
                for table in (notifications, unrecognized)
            )

    def close(self):
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()
        self.database.close()


@pytest.fixture
def in_process(database_url):
    running = InProcess(database_url)
    yield running
    running.close()


def everything_is_answered(running, bodies, examples):
    counted = 0

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(bodies, st.sampled_from(CONTENT_TYPES))
    def run(body, content_type):
        nonlocal counted
        answer = running.push(body, content_type)
        assert answer.status_code == 200, answer.text
        counted += answer.json()["stored"] + answer.json()["unrecognized"]

    run()
    # What was said to be stored is there, and can be read.
    assert running.count() == counted
    after, total = "", 0
    while True:
        page = running.get(f"{PUSH}{after}").json()
        if not page["notifications"]:
            break
        total += len(page["notifications"])
        after = f"?after={page['next']}"
    assert total <= counted
    assert running.get(f"/inforu/v1/{CONN_ID}/sends/{SEND}").status_code == 200
    assert running.get(f"/inforu/v1/{CONN_ID}/sends/{SEND}/calls").status_code == 200


SQLITE_ONLY = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EXAMPLES = pytest.mark.parametrize("examples", [100, pytest.param(2500, marks=pytest.mark.long)])


@SQLITE_ONLY
@EXAMPLES
def test_any_bytes_are_answered(in_process, examples):
    everything_is_answered(in_process, st.binary(max_size=300), examples)


@SQLITE_ONLY
@EXAMPLES
def test_any_json_is_answered(in_process, examples):
    everything_is_answered(in_process, json_values.map(lambda value: json.dumps(value).encode()), examples)


@SQLITE_ONLY
@EXAMPLES
def test_damaged_bodies_are_answered(in_process, examples):
    everything_is_answered(in_process, damaged(), examples)


@SQLITE_ONLY
@EXAMPLES
def test_lists_with_items_of_any_kind_are_answered(in_process, examples):
    everything_is_answered(in_process, envelopes.map(lambda value: json.dumps(value).encode()), examples)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("examples", [50, pytest.param(500, marks=pytest.mark.long)])
def test_postgresql_takes_lists_with_items_of_any_kind_too(in_process, examples):
    everything_is_answered(in_process, envelopes.map(lambda value: json.dumps(value).encode()), examples)


@SQLITE_ONLY
@pytest.mark.long
@pytest.mark.parametrize("secret", [SECRET, "wrong"])
@pytest.mark.parametrize("examples", [5, pytest.param(60, marks=pytest.mark.long)])
def test_no_request_that_schemathesis_finds_breaks_the_receiver(in_process, secret, examples):
    api = schemathesis.openapi.from_dict(in_process.app.openapi())
    api.app = in_process.app

    tried = 0
    for operation in api.get_all_operations():
        tried += 1

        @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
        @given(operation.ok().as_strategy())
        def any_request(case):
            answer = case.call(headers={"Authorization": f"Bearer {secret}"})
            case.validate_response(answer, checks=[not_a_server_error])
            assert answer.status_code < 500

        any_request()
    assert tried == 5
