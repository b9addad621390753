"""What the receiver says about the pushes of a connection: the last one, and those that it refused."""

import datetime as dt

import requests

from airflow_provider_inforu.receiver.receiver_settings import parse_networks
from airflow_provider_inforu.receiver.refused_pushes import WINDOW_SECONDS, RefusedPushes
from tests.receiver import CONN_ID, SECRET, end_of_call, running_receiver


def push(receiver, *, conn_id=CONN_ID, secret=SECRET, body=None):
    url = f"{receiver.url}/inforu/v1/{conn_id}/notifications"
    query = {"secret": secret} if secret else {}
    return requests.post(url, params=query, json=[end_of_call()] if body is None else body, timeout=60)


def health(receiver):
    answer = receiver.get("health")
    assert answer.status_code == 200
    return answer.json()


def test_a_receiver_that_nobody_pushed_to_says_so(receiver):
    said = health(receiver)
    assert (said["last_push_at"], said["refused"], said["elsewhere"]) == (
        None,
        {},
        {"connections": 0, "refused": {}},
    )
    assert said["window_seconds"] == WINDOW_SECONDS


def test_the_last_push_survives_a_restart(tmp_path):
    database = f"sqlite:///{tmp_path / 'receiver.db'}"
    before = dt.datetime.now(dt.UTC)
    with running_receiver(database) as receiver:
        assert push(receiver).status_code == 200
    with running_receiver(database) as receiver:
        last = dt.datetime.fromisoformat(health(receiver)["last_push_at"])
    assert before <= last <= dt.datetime.now(dt.UTC)


def test_pushes_with_a_wrong_secret_are_counted_for_their_connection(receiver):
    assert [push(receiver, secret="wrong").status_code for _ in range(3)] == [401] * 3
    assert health(receiver)["refused"] == {"wrong_secret": 3}
    assert health(receiver)["last_push_at"] is None


def test_a_push_that_is_too_large_is_counted(tmp_path):
    with running_receiver(f"sqlite:///{tmp_path / 'receiver.db'}", max_body_bytes=10) as receiver:
        assert push(receiver).status_code == 413
        assert health(receiver)["refused"] == {"too_large": 1}


def test_a_push_from_an_address_that_is_not_allowed_is_counted(tmp_path):
    networks = parse_networks(["192.0.2.0/24"], "x")
    with running_receiver(f"sqlite:///{tmp_path / 'receiver.db'}", allowed_addresses=networks) as receiver:
        health(receiver)
        assert push(receiver).status_code == 403
        assert health(receiver)["refused"] == {"address_not_allowed": 1}


def test_a_push_that_could_not_be_stored_is_counted(tmp_path):
    path = tmp_path / "receiver.db"
    with running_receiver(f"sqlite:///{path}") as receiver:
        push(receiver)
        with receiver.database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE inforu_notification")
        assert push(receiver, body=[end_of_call("x")]).status_code == 503
        assert health(receiver)["refused"] == {"not_stored": 1}


def test_pushes_elsewhere_are_counts_and_never_names(receiver):
    receiver.secrets["another_connection"] = "another-secret-of-all"
    assert push(receiver, conn_id="another_connection", secret="another-secret-of-all").status_code == 200
    assert push(receiver, conn_id="another_connection").status_code == 401
    assert push(receiver, conn_id="a_misspelt_name").status_code == 404
    answer = receiver.get("health")
    assert answer.json()["elsewhere"] == {
        "connections": 1,
        "refused": {"unknown_connection": 1, "wrong_secret": 1},
    }
    assert answer.json()["refused"] == {}
    assert "another" not in answer.text
    assert "misspelt" not in answer.text


def test_health_takes_the_secret_of_the_connection(receiver):
    url = receiver.path("health")
    assert requests.get(url, timeout=60).status_code == 401
    assert requests.get(url, headers={"Authorization": "Bearer wrong"}, timeout=60).status_code == 401
    # Neither is a push.
    assert health(receiver)["refused"] == {}


def test_names_of_strangers_make_no_entries(receiver):
    for number in range(20):
        push(receiver, conn_id=f"stranger-{number}")
        push(receiver, conn_id=f"stranger-{number}", secret=None)
    counted = health(receiver)["elsewhere"]["refused"]
    assert counted == {"unknown_connection": 20, "wrong_secret": 20}


def test_what_is_kept_does_not_grow_with_the_names_or_the_pushes():
    now = [0.0]
    refused = RefusedPushes(clock=lambda: now[0])
    for _ in range(20_000):
        now[0] += 1.7
        refused.add(None, "unknown_connection")
        refused.add(CONN_ID, "wrong_secret")
    assert refused.size() <= 2 * (WINDOW_SECONDS // 60 + 1)


def test_a_refusal_is_forgotten_after_the_hour():
    now = [0.0]
    refused = RefusedPushes(clock=lambda: now[0])
    refused.add(CONN_ID, "wrong_secret")
    now[0] = WINDOW_SECONDS - 1
    refused.add(CONN_ID, "wrong_secret")
    assert refused.of(CONN_ID) == {"wrong_secret": 2}
    now[0] = WINDOW_SECONDS + 61
    assert refused.of(CONN_ID) == {"wrong_secret": 1}
    now[0] = 3 * WINDOW_SECONDS
    assert refused.of(CONN_ID) == {}
