import asyncio
import threading
from functools import partial

import httpx
import pytest

from airflow_provider_inforu.receiver import create_app, lookups
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings, parse_networks
from airflow_provider_inforu.receiver.secrets import SecretCache, UnknownConnectionError
from tests.receiver import CONN_ID, CREDENTIALS, SECRET, end_of_call

PUSH = f"/inforu/v1/{CONN_ID}/notifications"


def push_from(address, tmp_path, *networks, method="POST"):
    """Send a request that comes from this address, which no socket on this machine can have."""
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    app = create_app(
        ReceiverSettings(
            database=database,
            credentials_of=lambda _: CREDENTIALS,
            allowed_addresses=parse_networks(networks, "receiver_allowed_addresses"),
        )
    )

    async def send():
        transport = httpx.ASGITransport(app, client=address and (address, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return await client.request(
                method,
                PUSH,
                headers={"Authorization": f"Bearer {SECRET}"},
                **({"json": [end_of_call()]} if method == "POST" else {}),
            )

    answer = asyncio.run(send())
    database.close()
    return answer


@pytest.mark.parametrize("address", ["192.0.2.9", "2001:db8::1", "::ffff:192.0.2.9"])
def test_a_push_from_an_allowed_address_is_taken(tmp_path, address):
    assert push_from(address, tmp_path, "192.0.2.0/24", "2001:db8::1").status_code == 200


@pytest.mark.parametrize("address", ["192.0.3.9", "2001:db8::2", "::ffff:192.0.3.9", "testclient", None])
def test_a_push_from_elsewhere_is_refused_and_logged(tmp_path, address, caplog):
    answer = push_from(address, tmp_path, "192.0.2.0/24", "2001:db8::1")
    assert answer.status_code == 403
    assert "receiver_allowed_addresses" in caplog.text
    assert SECRET not in caplog.text


def test_an_address_that_was_made_up_is_logged_short_and_printable(tmp_path, caplog):
    assert push_from("\x1b[31mevil" + "x" * 3000, tmp_path, "192.0.2.0/24").status_code == 403
    (message,) = (one.getMessage() for one in caplog.records if "Refused a push" in one.getMessage())
    assert message.isprintable()
    assert "evil" in message
    assert len(message) < 250


def test_reading_is_not_restricted_by_address(tmp_path):
    assert push_from("198.51.100.1", tmp_path, "192.0.2.0/24", method="GET").status_code == 200


def test_without_a_list_all_addresses_may_push(tmp_path):
    assert push_from("198.51.100.1", tmp_path).status_code == 200


def ask(app, *paths, address="192.0.2.9"):
    """Return coroutines that read these paths and return the answers' codes."""

    async def read(path):
        transport = httpx.ASGITransport(app, client=(address, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver", timeout=60) as client:
            return (await client.get(path, headers={"Authorization": f"Bearer {SECRET}"})).status_code

    return [read(path) for path in paths]


def test_strangers_do_not_delay_a_connection_that_is_known(tmp_path, monkeypatch):
    # Nothing is remembered, so that the known connection is looked up again.
    monkeypatch.setattr(lookups, "SecretCache", partial(SecretCache, seconds=0.0))
    held, taken = threading.Event(), threading.Semaphore(0)

    def credentials_of(name):
        if name == CONN_ID:
            return CREDENTIALS
        taken.release()
        held.wait(60)
        raise UnknownConnectionError(name)

    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    app = create_app(ReceiverSettings(database=database, credentials_of=credentials_of))

    async def story():
        (first,) = ask(app, PUSH)
        assert await first == 200
        paths = [f"/inforu/v1/stranger{number}/notifications" for number in range(9)]
        strangers = [asyncio.create_task(one) for one in ask(app, *paths)]
        for _ in range(2):  # the threads of strangers are taken
            assert await asyncio.to_thread(taken.acquire, timeout=30)
        (again,) = ask(app, PUSH)
        try:
            assert await asyncio.wait_for(again, 30) == 200
            assert not any(stranger.done() for stranger in strangers)
        finally:
            held.set()
        return await asyncio.gather(*strangers)

    assert asyncio.run(story()) == [404] * 9
    database.close()


@pytest.mark.parametrize("name", ["0500000001", "x" * 251, "a b", "05-0000-0001"])
def test_no_log_shows_what_cannot_be_a_name_or_may_be_a_phone(tmp_path, caplog, name):
    def credentials_of(name):
        raise UnknownConnectionError(name)

    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    app = create_app(ReceiverSettings(database=database, credentials_of=credentials_of))
    (answer,) = ask(app, f"/inforu/v1/{name}/notifications")
    assert asyncio.run(answer) == 404
    logged = [one.getMessage() for one in caplog.records if one.name.endswith("authenticator")]
    assert len(logged) == 1
    assert name not in logged[0]
