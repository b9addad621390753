"""Sends in the tables of Airflow and of the receiver."""

import datetime as dt
import json
from itertools import count
from types import SimpleNamespace

import sqlalchemy as sa
from airflow import settings
from airflow.models.dagrun import DagRun
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel

from airflow_provider_inforu.receiver.tables import calls
from airflow_provider_inforu.sending.send_facts import Facts, save_facts
from airflow_provider_inforu.ui.call_views import TaskRef

numbers = count(1)
ENDED = {"recipients": 350, "accepted": 350, "rejected": 0, "in_doubt": 0, "not_sent": 0, "skipped": 3}
DOUBT = [["s", 1, "d1"], ["a", 1, "token", 7], ["s", 2, "d2"], ["s", 3, "d3"], ["r", 3, "closed"]]


def clear_airflow():
    """Empty the tables of Airflow that hold sends."""
    with settings.engine.begin() as connection:
        for table in (XComModel, TaskStateStoreModel, TaskInstance, DagRun):
            connection.execute(sa.delete(table))


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
        value = {"send_id": send_id, "clear_generation": 0, "inforu_conn_id": conn_id}
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
        header = {
            "send_id": send_id,
            "options_digest": "",
            "batches": 4,
            "recipients": 350,
            "clear_generation": 0,
            "skipped": 3,
        }
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
        if connection.dialect.name == "sqlite":
            # Airflow's DAGs, bundles and versions are not the subject.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        tables = ((DagRun, runs), (TaskInstance, tasks), (XComModel, xcoms), (TaskStateStoreModel, values))
        for table, rows in tables:
            connection.execute(sa.insert(table), rows)
        connection.commit()
    return stored


def store_keys(task, send_id, keys):
    """Store the keys of people in doubt or rejected, by batch, as a task does when it ends."""
    values = {}
    save_facts(SimpleNamespace(get=values.get, set=values.__setitem__), Facts(send_id, keys=keys))
    with settings.engine.begin() as connection:
        (number,) = connection.execute(sa.select(DagRun.id).where(DagRun.run_id == task.run_id)).one()
        ids = {"dag_id": task.dag_id, "run_id": task.run_id, "dag_run_id": number, "task_id": "call"}
        rows = [
            {**ids, "map_index": -1, "key": key, "value": json.dumps(json.dumps(value))}
            for key, value in values.items()
        ]
        connection.execute(sa.insert(TaskStateStoreModel), rows)


def see_requests(calls, task):
    """Return the requests that the page of a send shows, by batch."""
    return {one.number: one.request for one in calls.list_batches(calls.find_send(task))}


def decide(calls, send, choice, numbers):
    """Settle batches as somebody who sees the page now."""
    shown = see_requests(calls, send.task)
    calls.settle(send, choice, {number: shown.get(number, "") for number in numbers})


def replace_events(task, events):
    """Replace what the only attempt of a task has written."""
    value = json.dumps(json.dumps({"start": 0, "events": events}))
    with settings.engine.begin() as connection:
        connection.execute(
            sa.update(TaskStateStoreModel)
            .where(
                TaskStateStoreModel.run_id == task.run_id,
                TaskStateStoreModel.key == "inforu_ledger.000001-0.0",
            )
            .values(value=value)
        )


def store_second_try(task, send_id, events):
    """Store a second try of a task, on top of all that the first one has written."""
    header = {
        "send_id": send_id,
        "options_digest": "",
        "batches": 4,
        "recipients": 350,
        "clear_generation": 0,
        "skipped": 3,
    }
    documents = {
        "inforu_ledger.000002-0": {**header, "version": 2, "after": ["000001-0", len(DOUBT)]},
        "inforu_ledger.000002-0.0": {"start": 0, "events": events},
    }
    of_task = TaskInstance.run_id == task.run_id
    with settings.engine.begin() as connection:
        (number,) = connection.execute(sa.select(DagRun.id).where(DagRun.run_id == task.run_id)).one()
        ids = {"dag_id": task.dag_id, "run_id": task.run_id, "dag_run_id": number, "task_id": "call"}
        connection.execute(
            sa.insert(TaskStateStoreModel),
            [
                {**ids, "map_index": -1, "key": key, "value": json.dumps(json.dumps(document))}
                for key, document in documents.items()
            ],
        )
        connection.execute(sa.update(TaskInstance.__table__).where(of_task).values(try_number=2))


def store_calls(database, send_id, statuses, ended=None):
    """Store how the calls of a send ended, and in which seconds; None for an unknown time."""
    seconds = range(len(statuses)) if ended is None else ended
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
                    "ended_at": None if second is None else moment(second),
                    "status": status,
                    "digit": "1" if status == "Answered" else None,
                }
                for number, (status, second) in enumerate(zip(statuses, seconds, strict=True))
            ],
        )


def moment(number):
    return dt.datetime(2026, 11, 29, 9, 0, number % 60, tzinfo=dt.UTC)
