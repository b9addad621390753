import asyncio

import httpx
import pytest

from airflow_provider_inforu.receiver import create_app
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.settings import ReceiverSettings, parse_networks
from tests.receiver import CONN_ID, SECRET, end_of_call

PUSH = f"/inforu/v1/{CONN_ID}/notifications"


def push_from(address, tmp_path, *networks, method="POST"):
    """Send a request that comes from this address, which no socket on this machine can have."""
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    app = create_app(
        ReceiverSettings(
            database=database,
            secret_of=lambda _: SECRET,
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


def test_reading_is_not_restricted_by_address(tmp_path):
    assert push_from("198.51.100.1", tmp_path, "192.0.2.0/24", method="GET").status_code == 200


def test_without_a_list_all_addresses_may_push(tmp_path):
    assert push_from("198.51.100.1", tmp_path).status_code == 200
