"""`POST /api/v2/connections/test`: what Airflow's Test button asks."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.integration.ground import ON_SQLITE

if TYPE_CHECKING:
    from tests.integration.ground import Ground

pytestmark = [pytest.mark.integration, ON_SQLITE]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_right_connection_answers_with_the_quota_and_calls_nobody(fresh_ground: Ground) -> None:
    connection = fresh_ground.sandbox.connection()

    answer = fresh_ground.airflow.api.test_connection({"connection_id": "right", **connection})

    assert answer["status"] is True
    assert "5,000,000" in answer["message"] or "5000000" in answer["message"]
    assert fresh_ground.sandbox.token not in answer["message"]
    assert fresh_ground.sandbox.calls() == []


def test_a_wrong_token_is_told_in_words_to_act_on(fresh_ground: Ground) -> None:
    connection = {**fresh_ground.sandbox.connection(), "password": "a-token-that-is-wrong"}

    answer = fresh_ground.airflow.api.test_connection({"connection_id": "wrong", **connection})

    assert answer["status"] is False
    assert "token is wrong" in answer["message"]
    assert "a-token-that-is-wrong" not in answer["message"]


def test_an_unreachable_host_is_told_apart_from_a_wrong_token(fresh_ground: Ground) -> None:
    connection = {**fresh_ground.sandbox.connection(), "host": f"http://127.0.0.1:{closed_port()}"}

    answer = fresh_ground.airflow.api.test_connection({"connection_id": "unreachable", **connection})

    assert answer["status"] is False
    assert "address" in answer["message"]
    assert "token is wrong" not in answer["message"]


def test_an_unknown_extra_field_is_named(fresh_ground: Ground) -> None:
    connection = fresh_ground.sandbox.connection(auth_locatoin="body")

    answer = fresh_ground.airflow.api.test_connection({"connection_id": "misspelt", **connection})

    assert answer["status"] is False
    assert "auth_locatoin" in answer["message"]
