"""`airflow inforu sends show|resolve` on a ledger in Airflow's task state, through its REST API."""

import json
import socket
import sys

import pytest
import requests

from airflow_provider_inforu.cli.api import AirflowApi
from airflow_provider_inforu.cli.cli_errors import CommandError
from airflow_provider_inforu.cli.stores import RestStateStore
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_events import IntentLogged
from airflow_provider_inforu.ledger.ledger_keys import attempt_key
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header, read_ledger
from airflow_provider_inforu.ledger.task_state_store import TaskStateStore
from tests.unit.cli.conftest import NAMES, write_ledger
from tests.unit.cli.test_sends import Terminal


@pytest.fixture(autouse=True)
def stored(airflow):
    write_ledger(TaskStateStore(ServerState(airflow), airflow.try_number))
    airflow.requests.clear()
    return rest_store(airflow)


class ServerState:
    """The task's own way to the state that the server keeps."""

    def __init__(self, airflow):
        self._airflow = airflow

    def get(self, key):
        return self._airflow.values.get(key)

    def set(self, key, value, **_):
        self._airflow.values[key] = value


def rest_store(airflow, map_index=-1):
    return RestStateStore(AirflowApi(airflow.url), *NAMES, map_index)


def test_show_reads_the_ledger(run):
    code, out, _ = run("show", "-o", "json")
    assert code == 0
    assert json.loads(out)["in_doubt"] == [2, 4]


def test_resolve_writes_the_ledger_and_its_values_never_expire(run, airflow, stored):
    code, out, _ = run("resolve", "--accept", "--yes")
    assert (code, "batches 2, 4: counted as called" in out) == (0, True)
    assert read_ledger(stored)[1][2].state is BatchState.ACCEPTED
    assert set(airflow.expiries) == {None}


@pytest.mark.parametrize(
    "state", ["running", "queued", "scheduled", "deferred", "restarting", "up_for_retry", None]
)
def test_a_task_that_runs_or_will_run_is_not_settled(run, airflow, state):
    airflow.state = state
    before = dict(airflow.values)
    code, _, err = run("resolve", "--resend", "--yes")
    assert code == 1
    assert f"the task is {state or 'about to be scheduled'}: nothing was changed" in err
    assert airflow.values == before
    assert run("show")[0] == 0


def test_a_task_that_begins_meanwhile_and_sends_the_batch_is_not_disturbed(run, airflow, stored):
    def begin():
        airflow.on_write = lambda: None
        airflow.state, airflow.try_number = "running", 2
        store = TaskStateStore(ServerState(airflow), 2)
        header = Header("5e0d", "options_digest", batches=5, recipients=450, clear_generation=0)
        open_ledger(store, header).write([IntentLogged(5, "digest5")])

    airflow.on_write = begin
    assert run("resolve", "--resend", "--yes")[0] == 0
    records = read_ledger(stored)[1]
    assert 5 in records


def test_a_task_that_begins_while_a_person_thinks_is_not_settled(run, airflow, monkeypatch):
    class Thinking(Terminal):
        def readline(self):
            airflow.state = "running"
            return "y\n"

    before = dict(airflow.values)
    monkeypatch.setattr(sys, "stdin", Thinking())
    code, _, err = run("resolve", "--resend")
    assert (code, "the task is running: nothing was changed" in err) == (1, True)
    assert airflow.values == before


def test_the_ledger_of_an_earlier_try_is_found(run, airflow):
    airflow.try_number = 4
    code, out, _ = run("show", "-o", "json")
    assert (code, json.loads(out)["in_doubt"]) == (0, [2, 4])


def test_a_task_instance_that_does_not_exist_is_one_line(run):
    code, _, err = run("show", names=("dag", "nope", "call"))
    assert (code, err.count("\n")) == (1, 1)
    assert "the task instance was not found: The Task Instance" in err


def test_a_mapped_task_needs_its_index(run, airflow):
    airflow.map_index = 3
    assert "add the map_index value" in run("show")[2]
    assert "5e0d" in run("show", "--map-index", "3")[1]
    assert run("show", "--map-index", "4")[0] == 1


def test_a_task_that_sent_nothing_has_no_ledger(run, airflow):
    airflow.values.clear()
    code, _, err = run("show")
    assert (code, "has no ledger" in err) == (1, True)


def test_an_airflow_without_task_state_is_not_taken_for_one_without_a_ledger(run, airflow):
    airflow.has_state_store = False
    code, _, err = run("show")
    assert (code, "needs version 3.3 or later" in err) == (1, True)


@pytest.mark.parametrize("damaged", ['"x"', "x", {"version": 1}])
def test_a_damaged_ledger_is_one_line(run, airflow, damaged):
    airflow.values[attempt_key("000001-0")] = damaged
    code, _, err = run("show")
    assert (code, err.count("\n")) == (1, 1)
    assert "the document of attempt 000001-0 is missing or damaged" in err


def test_the_token_of_the_environment_is_used_and_never_shown(run, airflow, monkeypatch):
    airflow.all_admins = False
    monkeypatch.setenv("AIRFLOW_API_TOKEN", "good-token\n")
    code, out, err = run("show")
    assert code == 0
    assert ("GET", "/auth/token") not in airflow.requests
    for token in ("wrong-token", "with\nnewline-token", "טוקן"):
        monkeypatch.setenv("AIRFLOW_API_TOKEN", token)
        code, out, err = run("show")
        assert code == 1
        assert token not in out + err
        assert "newline-token" not in out + err
        assert "TOKEN" in err


def test_a_netrc_of_the_user_does_not_take_the_tokens_place(run, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    assert run("show")[0] == 0


def test_the_request_for_a_token_carries_nothing_of_a_netrc(airflow, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.delenv("AIRFLOW_API_TOKEN", raising=False)
    sent = []
    send = requests.Session.send

    def note(session, request, **options):
        sent.append(request.headers.get("Authorization"))
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", note)
    AirflowApi(airflow.url)._log_in()
    assert sent == [None]


def test_user_and_password_are_exchanged_for_a_token(run, airflow, monkeypatch):
    airflow.all_admins = False
    monkeypatch.setenv("AIRFLOW_API_USERNAME", "u")
    monkeypatch.setenv("AIRFLOW_API_PASSWORD", "p")
    assert run("show")[0] == 0
    monkeypatch.setenv("AIRFLOW_API_PASSWORD", "wrong-password")
    code, _, err = run("show")
    assert (code, "gave no token (HTTP 401)" in err, "wrong-password" in err) == (1, True, False)


def test_without_any_user_it_says_how_to_log_in(run, airflow):
    airflow.all_admins = False
    code, _, err = run("show")
    assert code == 1
    assert "(HTTP 403). Set AIRFLOW_API_TOKEN, or AIRFLOW_API_USERNAME" in err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((403, {"detail": "Forbidden"}), "refused the request (HTTP 403)"),
        ((500, {"detail": "broken"}), "answered HTTP 500: broken"),
        ((500, "<html>"), "is not Airflow's API (HTTP 500, no JSON)"),
        ((200, "<html>"), "is not Airflow's API (HTTP 200, no JSON)"),
        ((301, {}), "answered HTTP 301"),
        ((200, []), "has no state"),
        ((404, []), "the task instance was not found"),
    ],
)
def test_an_answer_that_is_none_is_one_line(run, airflow, answer, words):
    airflow.answer = answer
    code, _, err = run("show")
    assert (code, err.count("\n")) == (1, 1)
    assert words in err


def test_an_answer_without_a_value_is_not_taken_for_no_ledger(airflow, stored):
    airflow.answer = (200, {})
    with pytest.raises(CommandError, match="has no value"):
        stored.get("key")


def test_a_write_that_is_refused_is_an_error(airflow, stored):
    airflow.answer = (404, {"detail": "Task instance not found"})
    with pytest.raises(CommandError, match="the ledger cannot be written: Task instance not found"):
        stored.put("key", 1)
    airflow.answer = (422, {"detail": "too long"})
    with pytest.raises(CommandError, match="HTTP 422: too long"):
        stored.put("key", 1)


def test_an_airflow_that_gives_no_token_is_one_line(run, airflow):
    airflow.token = None
    assert "gave no token (HTTP 201)" in run("show")[2]


def test_an_airflow_that_does_not_answer_is_one_line_without_its_password(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    code, _, err = run("show", "--url", f"http://me:hidden@127.0.0.1:{port}/")
    assert (code, err.count("\n"), "hidden" in err) == (1, 1, False)
    assert f"Airflow at http://127.0.0.1:{port} cannot be reached (ConnectionError)" in err


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://x:port", "http://[x"])
def test_an_address_that_is_none_is_one_line(run, url):
    code, _, err = run("show", "--url", url)
    assert (code, err.count("\n")) == (1, 1)
    assert "the address of Airflow" in err


def test_names_are_quoted_in_the_address(airflow):
    with pytest.raises(CommandError):
        RestStateStore(AirflowApi(airflow.url), "a/../b", "manual__2026-01-01T00:00:00+00:00", "g.t").latest()
    _, path = airflow.requests[-1]
    assert path == "/api/v2/dags/a/../b/dagRuns/manual__2026-01-01T00:00:00+00:00/taskInstances/g.t"
