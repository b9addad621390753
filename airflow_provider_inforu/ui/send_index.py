"""Read sends from Airflow's database: the XComs and the states of their tasks."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy.orm import aliased

from airflow_provider_inforu.ledger.ledger_keys import COUNTS_KEY, decision_key
from airflow_provider_inforu.ledger.settling import FINISHED
from airflow_provider_inforu.ui.call_views import PAGE_SIZE, PeopleCounts, TaskRef

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session

    from airflow_provider_inforu.ui.call_views import SendFilter

XCOM_KEY = "inforu_send"
MOST_DOUBTFUL = 10_000
"""The most sends in the list of sends that may need a person. The newest come first."""
_COUNTS = [one.name for one in fields(PeopleCounts)]
_TASK = ("dag_run_id", "dag_id", "run_id", "task_id", "map_index")


@dataclass(frozen=True, slots=True)
class StoredSend:
    """A send from its task's XComs, with the state of its task.

    :ivar dag_run_id: The number of the task's run in Airflow's database.
    :ivar last_counts: The counts at the end of the last try; None if it still runs or was killed.
    :ivar has_decision: Whether a person has settled batches of this task; False if the query did not check
        it.
    """

    task: TaskRef
    dag_run_id: int
    send_id: str
    conn_id: str
    began_at: dt.datetime | None
    task_state: str
    try_number: int
    last_counts: PeopleCounts | None = None
    has_decision: bool = False


def count_stored_sends(dag_ids: Collection[str], wanted: SendFilter) -> dict[str, int]:
    """Return the number of sends of each connection. The filter's connection is ignored."""
    rows = (
        sa.select(_text(XComModel.value, "inforu_conn_id").label("conn_id"))
        .where(*_conditions(dag_ids, wanted))
        .subquery()
    )
    query = sa.select(rows.c.conn_id, sa.func.count()).group_by(rows.c.conn_id)
    with create_session(scoped=False) as session:
        return {conn_id or "": number for conn_id, number in session.execute(query)}


def list_stored_sends(dag_ids: Collection[str], wanted: SendFilter, page: int) -> list[StoredSend]:
    """Return one page of sends, the newest first.

    :param dag_ids: The DAGs that the user may read.
    :param wanted: The filter.
    :param page: The number of the page, from 1.
    """
    sends = _select_evidence(dag_ids, wanted).limit(PAGE_SIZE).offset(PAGE_SIZE * (page - 1)).subquery()
    with create_session(scoped=False) as session:
        return _read_rows(session, _join_tasks(sends))


def list_doubtful_sends(dag_ids: Collection[str], wanted: SendFilter) -> list[StoredSend]:
    """Return the sends of ended tasks that may have people in doubt, the newest first.

    It omits a send if the counts in its XCom show that nobody is in doubt.

    :param dag_ids: The DAGs that the user may read.
    :param wanted: The filter.
    """
    sends = _select_evidence(dag_ids, wanted).subquery()
    query = _join_tasks(sends, with_decisions=True)
    counts = query.selected_columns["counts"]
    is_final = (_text(counts, "send_id") == _text(sends.c.value, "send_id")) & (
        # SQLite returns a number here.
        sa.cast(_text(counts, "in_doubt"), sa.String) == "0"
    )
    query = query.where(
        TaskInstance.state.in_(FINISHED), sa.not_(sa.func.coalesce(is_final, sa.false()))
    ).limit(MOST_DOUBTFUL)
    with create_session(scoped=False) as session:
        return _read_rows(session, query)


def find_stored_send(task: TaskRef) -> StoredSend | None:
    """Return the send of a task instance, or None if it has none."""
    sends = (
        sa.select(*_evidence_columns()).where(XComModel.key == XCOM_KEY, *of_task(XComModel, task)).subquery()
    )
    with create_session(scoped=False) as session:
        return next(iter(_read_rows(session, _join_tasks(sends))), None)


def of_task(table: Any, task: TaskRef) -> list[Any]:  # noqa: ANN401 - a model
    """Return the conditions that select the rows of a task instance.

    :param table: A model with columns for the IDs of the task instance.
    :param task: The task instance.
    """
    return [
        table.dag_id == task.dag_id,
        table.run_id == task.run_id,
        table.task_id == task.task_id,
        table.map_index == task.map_index,
    ]


def save_counts(session: Session, send: StoredSend, counts: PeopleCounts) -> None:
    """Replace the counts that the task stored, after a person has decided.

    :param session: The session that holds the lock of the task.
    :param send: The send.
    :param counts: The counts after the decision.
    """
    if send.last_counts is None:
        return
    value = {"send_id": send.send_id, **asdict(counts)}
    session.execute(
        sa.update(XComModel)
        .where(
            XComModel.dag_run_id == send.dag_run_id,
            XComModel.task_id == send.task.task_id,
            XComModel.map_index == send.task.map_index,
            XComModel.key == COUNTS_KEY,
        )
        .values(value=value)
        .execution_options(synchronize_session=False)
    )


def _text(value: Any, name: str) -> Any:  # noqa: ANN401 - a column with JSON
    return value[name].as_string()


def _conditions(dag_ids: Collection[str], wanted: SendFilter) -> list[Any]:
    readable = [one for one in dag_ids if wanted.dag_id in {"", one}]
    conditions = [
        XComModel.key == XCOM_KEY,
        XComModel.dag_id.in_(readable),
        _text(XComModel.value, "send_id").is_not(None),
    ]
    if wanted.days:
        conditions.append(XComModel.timestamp >= dt.datetime.now(dt.UTC) - dt.timedelta(days=wanted.days))
    return conditions


def _evidence_columns() -> list[Any]:
    return [getattr(XComModel, name) for name in (*_TASK, "value", "timestamp")]


def _select_evidence(dag_ids: Collection[str], wanted: SendFilter) -> sa.Select[Any]:
    """Select the XComs of sends without their tasks, so that only the rows of a page are joined."""
    query = sa.select(*_evidence_columns()).where(*_conditions(dag_ids, wanted))
    if wanted.conn_id:
        query = query.where(_text(XComModel.value, "inforu_conn_id") == wanted.conn_id)
    return query.order_by(*_newest_first(XComModel))


def _newest_first(table: Any) -> Sequence[Any]:  # noqa: ANN401 - a table or the columns of a query
    return table.timestamp.desc(), table.dag_run_id.desc(), table.task_id, table.map_index


def _join_tasks(sends: sa.Subquery, *, with_decisions: bool = False) -> sa.Select[Any]:
    """Select sends with their counts and the states of their tasks.

    :param sends: The XComs of the sends.
    :param with_decisions: Whether to check for decisions of a person.
    """
    counts, found = aliased(XComModel), sends.c
    same_task = [getattr(TaskInstance, name) == found[name] for name in _TASK[1:]]
    same_counts = [getattr(counts, name) == found[name] for name in ("dag_run_id", "task_id", "map_index")]
    return (
        sa.select(
            *[found[name] for name in (*_TASK, "value", "timestamp")],
            counts.value.label("counts"),
            TaskInstance.state,
            TaskInstance.try_number,
            (_has_decision(found) if with_decisions else sa.false()).label("has_decision"),
        )
        .select_from(sends)
        .join(TaskInstance, sa.and_(*same_task))
        .outerjoin(counts, sa.and_(*same_counts, counts.key == COUNTS_KEY))
        .order_by(*_newest_first(found))
    )


def _has_decision(found: Any) -> Any:  # noqa: ANN401 - columns
    try:
        from airflow.models.task_state_store import TaskStateStoreModel as Stored
    except ImportError:  # before Airflow 3.3
        return sa.false()
    same_task = [getattr(Stored, name) == found[name] for name in ("dag_run_id", "task_id", "map_index")]
    is_decision = Stored.key.startswith(decision_key(""), autoescape=True)
    return sa.select(Stored.key).where(*same_task, is_decision).exists()


def _read_rows(session: Session, query: sa.Select[Any]) -> list[StoredSend]:
    return [send for row in session.execute(query) if (send := _read_row(row)) is not None]


def _read_row(row: sa.Row[Any]) -> StoredSend | None:
    """Return a send, or None if no operator wrote this value."""
    value = _parse(row.value)
    match value:
        case {"send_id": str(send_id)}:
            conn_id = value.get("inforu_conn_id")
            return StoredSend(
                TaskRef(row.dag_id, row.run_id, row.task_id, row.map_index),
                row.dag_run_id,
                send_id,
                conn_id if isinstance(conn_id, str) else "",
                row.timestamp,
                row.state or "scheduled",
                row.try_number,
                _read_counts(_parse(row.counts), send_id),
                bool(row.has_decision),
            )
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
    """Return the counts of a send, or None if its operator did not write this value."""
    if not isinstance(value, dict) or value.get("send_id") != send_id:
        return None
    if not all(isinstance(value.get(name), int) for name in _COUNTS):
        return None
    return PeopleCounts(**{name: value[name] for name in _COUNTS})
