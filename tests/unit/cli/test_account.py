"""`airflow inforu check` and `airflow inforu quota`."""

import json

import pytest
import requests
from airflow.secrets.environment_variables import EnvironmentVariablesBackend
from sqlalchemy.exc import OperationalError, ProgrammingError

from tests.receiver import end_of_call
from tests.scripted_server import unused_port

RECEIVER_SECRET = "secret-of-notifications"


@pytest.mark.usefixtures("connection")
def test_check_says_that_the_connection_works_and_calls_nobody(inforu, inforu_sandbox):
    code, out, err = inforu("check")
    assert (code, err) == (0, "")
    assert out.startswith(f"Inforu: Connected to {inforu_sandbox.url} as sandbox. Quota: IVR: ")
    assert "Receiver: the connection has none" in out
    assert "airflow inforu receiver setup" in out
    assert inforu_sandbox.calls() == []


def test_check_asks_the_receiver_that_the_connection_names(inforu, connection, receiver):
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    assert f"Receiver: {receiver.url} answers" in inforu("check")[1]
    assert (
        "Pushes: The receiver has never stored a push for the connection 'inforu_default'"
        in inforu("check")[1]
    )
    connection(receiver_url=receiver.url, notification_secret="another-secret-of-all")
    code, out, err = inforu("check")
    assert (code, "Receiver: does not answer" in out) == (1, True)
    assert "another-secret-of-all" not in out + err
    assert err.count("\n") == 1


def test_check_names_the_secret_with_which_it_asked(inforu, connection, receiver):
    receiver.secrets["inforu_default"] = {
        "notification_secret": receiver.secret,
        "read_secret": RECEIVER_SECRET,
    }
    connection(receiver_url=receiver.url, notification_secret=receiver.secret, read_secret=RECEIVER_SECRET)
    assert f"{receiver.url} answers, and accepts the read secret" in inforu("check")[1]


def test_check_tells_of_pushes_that_the_receiver_refused(inforu, connection, receiver):
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    assert receiver.push([end_of_call("x")]).status_code == 200
    url = f"{receiver.url}/inforu/v1/{{}}/notifications?secret={{}}"
    requests.post(url.format("inforu_default", "wrong"), json=[], timeout=60)
    requests.post(url.format("inforu_defualt", receiver.secret), json=[], timeout=60)
    code, out, _ = inforu("check")
    assert code == 0
    assert "stored the last push for the connection 'inforu_default' at" in out
    assert "refused 1 push to this connection: wrong or missing secret (1)" in out
    assert "refused 1 push to other names: unknown connection name (1)" in out
    said = json.loads(inforu("check", "-o", "json")[1])["receiver"]["pushes"]
    assert said["last_push_at"].endswith("+00:00")
    assert (said["refused"], said["refused_elsewhere"]) == ({"wrong_secret": 1}, {"unknown_connection": 1})
    assert said["other_connections"] == 0


def test_check_prints_json_for_programs_where_something_fails_too(inforu, connection):
    url = f"http://127.0.0.1:{unused_port()}"
    connection(receiver_url=url, notification_secret=RECEIVER_SECRET)
    code, out, err = inforu("check", "-o", "json")
    said = json.loads(out)
    assert (code, said["ok"], said["inforu"]["ok"], said["receiver"]["ok"]) == (1, False, True, False)
    assert said["receiver"]["message"] in err


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"receiver_url": "http://127.0.0.1:1"}, "has no notification_secret"),
        ({"notification_secret": RECEIVER_SECRET}, "has no receiver_url"),
    ],
)
def test_half_a_receiver_is_not_taken_for_none(inforu, connection, fields, missing):
    connection(**fields)
    code, out, err = inforu("check", "-o", "json")
    said = json.loads(out)["receiver"]
    assert (code, said["ok"], missing in said["message"], missing in err) == (1, False, True, True)


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("command", [("check",), ("quota",), ("call", "0500000001", "x", "--yes")])
class TestBadInput:
    def test_a_wrong_token_is_one_line_without_the_token(self, inforu, inforu_sandbox, monkeypatch, command):
        wrong = json.loads(inforu_sandbox.connection_json()) | {"password": "a-wrong-token"}
        monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", json.dumps(wrong))
        code, out, err = inforu(*command)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "user name or API token is wrong" in err
        assert "a-wrong-token" not in err

    def test_a_connection_that_does_not_exist_is_one_line(self, inforu, monkeypatch, command):
        only_here = [EnvironmentVariablesBackend()]
        monkeypatch.setattr("airflow.configuration.ensure_secrets_loaded", lambda: only_here)
        code, out, err = inforu(*command, "--conn-id", "nope")
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "no connection 'nope' of type inforu" in err

    def test_the_password_of_a_connection_of_another_type_goes_nowhere(
        self, inforu, inforu_sandbox, monkeypatch, command
    ):
        other = json.loads(inforu_sandbox.connection_json()) | {"conn_type": "http"}
        monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps(other))
        err = inforu(*command, "--conn-id", "other")[2]
        assert "the connection 'other' is of type http, not inforu" in err
        assert inforu_sandbox.requests() == []

    def test_a_vendor_that_is_away_is_one_line(self, inforu, inforu_sandbox, monkeypatch, command):
        away = json.loads(inforu_sandbox.connection_json())
        away["host"] = f"http://127.0.0.1:{unused_port()}"
        monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", json.dumps(away))
        code, out, err = inforu(*command)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "cannot reach 127.0.0.1" in err
        assert "Check the fields API address and Proxy" in err

    def test_programs_are_told_in_json(self, inforu, monkeypatch, command):
        only_here = [EnvironmentVariablesBackend()]
        monkeypatch.setattr("airflow.configuration.ensure_secrets_loaded", lambda: only_here)
        code, out, err = inforu(*command, "--conn-id", "nope", "-o", "json")
        said = json.loads(out)
        assert (code, said.get("error") or said["reason"]) == (
            1,
            err.removeprefix("airflow inforu: ").strip(),
        )

    def test_a_field_that_cannot_be_is_named(self, inforu, connection, command):
        connection(timeout="soon")
        code, _, err = inforu(*command)
        assert (code, "timeout must be a whole number" in err) == (1, True)

    def test_where_connections_cannot_be_read_it_does_not_say_that_there_is_none(
        self, inforu, monkeypatch, command
    ):
        class Away:
            def get_connection(self, conn_id):
                raise OSError(conn_id)

        monkeypatch.setattr("airflow.configuration.ensure_secrets_loaded", lambda: [Away()])
        code, _, err = inforu(*command)
        assert (code, err.count("\n")) == (1, 1)
        assert "cannot be read: Away failed with OSError" in err
        assert "airflow db migrate" not in err

    @pytest.mark.parametrize("kind", [OperationalError, ProgrammingError])
    def test_a_database_without_tables_is_asked_about(self, inforu, monkeypatch, command, kind):
        class Empty:
            def get_connection(self, conn_id):
                raise kind(f"SELECT {conn_id}", {}, Exception("no such table: connection"))

        monkeypatch.setattr("airflow.configuration.ensure_secrets_loaded", lambda: [Empty()])
        code, _, err = inforu(*command)
        assert (code, err.count("\n"), "run `airflow db migrate`" in err) == (1, 1, True)


@pytest.mark.usefixtures("connection")
def test_quota_prints_a_table_or_json(inforu, inforu_sandbox):
    inforu_sandbox.update_settings(quota=250)
    code, out, _ = inforu("quota")
    assert (code, out.split("\n")[0].split()) == (
        0,
        ["usage", "|", "kind", "|", "left", "|", "warns", "below"],
    )
    assert "250" in out
    (row,) = json.loads(inforu("quota", "-o", "json")[1])
    assert (row["usage"], row["remaining"]) == ("IVR", 250)
    assert {one["usage"] for one in json.loads(inforu("quota", "--usage", "all", "-o", "json")[1])} == {
        "IVR",
        "SMS",
        "Email",
    }


@pytest.mark.usefixtures("connection")
def test_a_quota_without_an_end_says_so(inforu, inforu_sandbox):
    inforu_sandbox.update_settings(quota=None)
    assert "unlimited" in inforu("quota")[1]
