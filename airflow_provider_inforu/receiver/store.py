"""Writes pushes to the store, each in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from airflow_provider_inforu.capi.call_outcome import OUTCOME_FIELDS
from airflow_provider_inforu.receiver.database import LOCK_SECONDS
from airflow_provider_inforu.receiver.push_parser import Rows, precedence_key
from airflow_provider_inforu.receiver.tables import calls, notifications, sources, unrecognized

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_inforu.receiver.database import Database
    from airflow_provider_inforu.receiver.unrecognized_payloads import Row

T = TypeVar("T")

CHUNK = 500
"""The maximum number of values in one IN list."""

_RESULT_FIELDS = ("received_at", *OUTCOME_FIELDS)


@dataclass(frozen=True, slots=True)
class Stored:
    """The counts of a stored push.

    :ivar notifications: The number of new notifications about voice calls.
    :ivar unrecognized: The number of new unrecognized payloads.
    :ivar repeats: The number of items that were already stored.
    """

    notifications: int
    unrecognized: int
    repeats: int


class Store:
    """Stores pushes. Safe to use from several threads and processes.

    The pushes of one connection are stored one after the other, on every database. Each push first updates
    the connection's row in ``inforu_source``, which locks the row until the end of the transaction. So IDs
    are assigned in the order of commits, and a reader that continues after its last ID misses nothing. The
    lock also makes it safe to insert only missing rows, with portable SQL and without deadlocks.

    The price is speed: on PostgreSQL, four threads store about a third less on one connection than on four
    connections. The alternative is a feed that ends before the oldest open transaction. Any long transaction
    in Airflow's database would then delay the feed.

    :param database: The database of notifications.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, conn_id: str, rows: Rows, now: dt.datetime, lock_seconds: float = LOCK_SECONDS) -> Stored:
        """Store a push completely or not at all, and return its counts when it is durable.

        :param conn_id: The ID of the connection.
        :param rows: The rows of the push.
        :param now: When the push arrived.
        :param lock_seconds: How long PostgreSQL waits for another push to the connection; default: 15.
        """
        with self._database.writing(lock_seconds) as connection:
            _lock_source(connection, conn_id, now)
            new = _insert_new(connection, notifications, conn_id, rows.notifications)
            _upsert_call_outcomes(connection, conn_id, new)
            new_unrecognized = _insert_new(connection, unrecognized, conn_id, rows.unrecognized)
        total = len(rows.notifications) + len(rows.unrecognized)
        return Stored(len(new), len(new_unrecognized), total - len(new) - len(new_unrecognized))


def _lock_source(connection: sa.Connection, conn_id: str, now: dt.datetime) -> None:
    lock = (
        sources.update()
        .where(sources.c.conn_id == conn_id)
        .values(pushes=sources.c.pushes + 1, last_push_at=now)
    )
    if connection.execute(lock).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(sources.insert().values(conn_id=conn_id, pushes=1, last_push_at=now))
    except sa.exc.IntegrityError:
        # Another process has inserted the row of the connection at the same time.
        connection.execute(lock)


def _insert_new(connection: sa.Connection, table: sa.Table, conn_id: str, rows: Iterable[Row]) -> list[Row]:
    """Insert the missing rows, and return them."""
    by_digest = {row["digest"]: row for row in rows}
    for digests in _chunks(list(by_digest)):
        known = sa.select(table.c.digest).where(table.c.conn_id == conn_id, table.c.digest.in_(digests))
        for digest in connection.scalars(known):
            del by_digest[digest]
    new = list(by_digest.values())
    if new:
        connection.execute(table.insert(), new)
    return new


def _upsert_call_outcomes(connection: sa.Connection, conn_id: str, new: list[Row]) -> None:
    """Insert or update the outcome of each call, from its notification with the greatest precedence."""
    best = _best_by_call(new)
    known: dict[tuple[str, str], tuple[int, str]] = {}
    for names in _chunks(sorted(best)):
        # With several sends, this may find extra calls, which are ignored. Databases execute two lists much
        # faster than a list of pairs.
        query = sa.select(calls.c.send_id, calls.c.key, calls.c.id, calls.c.rank).where(
            calls.c.conn_id == conn_id,
            calls.c.send_id.in_({send_id for send_id, _ in names}),
            calls.c.key.in_({key for _, key in names}),
        )
        for found in connection.execute(query):
            known[found.send_id, found.key] = (found.id, found.rank)
    added = [_call(row) for name, row in best.items() if name not in known]
    if added:
        connection.execute(calls.insert(), added)
    changed = [
        {**_call(row), "call_id": known[name][0]}
        for name, row in best.items()
        if name in known and precedence_key(row) > known[name][1]
    ]
    if changed:
        values: dict[str, Any] = {name: sa.bindparam(name) for name in ("rank", *_RESULT_FIELDS)}
        update = calls.update().where(calls.c.id == sa.bindparam("call_id")).values(values)
        connection.execute(update, [{name: row[name] for name in (*values, "call_id")} for row in changed])


def _best_by_call(new: list[Row]) -> dict[tuple[str, str], Row]:
    """Return the notification with the greatest precedence for each call, in the order of arrival."""
    best: dict[tuple[str, str], Row] = {}
    for row in new:
        name = (row["send_id"], row["key"])
        if row["send_id"] and (name not in best or precedence_key(row) > precedence_key(best[name])):
            best[name] = row
    return best


def _call(row: Row) -> Row:
    names = ("conn_id", "send_id", "key", *_RESULT_FIELDS)
    return {"rank": precedence_key(row), **{name: row[name] for name in names}}


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
