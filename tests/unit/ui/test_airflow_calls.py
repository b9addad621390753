"""The sends of this Airflow, from its database, its task state and the receiver's tables."""

import datetime as dt
import json
from itertools import count

import pytest
import sqlalchemy as sa
from airflow import settings
from airflow.models.dagrun import DagRun
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel

from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.tables import calls
from airflow_provider_inforu.sending.settling import SettleError
from airflow_provider_inforu.ui import airflow_calls
from airflow_provider_inforu.ui.airflow_calls import AirflowCalls
from airflow_provider_inforu.ui.call_views import (
    CallsUnavailableError,
    SendFilter,
    SettleRefusedError,
    TaskRef,
)
from airflow_provider_inforu.ui.received_outcomes import ReceivedOutcomes

numbers = count(1)
ENDED = {"recipients": 350, "accepted": 350, "rejected": 0, "in_doubt": 0, "not_sent": 0, "skipped": 3}
DOUBT = [["s", 1, "d1"], ["a", 1, "token", 7], ["s", 2, "d2"], ["s", 3, "d3"], ["r", 3, "closed"]]


@pytest.fixture
def received(tmp_path):
    return open_database(f"sqlite:///{tmp_path / 'receiver.db'}", "the test")


@pytest.fixture
def airflow(airflow_apps, received):  # noqa: ARG001 - it makes the tables
    """The sends of an Airflow with empty tables."""
    with settings.engine.begin() as connection:
        for table in (XComModel, TaskStateStoreModel, TaskInstance, DagRun):
            connection.execute(sa.delete(table))
    return AirflowCalls(ReceivedOutcomes(received, None), "")


def store_sends(names, *, state="failed", events=DOUBT, conn_id="inforu_default", counts=None):
    """Store sends of 350 people in the tables of Airflow, each with its ledger."""
    runs, tasks, xcoms, values = [], [], [], []
    stored = []
    for dag_id in names:
        number = next(numbers)
        task = TaskRef(dag_id, f"run/{number}+", "call")
        send_id = f"{number:016x}"
        ids = {"dag_id": task.dag_id, "run_id": task.run_id}
        runs.append({**ids, "id": number, "run_type": "manual", "state": "failed", "run_after": moment(0)})
        tasks.append(
            {**ids, "task_id": "call", "map_index": -1, "state": state, "try_number": 1, "pool": "p"}
        )
        value = {"send_id": send_id, "life": 0, "inforu_conn_id": conn_id}
        xcoms.append(
            {
                **ids,
                "dag_run_id": number,
                "task_id": "call",
                "map_index": -1,
                "key": "inforu_send",
                "value": value,
            }
        )
        if counts:
            last = {"send_id": send_id, **ENDED, **counts}
            xcoms.append({**xcoms[-1], "key": "inforu_send_counts", "value": last})
        header = {"send_id": send_id, "plan": "", "batches": 4, "recipients": 350, "life": 0, "skipped": 3}
        documents = {
            "inforu_ledger.000001-0": {**header, "version": 2, "after": None},
            "inforu_ledger.000001-0.0": {"start": 0, "events": events},
        }
        values += [
            {**ids, "dag_run_id": number, "task_id": "call", "map_index": -1, "key": key}
            | {"value": json.dumps(json.dumps(document))}
            for key, document in documents.items()
        ]
        stored.append((task, send_id))
    with settings.engine.connect() as connection:
        # Airflow's DAGs, bundles and versions are not the subject.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        tables = ((DagRun, runs), (TaskInstance, tasks), (XComModel, xcoms), (TaskStateStoreModel, values))
        for table, rows in tables:
            connection.execute(sa.insert(table), rows)
        connection.commit()
    return stored


def store_calls(database, send_id, statuses):
    with database.writing() as connection:
        connection.execute(
            sa.insert(calls),
            [
                {
                    "conn_id": "inforu_default",
                    "send_id": send_id,
                    "key": f"k-{number}",
                    "rank": "",
                    "received_at": moment(number),
                    "ended_at": moment(number),
                    "status": status,
                    "digit": "1" if status == "Answered" else None,
                }
                for number, status in enumerate(statuses)
            ],
        )


def moment(number):
    return dt.datetime(2026, 11, 29, 9, 0, number % 60, tzinfo=dt.UTC)


def test_a_send_has_the_counts_of_its_ledger_and_the_outcomes_of_the_receiver(airflow, received):
    ((task, send_id),) = store_sends(["a"])
    store_calls(received, send_id, ["Answered", "Answered", "Busy"])
    send = airflow.find_send(task)
    counts = send.counts
    assert (counts.recipients, counts.accepted, counts.in_doubt, counts.rejected) == (350, 100, 100, 100)
    assert (counts.not_sent, counts.skipped) == (50, 3)
    assert send.needs_person
    assert send.by_status == {"Answered": 2, "Busy": 1}
    batches = airflow.list_batches(send)
    assert [one.state for one in batches] == ["accepted", "in doubt", "rejected", "not sent"]
    assert (batches[2].reason, batches[3].people) == ("closed", 50)
    outcomes = airflow.find_outcomes(send)
    assert outcomes.summary.by_digit == {"1": 2}
    assert sum(number for _, number in outcomes.ended) == 3
    assert [one.key for one in airflow.iter_results(send)] == ["k-0", "k-1", "k-2"]
    assert [one.key for one in airflow.list_results(send, "Busy", None).results] == ["k-2"]


def test_an_ended_send_without_doubts_is_read_without_its_ledger(airflow):
    ((task, _),) = store_sends(["a"], state="success", events=["damaged"], counts={"accepted": 350})
    counts = airflow.find_send(task).counts
    assert (counts.recipients, counts.accepted, counts.skipped) == (350, 350, 3)


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("running", {"accepted": 350}),
        ("failed", {"in_doubt": 350}),
        ("failed", {"send_id": "another"}),
        ("failed", {"accepted": "many"}),
    ],
)
def test_counts_that_may_have_changed_are_read_from_the_ledger(airflow, state, counts):
    ((task, _),) = store_sends(["a"], state=state, counts=counts)
    assert airflow.find_send(task).counts.in_doubt == 100


def test_failed_sends_without_doubts_hide_no_send_that_needs_a_person(airflow, monkeypatch):
    monkeypatch.setattr("airflow_provider_inforu.ui.airflow_calls.MOST_LEDGERS", 1)
    store_sends(["a"])
    store_sends(["a", "a"], events=DOUBT[:2], counts={"rejected": 1})
    assert airflow.list_sends({"a"}, SendFilter(needs_person=True), 1).total == 1


def test_the_list_holds_only_readable_dags_and_what_the_filter_wants(airflow):
    store_sends(["a", "b", "c"])
    store_sends(["a"], events=DOUBT[:2], state="success", conn_id="other")
    assert airflow.list_sends({"a", "b"}, SendFilter(), 1).total == 3
    assert airflow.list_sends({"a", "b"}, SendFilter(dag_id="c"), 1).total == 0
    assert airflow.list_sends({"a"}, SendFilter(conn_id="other"), 1).total == 1
    assert airflow.list_sends({"a"}, SendFilter(needs_person=True), 1).total == 1
    assert airflow.list_sends({"a"}, SendFilter(days=1), 1).total == 2
    assert airflow.list_sends(set(), SendFilter(), 1).total == 0
    assert airflow.list_sends({"a"}, SendFilter(), 1).conn_ids == ["inforu_default", "other"]


@pytest.mark.parametrize(("choice", "accepted", "not_sent"), [("accept", 200, 50), ("resend", 100, 150)])
def test_a_decision_is_written_once_and_a_second_one_changes_nothing(airflow, choice, accepted, not_sent):
    ((task, _),) = store_sends(["a"])
    shown = airflow.find_send(task)
    airflow.settle(shown, choice, [2])
    settled = airflow.find_send(task)
    assert (settled.counts.accepted, settled.counts.not_sent) == (accepted, not_sent)
    assert not settled.needs_person
    with pytest.raises(SettleRefusedError):
        airflow.settle(shown, "resend" if choice == "accept" else "accept", [2])
    assert airflow.find_send(task) == settled


def test_a_decision_that_is_perhaps_recorded_in_part_is_not_called_unchanged(airflow, monkeypatch):
    ((task, _),) = store_sends(["a"])

    def fail(*_):
        raise SettleError("the second batch was not written")

    monkeypatch.setattr(airflow_calls, "settle", fail)
    with pytest.raises(CallsUnavailableError, match="or only for some batches") as raised:
        airflow.settle(airflow.find_send(task), "accept", [2])
    assert "Nothing was changed" not in str(raised.value)


def test_a_running_task_and_other_batches_are_not_settled(airflow):
    ((task, _),) = store_sends(["a"])
    with pytest.raises(SettleRefusedError):
        airflow.settle(airflow.find_send(task), "accept", [1, 2])
    ((running, _),) = store_sends(["a"], state="running")
    with pytest.raises(SettleRefusedError):
        airflow.settle(airflow.find_send(running), "accept", [2])
    assert airflow.find_send(task).counts.in_doubt == 100


def test_a_ledger_that_cannot_be_read_leaves_the_rest_of_the_list(airflow):
    ((task, _),) = store_sends(["a"], events="damaged")
    with settings.engine.begin() as connection:
        connection.execute(sa.update(TaskStateStoreModel).values(value="not JSON"))
    send = airflow.find_send(task)
    assert send.counts is None
    assert airflow.list_sends({"a"}, SendFilter(), 1).total == 1
    with pytest.raises(CallsUnavailableError):
        airflow.list_batches(send)


def test_a_task_without_a_send_is_none(airflow):
    assert airflow.find_send(TaskRef("a", "r", "t")) is None


@pytest.mark.parametrize("sends", [3, 300])
def test_the_list_asks_a_fixed_number_of_queries(airflow, received, sends):
    store_sends(["a"] * sends)
    airflow.list_sends({"a"}, SendFilter(), 1)
    asked = []

    def note(*arguments):
        asked.append(arguments[2])

    engines = (settings.engine, received.engine)
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    try:
        airflow.list_sends({"a"}, SendFilter(), 1)
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", note)
    assert len(asked) == 3
