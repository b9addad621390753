"""The queries of the store: the summary of a send, its calls, and the feed. They never return a phone."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_inforu.capi.call_outcome import OUTCOME_FIELDS
from airflow_provider_inforu.outcomes.summary import CallEvent, CallResult, SendSummary
from airflow_provider_inforu.receiver.cleaning import clean
from airflow_provider_inforu.receiver.push_parser import SEND_ID
from airflow_provider_inforu.receiver.tables import WORD_LENGTH, calls, notifications, sources

if TYPE_CHECKING:
    from airflow_provider_inforu.receiver.database import Database

log = logging.getLogger(__name__)

MOST_ROWS = 1000
"""The maximum number of rows in one response."""

LATEST = "latest"
"""The cursor of the end of the feed, for notifications that arrive from now on."""

OTHER = "other"
"""The name that counts digits other than one telephone key, and statuses beyond MOST_STATUSES."""
MOST_STATUSES = 100
"""The maximum number of statuses in a summary, which goes into events and XCom."""
_TELEPHONE_KEYS = frozenset("0123456789*#")

_LARGEST_ID = 2**63 - 1
_FEED_CURSOR = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_NO_CURSOR = "after must be a cursor. Use the value of next from an earlier reply"


class BadCursorError(ValueError):
    """The cursor does not come from this receiver."""


def read_conn_ids(database: Database) -> list[str]:
    """Return the IDs of the connections with stored pushes.

    :param database: The database of notifications.
    """
    with database.reading() as connection:
        return list(connection.scalars(sa.select(sources.c.conn_id)))


class Reader:
    """Reads the store for one connection at a time.

    :param database: The database of notifications.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def summary(self, conn_id: str, send_id: str) -> dict[str, Any]:
        """Return how many calls of a send have ended, by outcome. An unknown send has zeros.

        :param conn_id: The ID of the connection.
        :param send_id: The ID of the send.
        """
        query = (
            sa.select(
                calls.c.status,
                calls.c.digit,
                sa.func.count().label("calls"),
                sa.func.min(calls.c.ended_at).label("first_at"),
                sa.func.max(calls.c.ended_at).label("last_at"),
            )
            .where(calls.c.conn_id == conn_id, calls.c.send_id == send_id)
            .group_by(calls.c.status, calls.c.digit)
        )
        groups = []
        if SEND_ID.fullmatch(send_id):
            with self._database.reading() as connection:
                groups = list(connection.execute(query))
        by_status: Counter[str] = Counter()
        by_digit: Counter[str] = Counter()
        for group in groups:
            by_status[group.status or ""] += group.calls
            if group.digit is not None:
                digit = group.digit if group.digit in _TELEPHONE_KEYS else OTHER
                by_digit[digit] += group.calls
        return SendSummary(
            send_id=send_id,
            calls=by_status.total(),
            by_status=_limit_statuses(by_status),
            by_digit=dict(sorted(by_digit.items())),
            first_at=min((group.first_at for group in groups if group.first_at), default=None),
            last_at=max((group.last_at for group in groups if group.last_at), default=None),
        ).to_json()

    def calls(
        self, conn_id: str, send_id: str, *, status: str | None, after: str | None, limit: int
    ) -> dict[str, Any]:
        """Return calls of a send in the order of their first notifications.

        :param conn_id: The ID of the connection.
        :param send_id: The ID of the send.
        :param status: Only calls with this status; empty for calls without a status; None for all.
        :param after: The cursor of an earlier response; None begins with the first call.
        :param limit: The maximum number of calls.
        :raises BadCursorError: The cursor is invalid.
        """
        query = (
            sa.select(calls)
            .where(calls.c.conn_id == conn_id, calls.c.send_id == send_id, calls.c.id > _position(after))
            .order_by(calls.c.id)
            .limit(limit + 1)
        )
        if status is not None:
            query = query.where(calls.c.status == (clean(status, WORD_LENGTH) or None))
        rows = []
        if SEND_ID.fullmatch(send_id):
            with self._database.reading() as connection:
                rows = list(connection.execute(query))
        return {
            "calls": [CallResult(row.key, **_outcome(row)).to_json() for row in rows[:limit]],
            "next": str(rows[limit - 1].id) if len(rows) > limit else None,
        }

    def feed(self, conn_id: str, *, after: str | None, limit: int) -> dict[str, Any]:
        """Return notifications in the order of arrival, and always a cursor for the next page.

        A cursor identifies its notification by ID and time of arrival. If this database does not match the
        cursor, it was replaced, and the response begins with the first notification.

        :param conn_id: The ID of the connection.
        :param after: The cursor of an earlier response; None for the first notification, ``latest`` for the
            end of the feed.
        :param limit: The maximum number of notifications.
        :raises BadCursorError: The cursor is invalid.
        """
        with self._database.reading() as connection:
            if after == LATEST:
                newest = _newest(connection, conn_id)
                return {"notifications": [], "next": _feed_cursor(newest) if newest else "0"}
            position = _feed_position(connection, conn_id, after)
            query = (
                sa.select(notifications)
                .where(notifications.c.conn_id == conn_id, notifications.c.id > position)
                .order_by(notifications.c.id)
                .limit(limit)
            )
            rows = list(connection.execute(query))
        return {
            "notifications": [_event(row).to_json() for row in rows],
            "next": _feed_cursor(rows[-1]) if rows else after or "0",
        }


def _limit_statuses(by_status: Counter[str]) -> dict[str, int]:
    """Return the most frequent statuses by name, and the count of the others under one name."""
    ranked = sorted(by_status.items(), key=lambda item: (-item[1], item[0]))
    kept = Counter(dict(ranked[:MOST_STATUSES]))
    if rest := sum(count for _, count in ranked[MOST_STATUSES:]):
        kept[OTHER] += rest
    return dict(sorted(kept.items()))


def _position(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdecimal() and len(after) < 20 and int(after) <= _LARGEST_ID):
        raise BadCursorError(_NO_CURSOR)
    return int(after)


def _newest(connection: sa.Connection, conn_id: str) -> sa.Row[Any] | None:
    query: sa.Select[Any] = sa.select(notifications.c.id, notifications.c.received_at)
    own = query.where(notifications.c.conn_id == conn_id)
    return connection.execute(own.order_by(notifications.c.id.desc()).limit(1)).first()


def _feed_cursor(row: sa.Row[Any]) -> str:
    return f"{row.id}-{(row.received_at - _EPOCH) // _MICROSECOND}"


def _feed_position(connection: sa.Connection, conn_id: str, after: str | None) -> int:
    """Return the ID of the last read notification: 0 if the cursor comes from another database."""
    found = _FEED_CURSOR.fullmatch(after or "0")
    if not found:
        raise BadCursorError(_NO_CURSOR)
    position = _position(found[1])
    newest = _newest(connection, conn_id) if position else None
    if newest is None:
        return position
    query: sa.Select[Any] = sa.select(notifications.c.id, notifications.c.received_at).where(
        notifications.c.conn_id == conn_id, notifications.c.id == position
    )
    row = connection.execute(query).first()
    # A missing notification was pruned if newer ones exist. Otherwise the database was replaced.
    is_ours = position <= newest.id if row is None else found[2] is None or _feed_cursor(row) == after
    if is_ours:
        return position
    log.warning(
        "Connection %r: somebody asked for notifications with a position (`after`) of another database. "
        "The receiver starts again with the first notification, so some arrive twice. If you changed the "
        "database, do nothing. Otherwise check [inforu] receiver_database",
        conn_id,
    )
    return 0


def _event(row: sa.Row[Any]) -> CallEvent:
    return CallEvent(row.send_id, row.key, received_at=row.received_at, **_outcome(row))


def _outcome(row: sa.Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in OUTCOME_FIELDS}
