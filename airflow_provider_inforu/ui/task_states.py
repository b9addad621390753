"""Read and write ledgers in Airflow's task state, directly in the database, for the API server."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session

from airflow_provider_inforu.ledger.ledger_keys import PREFIX
from airflow_provider_inforu.ledger.task_state_store import latest_of_tries, parse
from airflow_provider_inforu.ui.send_index import of_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from airflow_provider_inforu.ui.call_views import TaskRef
    from airflow_provider_inforu.ui.send_index import StoredSend


class TaskStateTable:
    """A ledger in Airflow's task state, in the database of the API server.

    :param send: The send.
    :param values: The stored texts by key.
    :param session: The session that writes decisions; None for a read-only store.
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
    :param session: The session that writes decisions; None for read-only stores.
    """
    try:
        from airflow.models.task_state_store import TaskStateStoreModel as Stored
    except ImportError:  # before Airflow 3.3
        return [TaskStateTable(send, {}) for send in sends]
    names = [(one.dag_run_id, one.task.task_id, one.task.map_index) for one in sends]
    columns: list[Any] = [Stored.dag_run_id, Stored.task_id, Stored.map_index]
    query = sa.select(*columns, Stored.key, Stored.value).where(
        # SQLite uses no index for tuples, so the runs are also selected alone.
        Stored.dag_run_id.in_({run for run, _, _ in names}),
        sa.tuple_(*columns).in_(names),
        Stored.key.like(f"{PREFIX}%"),
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
    """Lock a task instance, and yield a session and the state of the task.

    Until the lock is released, the task cannot start, and nobody else can settle its batches.
    """
    this = of_task(TaskInstance, task)
    with create_session(scoped=False) as session:
        if session.get_bind().dialect.name == "sqlite":
            # SQLite locks no rows. It locks the whole database at the first statement that writes.
            same = {"state": TaskInstance.state, "updated_at": TaskInstance.updated_at}
            session.execute(
                sa.update(TaskInstance).where(*this).values(same).execution_options(synchronize_session=False)
            )
        yield session, session.scalar(sa.select(TaskInstance.state).where(*this).with_for_update())
