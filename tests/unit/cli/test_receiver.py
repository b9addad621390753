"""`airflow inforu receiver` and `airflow inforu prune`."""

import datetime as dt
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.push_parser import PushParser
from airflow_provider_inforu.receiver.store import Store
from tests.receiver import Receiver, end_of_call

SEND = "0123456789abcdef"
SECRET = "secret-in-the-address"


@pytest.fixture
def database_url(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'receiver.db'}"
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_DATABASE", url)
    return url


def airflow(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "airflow", "inforu", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


@pytest.mark.long
@pytest.mark.usefixtures("database_url")
def test_the_receiver_runs_on_its_own_and_its_logs_hold_neither_secret_nor_phone():
    connection = json.dumps({"conn_type": "inforu", "extra": {"notification_secret": SECRET}})
    environment = {**os.environ, "AIRFLOW_CONN_INFORU_DEFAULT": connection}
    with airflow("receiver", "--port", "0", env=environment) as process:
        lines = []
        while not (
            found := re.match(r"Inforu receiver: (http://127.0.0.1:\d+)$", lines[-1] if lines else "")
        ):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        receiver = Receiver(found[1], None, secret=SECRET)
        assert receiver.push([end_of_call(f"{SEND}-1"), "0500000001"]).status_code == 200
        assert receiver.summary(SEND)["calls"] == 1
        receiver.secret = "another-secret-of-all"
        assert receiver.push([end_of_call(f"{SEND}-2")]).status_code == 401
        process.send_signal(signal.SIGTERM)
        output = "".join(lines) + process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    assert 'notifications?*** HTTP/1.1" 200' in output
    assert "the secret is wrong" in output
    for hidden in (SECRET, "another-secret-of-all", "0500000001"):
        assert hidden not in output


@pytest.fixture
def run(inforu):
    return inforu


@pytest.fixture
def unblocked_signals():
    yield
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})


@pytest.mark.usefixtures("database_url", "unblocked_signals")
def test_a_port_in_use_ends_the_command_with_one_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("receiver", "--port", str(port))
    assert code == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in err


@pytest.mark.usefixtures("unblocked_signals")
def test_missing_tables_end_the_command_with_what_to_do(run):
    code, _, err = run("receiver", "--port", "0")
    assert code == 1
    assert "airflow db migrate" in err


@pytest.mark.usefixtures("unblocked_signals")
def test_a_wrong_option_ends_the_command_with_its_name(run, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_STORE_PHONES", "perhaps")
    code, _, err = run("receiver")
    assert (code, "receiver_store_phones" in err) == (1, True)


@pytest.mark.usefixtures("database_url", "unblocked_signals")
@pytest.mark.parametrize(
    ("starts", "words"),
    [(True, "the receiver has stopped unexpectedly"), (False, "the receiver did not start")],
)
def test_a_server_that_ends_by_itself_ends_the_command(run, monkeypatch, starts, words):
    monkeypatch.setattr("uvicorn.Server.run", lambda server, _: setattr(server, "started", starts))
    code, _, err = run("receiver", "--port", "0")
    assert (code, words in err) == (1, True), err


@pytest.mark.usefixtures("database_url", "unblocked_signals")
def test_what_is_not_installed_is_not_taken_for_a_database_that_is_away(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "airflow_provider_inforu.receiver.receiver_app", None)
    code, _, err = run("receiver", "--port", "0")
    assert (code, "database" in err) == (1, False)
    assert "the receiver cannot run (ModuleNotFoundError: " in err


@pytest.mark.usefixtures("unblocked_signals")
def test_a_database_that_is_away_is_named(run, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_DATABASE", "sqlite:////nowhere/at/all.db")
    for command in (("receiver", "--port", "0"), ("prune",)):
        code, _, err = run(*command)
        assert (code, "the database of notifications cannot be used (OperationalError" in err) == (1, True)


def store(database_url, days_ago, message_id):
    database = open_database(database_url)
    when = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago)
    rows = PushParser("c", "s", "masked").read(json.dumps([end_of_call(message_id)]).encode(), "", when)
    Store(database).add("c", rows, when)
    database.close()


def test_prune_removes_what_is_older_than_the_retention_and_says_what(run, database_url, monkeypatch):
    for days_ago in (1, 10, 100):
        store(database_url, days_ago, f"{days_ago:016x}-1")
    code, out, _ = run("prune", "--dry-run")
    assert (code, out.startswith("Would remove"), "90 days ago" in out) == (0, True, True)
    assert "inforu_notification: 1 rows" in out
    monkeypatch.setenv("AIRFLOW__INFORU__RECEIVER_RETENTION_DAYS", "50")
    assert "50 days ago" in run("prune", "--dry-run")[1]
    code, out, _ = run("prune", "--older-than", "9")
    assert (code, out.startswith("Removed")) == (0, True)
    assert "inforu_call: 2 rows" in out
    assert "inforu_call: 0 rows" in run("prune", "--older-than", "9")[1]


@pytest.mark.usefixtures("database_url")
@pytest.mark.parametrize("days", ["0", "-1", "7", "99999999"])
def test_prune_refuses_days_that_make_no_sense(run, days):
    code, _, err = run("prune", "--older-than", days)
    assert (code, "nothing was removed" in err) == (2, True)


def test_prune_prints_json_for_programs(run, database_url):
    store(database_url, 100, f"{SEND}-1")
    code, out, _ = run("prune", "-o", "json")
    said = json.loads(out)
    assert (code, said["dry_run"]) == (0, False)
    assert said["rows"] == {"inforu_notification": 1, "inforu_call": 1, "inforu_unrecognized": 0}


@pytest.mark.long
@pytest.mark.usefixtures("database_url")
def test_nothing_comes_before_the_output_of_prune():
    with airflow("prune", "--dry-run") as process:
        output = process.communicate(timeout=60)[0]
    assert output.startswith("Would remove"), output
    assert "alembic" not in output


@pytest.mark.usefixtures("database_url")
def test_alembic_is_silenced_for_the_command_and_not_for_airflow(run):
    logger = logging.getLogger("alembic.runtime.migration")
    logger.setLevel(logging.INFO)
    run("prune", "--dry-run")
    assert logger.level == logging.INFO
