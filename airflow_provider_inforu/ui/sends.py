"""What Airflow's database knows of sends. No other module of the page imports Airflow's models."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy.orm import aliased

from airflow_provider_inforu.calls_page import COUNTS_KEY
from airflow_provider_inforu.sending.ledger_keys import PREFIX
from airflow_provider_inforu.sending.stores import latest_of_tries, parse
from airflow_provider_inforu.ui.call_views import PeopleCounts, TaskRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

XCOM_KEY = "inforu_send"
MOST_SENDS = 10_000
"""The newest sends that the list can reach."""
_COUNTS = [one.name for one in fields(PeopleCounts)]


@dataclass(frozen=True, slots=True)
class StoredSend:
    """A send, as its task's XComs describe it, with the state of its task.

    :ivar last_counts: The counts with which the last try ended; None if it has not, or was killed.
    """

    task: TaskRef
    send_id: str
    conn_id: str
    began_at: dt.datetime | None
    task_state: str
    try_number: int
    last_counts: PeopleCounts | None = None


def _select_sends() -> sa.Select[Any]:
    same = (
        (TaskInstance.dag_id == XComModel.dag_id)
        & (TaskInstance.run_id == XComModel.run_id)
        & (TaskInstance.task_id == XComModel.task_id)
        & (TaskInstance.map_index == XComModel.map_index)
    )
    counts = aliased(XComModel)
    ends_same = (
        (counts.dag_run_id == XComModel.dag_run_id)
        & (counts.task_id == XComModel.task_id)
        & (counts.map_index == XComModel.map_index)
        & (counts.key == COUNTS_KEY)
    )
    columns: list[Any] = [
        XComModel.dag_id,
        XComModel.run_id,
        XComModel.task_id,
        XComModel.map_index,
        XComModel.value,
        counts.value.label("counts"),
        XComModel.timestamp,
        TaskInstance.state,
        TaskInstance.try_number,
    ]
    query = sa.select(*columns).select_from(XComModel)
    return query.join(TaskInstance, same).outerjoin(counts, ends_same).where(XComModel.key == XCOM_KEY)


def list_stored_sends(dag_ids: Collection[str], *, dag_id: str, days: int) -> list[StoredSend]:
    """Return the newest sends of these DAGs.

    :param dag_ids: The DAGs that may be read.
    :param dag_id: Only this one of them; empty for all.
    :param days: The age of the oldest send; 0 for any.
    """
    wanted = [one for one in dag_ids if dag_id in {"", one}]
    query = _select_sends().where(XComModel.dag_id.in_(wanted))
    if days:
        query = query.where(XComModel.timestamp >= dt.datetime.now(dt.UTC) - dt.timedelta(days=days))
    query = query.order_by(XComModel.timestamp.desc()).limit(MOST_SENDS)
    with create_session(scoped=False) as session:
        return [send for row in session.execute(query) if (send := _read_row(row)) is not None]


def find_stored_send(task: TaskRef) -> StoredSend | None:
    """Return the send of a task instance, or None if it has none."""
    query = _select_sends().where(
        XComModel.dag_id == task.dag_id,
        XComModel.run_id == task.run_id,
        XComModel.task_id == task.task_id,
        XComModel.map_index == task.map_index,
    )
    with create_session(scoped=False) as session:
        row = session.execute(query).first()
    return None if row is None else _read_row(row)


def _read_row(row: sa.Row[Any]) -> StoredSend | None:
    """Return a send, or None if the value is not one that an operator wrote."""
    value = _parse(row.value)
    match value:
        case {"send_id": str(send_id)}:
            conn_id = value.get("inforu_conn_id")
            task = TaskRef(row.dag_id, row.run_id, row.task_id, row.map_index)
            name = conn_id if isinstance(conn_id, str) else ""
            state = row.state or "scheduled"
            counts = _read_counts(_parse(row.counts), send_id)
            return StoredSend(task, send_id, name, row.timestamp, state, row.try_number, counts)
    return None


def _parse(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Return an XCom's value; None if it is not JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _read_counts(value: Any, send_id: str) -> PeopleCounts | None:  # noqa: ANN401 - a JSON value
    """Return the counts of a send, or None if the value is not one that an operator wrote for it."""
    if not isinstance(value, dict) or value.get("send_id") != send_id:
        return None
    if not all(isinstance(value.get(name), int) for name in _COUNTS):
        return None
    return PeopleCounts(**{name: value[name] for name in _COUNTS})


class TaskStateTable:
    """A ledger in Airflow's task state, read by the API server from the database.

    :param values: The stored texts by key.
    :param session: Writes decisions; None for a store that is only read.
    """

    def __init__(self, send: StoredSend, values: Mapping[str, str], session: Session | None = None) -> None:
        self._send = send
        self._values = dict(values)
        self._session = session

    def latest(self) -> str | None:
        """Return the name of the last attempt; None without a ledger."""
        return latest_of_tries(self.get, self._send.try_number)

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None if it is missing."""
        text = self._values.get(key)
        return None if text is None else parse(parse(text, key), key)

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value that never expires."""
        from airflow._shared.state import TaskScope
        from airflow.state.metastore import MetastoreBackend

        task = self._send.task
        scope = TaskScope(
            dag_id=task.dag_id, run_id=task.run_id, task_id=task.task_id, map_index=task.map_index
        )
        text = json.dumps(json.dumps(value))
        MetastoreBackend().set(scope, key, text, expires_at=None, session=self._session)
        self._values[key] = text


def read_task_states(sends: Sequence[StoredSend], session: Session | None = None) -> list[TaskStateTable]:
    """Return the ledgers of sends from Airflow's task state, with one query.

    :param sends: The sends.
    :param session: With which decisions are written.
    """
    try:
        from airflow.models.task_state_store import TaskStateStoreModel as Stored
    except ImportError:  # before Airflow 3.3
        return [TaskStateTable(send, {}) for send in sends]
    names = [(one.task.dag_id, one.task.run_id, one.task.task_id, one.task.map_index) for one in sends]
    columns: list[Any] = [Stored.dag_id, Stored.run_id, Stored.task_id, Stored.map_index]
    query = sa.select(*columns, Stored.key, Stored.value).where(
        sa.tuple_(*columns).in_(names), Stored.key.like(f"{PREFIX}%")
    )
    values: dict[tuple[Any, ...], dict[str, str]] = defaultdict(dict)
    if session is not None:
        rows = session.execute(query).all()
    else:
        with create_session(scoped=False) as own:
            rows = own.execute(query).all()
    for *name, key, value in rows:
        values[tuple(name)][key] = value
    return [TaskStateTable(one, values[name], session) for one, name in zip(sends, names, strict=True)]


@contextmanager
def lock_task(task: TaskRef) -> Iterator[tuple[Session, str | None]]:
    """Lock a task instance, so that it neither starts nor is settled twice. Yield a session and its state."""
    query = (
        sa.select(TaskInstance.state)
        .where(
            TaskInstance.dag_id == task.dag_id,
            TaskInstance.run_id == task.run_id,
            TaskInstance.task_id == task.task_id,
            TaskInstance.map_index == task.map_index,
        )
        .with_for_update()
    )
    with create_session(scoped=False) as session:
        yield session, session.scalar(query)
