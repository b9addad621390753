"""`airflow inforu sends list`."""

import json

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_inforu.cli import listing
from airflow_provider_inforu.ledger.ledger_keys import attempt_key
from airflow_provider_inforu.ledger.ledger_reader import read_ledger
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
from airflow_provider_inforu.ledger.task_state_store import TaskStateStore
from tests.unit.cli.conftest import write_ledger
from tests.unit.cli.test_rest import ServerState

BATCHES = {"accepted": 1, "rejected": 1, "in_doubt": 2, "not_sent": 1}


def store(ledger_path, dag_id, run_id, task_id="call", index="-1"):
    return write_ledger(ObjectStorageStore(ledger_path, (dag_id, run_id, task_id, index)))


def listed(result):
    code, out, _ = result
    assert code == 0
    return [(one["dag_id"], one["run_id"], one["task_id"], one["map_index"]) for one in json.loads(out)]


def test_the_sends_in_object_storage_are_listed_the_latest_run_first(inforu, ledger_path):
    for run_id in ("manual__2026-01-02", "scheduled__2026-01-01", "scheduled__2026-01-03"):
        store(ledger_path, "a/b dag", run_id)
    (latest, *_) = json.loads(inforu("sends", "list", "a/b dag", "-o", "json")[1])
    assert (latest["send_id"], latest["recipients"], latest["attempts"]) == ("5e0d", 450, 1)
    assert latest["batches"] == BATCHES
    assert latest["people"] == {"accepted": 100, "rejected": 100, "in_doubt": 200, "not_sent": 50}
    assert [run_id for _, run_id, _, _ in listed(inforu("sends", "list", "-o", "json"))] == [
        "scheduled__2026-01-03",
        "manual__2026-01-02",
        "scheduled__2026-01-01",
    ]


def test_a_list_is_narrowed_by_dag_run_and_task(inforu, ledger_path):
    for names in (("d", "r"), ("d", "r2"), ("d", "r", "text"), ("e", "r")):
        store(ledger_path, *names)
    assert len(listed(inforu("sends", "list", "-o", "json"))) == 4
    assert len(listed(inforu("sends", "list", "d", "-o", "json"))) == 3
    narrow = ("sends", "list", "d", "--run-id", "r", "--task-id", "text", "-o", "json")
    assert listed(inforu(*narrow)) == [("d", "r", "text", -1)]


def test_cool_downs_beside_the_ledgers_are_not_looked_into(inforu, ledger_path, monkeypatch):
    store(ledger_path, "d", "r")
    (ObjectStoragePath(ledger_path) / "~cooldowns" / "key" / "x" / "0").mkdir(parents=True)
    looked = []
    monkeypatch.setattr(listing, "read_ledger", lambda store: looked.append(store) or read_ledger(store))
    assert listed(inforu("sends", "list", "-o", "json")) == [("d", "r", "call", -1)]
    assert len(looked) == 1


def test_a_table_has_the_columns_that_say_something(inforu, ledger_path):
    store(ledger_path, "d", "r")
    heads = inforu("sends", "list", "d")[1].split("\n")[0]
    assert "run id" in heads
    assert "dag id" not in heads
    assert "map index" not in heads
    assert "state" not in heads
    assert "people (batches)" in heads
    out = inforu("sends", "list", "d")[1]
    for cell in ("450 (5)", "100 (1)", "200 (2)", "50 (1)"):
        assert cell in out
    assert "number of batches in brackets" in out
    store(ledger_path, "d", "r", index="3")
    heads = inforu("sends", "list")[1].split("\n")[0]
    assert ("dag id" in heads, "map index" in heads) == (True, True)


def test_a_list_that_is_cut_says_so(inforu, ledger_path):
    for run_id in ("r1", "r2", "r3"):
        store(ledger_path, "d", run_id)
    code, out, err = inforu("sends", "list", "--limit", "2", "-o", "json")
    assert (code, len(json.loads(out)), "--limit" in err) == (0, 2, True)
    assert inforu("sends", "list", "--limit", "3", "-o", "json")[2] == ""
    assert inforu("sends", "list", "--limit", "0")[0] == 2


@pytest.mark.usefixtures("ledger_path")
def test_where_no_ledger_is_the_list_is_empty(inforu):
    assert "No matching task instance has a ledger" in inforu("sends", "list", "d")[1]
    assert inforu("sends", "list", "-o", "json")[:2] == (0, "[]\n")


def test_a_ledger_that_cannot_be_read_is_listed_and_fails_the_command(inforu, ledger_path):
    damaged = store(ledger_path, "d", "r1")
    store(ledger_path, "d", "r2")
    (damaged._folder / f"{attempt_key(damaged.latest())}.json").write_text("{")
    code, out, err = inforu("sends", "list", "-o", "json")
    assert (code, [("error" in one) for one in json.loads(out)]) == (1, [False, True])
    assert "1 of these ledgers cannot be read" in err
    assert "cannot be read" in inforu("sends", "list")[1]


@pytest.fixture
def in_airflow(airflow):
    write_ledger(TaskStateStore(ServerState(airflow), airflow.try_number))
    other = {"dag_id": "dag", "dag_run_id": "run", "map_index": -1, "try_number": 0, "state": None}
    airflow.others = [{**other, "task_id": f"other{number}"} for number in range(150)]
    return airflow


def test_the_sends_of_a_dag_are_found_through_airflows_api_page_by_page(inforu, in_airflow):
    (send,) = json.loads(inforu("sends", "list", "dag", "-o", "json")[1])
    assert (send["run_id"], send["task_id"], send["state"]) == ("run", "call", "failed")
    assert send["batches"] == BATCHES
    assert "state" in inforu("sends", "list", "dag")[1].split("\n")[0]
    in_airflow.requests.clear()
    inforu("sends", "list", "dag")
    pages = [path for _, path in in_airflow.requests if path.endswith("/taskInstances")]
    assert len(pages) == 2


def test_a_run_and_a_task_are_asked_for_by_name(inforu, in_airflow):
    narrow = ("sends", "list", "dag", "--run-id", "run", "--task-id", "call", "-o", "json")
    assert listed(inforu(*narrow)) == [("dag", "run", "call", -1)]
    assert ("GET", "/api/v2/dags/dag/dagRuns/run/taskInstances") in in_airflow.requests
    assert listed(inforu("sends", "list", "dag", "--task-id", "other1", "-o", "json")) == []


@pytest.mark.usefixtures("in_airflow")
def test_airflow_is_asked_about_one_dag(inforu):
    code, _, err = inforu("sends", "list")
    assert (code, "Name a DAG" in err, "[inforu] ledger_path" in err) == (2, True, True)
    code, _, err = inforu("sends", "list", "nope")
    assert (code, "does not know the DAG or run" in err, err.count("\n")) == (1, True, 1)


@pytest.mark.parametrize("answer", [[], {}, {"task_instances": [{}], "total_entries": 1}])
def test_an_answer_that_is_no_list_is_one_line(inforu, in_airflow, answer):
    in_airflow.answer = (200, answer)
    code, _, err = inforu("sends", "list", "dag")
    assert (code, "is not a list of task instances" in err, err.count("\n")) == (1, True, 1)
