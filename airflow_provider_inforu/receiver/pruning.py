"""Removes old rows from the store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_inforu.receiver.reading import read_conn_ids
from airflow_provider_inforu.receiver.tables import calls, notifications, sources, unrecognized

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from airflow_provider_inforu.receiver.database import Database

RETENTION_DAYS = 90
SHORTEST_DAYS = 8
"""A sensor waits seven days by default, so notifications must be kept longer."""

LONGEST_DAYS = 36_500

TABLES = (notifications, calls, unrecognized)

CHUNK = 1000
"""The maximum number of rows removed in one transaction, so that its lock is short."""

_PAUSE_SECONDS = 0.01
"""A pause in which other writers can get SQLite's lock."""


def count_old(database: Database, before: dt.datetime) -> dict[str, int]:
    """Return the number of old rows in each table.

    :param database: The database of notifications.
    :param before: Rows received earlier are old. A call is old only if all calls of its send are.
    """
    with database.reading() as connection:
        return {
            table.name: connection.scalar(
                sa.select(sa.func.count()).select_from(table).where(_is_old(table, before))
            )
            or 0
            for table in TABLES
        }


def prune(
    database: Database, before: dt.datetime, report: Callable[[int], None] = lambda _: None
) -> dict[str, int]:
    """Remove old rows, and return the number of removed rows in each table.

    :param database: The database of notifications.
    :param before: Rows received earlier are old. A call is old only if all calls of its send are.
    :param report: Called after each transaction with its number of removed rows; default: no report.
    """
    conn_ids = read_conn_ids(database)
    return {
        table.name: sum(_prune_table(database, table, conn_id, before, report) for conn_id in conn_ids)
        for table in TABLES
    }


def _is_old(table: sa.Table, before: dt.datetime) -> sa.ColumnElement[bool]:
    old = table.c.received_at < before
    if table is not calls:
        return old
    # A task that waits for a send counts its calls, so they are removed together.
    other = calls.alias()
    newer = sa.exists().where(
        other.c.conn_id == calls.c.conn_id,
        other.c.send_id == calls.c.send_id,
        other.c.received_at >= before,
    )
    return sa.and_(old, ~newer)


def _prune_table(
    database: Database,
    table: sa.Table,
    conn_id: str,
    before: dt.datetime,
    report: Callable[[int], None],
) -> int:
    old = sa.select(table.c.id).where(table.c.conn_id == conn_id, _is_old(table, before))
    lock = sources.update().where(sources.c.conn_id == conn_id).values(pushes=sources.c.pushes)
    total = 0
    while True:
        with database.reading() as connection:
            ids = list(connection.scalars(old.limit(CHUNK)))
        if not ids:
            return total
        with database.writing() as connection:
            # A push also locks this row first, which prevents a deadlock.
            connection.execute(lock)
            # Queried again under the lock, because a push may have added a newer call of the same send.
            ids = list(connection.scalars(old.where(table.c.id.in_(ids))))
            removed = connection.execute(table.delete().where(table.c.id.in_(ids))).rowcount
        total += removed
        report(removed)
        time.sleep(_PAUSE_SECONDS)
