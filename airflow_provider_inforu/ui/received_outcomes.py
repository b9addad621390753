"""Read the outcomes of sends from the receiver's tables, if a receiver exists."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_inforu.outcomes.push_health import PushHealth
from airflow_provider_inforu.outcomes.summary import CallResult, SendSummary
from airflow_provider_inforu.receiver.migrate import NotReadyError
from airflow_provider_inforu.receiver.reading import MOST_ROWS, Reader
from airflow_provider_inforu.receiver.refused_pushes import Health, RefusedPushes
from airflow_provider_inforu.receiver.tables import calls
from airflow_provider_inforu.ui.call_views import PAGE_SIZE, OutcomesView, ResultsPage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_inforu.receiver.database import Database

_KEYS_IN_A_QUERY = 10_000
INTERVALS = 30
"""The number of columns in the chart of ended calls over time."""


class ReceivedOutcomes:
    """Reads the receiver's tables.

    :param database: The database of the notifications.
    :param health: The health of the receiver in this process; None if it runs elsewhere.
    """

    def __init__(self, database: Database, health: Health | None) -> None:
        self._database = database
        self._reader = Reader(database)
        self._health = health or Health(database, RefusedPushes())
        self.is_expected = health is not None
        """Whether this process runs the receiver. Then its tables must exist."""

    def is_ready(self) -> bool:
        """Return whether the tables exist."""
        try:
            return self._database.engine is not None
        except NotReadyError:
            return False

    def count_statuses(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, int]]:
        """Return the number of calls with each status, by connection and send, with one query."""
        query = (
            sa.select(calls.c.conn_id, calls.c.send_id, calls.c.status, sa.func.count().label("calls"))
            # Two conditions, because SQLite uses no index for pairs. Send IDs are random, so no other send
            # matches.
            .where(
                calls.c.conn_id.in_({conn_id for conn_id, _ in names}),
                calls.c.send_id.in_({send_id for _, send_id in names}),
            )
            .group_by(calls.c.conn_id, calls.c.send_id, calls.c.status)
        )
        found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found[row.conn_id, row.send_id][row.status or ""] = row.calls
        return found

    def find_ended(self, conn_id: str, send_id: str, keys: Sequence[str]) -> set[str]:
        """Return the keys of the people whose call has ended."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for start in range(0, len(keys), _KEYS_IN_A_QUERY):
                query = sa.select(calls.c.key).where(
                    calls.c.conn_id == conn_id,
                    calls.c.send_id == send_id,
                    calls.c.key.in_(keys[start : start + _KEYS_IN_A_QUERY]),
                )
                found.update(connection.scalars(query))
        return found

    def read(self, conn_id: str, send_id: str) -> OutcomesView:
        """Return the outcomes of a send's calls."""
        summary = SendSummary.from_json(self._reader.summary(conn_id, send_id))
        if summary.first_at is None or summary.last_at is None:
            return OutcomesView(summary)
        return OutcomesView(summary, self._count_ended(conn_id, send_id, summary.first_at, summary.last_at))

    def _count_ended(
        self, conn_id: str, send_id: str, first: dt.datetime, last: dt.datetime
    ) -> list[tuple[dt.datetime, int]]:
        step = (last - first) / INTERVALS
        starts = [first + step * index for index in range(INTERVALS if step else 1)]
        intervals = (
            sa.select(_number_interval(calls.c.ended_at, starts).label("number"))
            .where(calls.c.conn_id == conn_id, calls.c.send_id == send_id, calls.c.ended_at.is_not(None))
            .subquery()
        )
        query = sa.select(intervals.c.number, sa.func.count().label("calls")).group_by(intervals.c.number)
        with self._database.reading() as connection:
            counts = {row.number: row.calls for row in connection.execute(query)}
        return [(start, counts.get(number, 0)) for number, start in enumerate(starts)]

    def list_results(self, conn_id: str, send_id: str, status: str | None, after: str | None) -> ResultsPage:
        """Return one page of results.

        :raises ValueError: ``after`` is not a cursor.
        """
        found = self._reader.calls(conn_id, send_id, status=status, after=after, limit=PAGE_SIZE)
        return ResultsPage([CallResult.from_json(one) for one in found["calls"]], found["next"])

    def iter_results(self, conn_id: str, send_id: str) -> Iterator[CallResult]:
        """Yield every result."""
        after: str | None = None
        while True:
            found = self._reader.calls(conn_id, send_id, status=None, after=after, limit=MOST_ROWS)
            yield from (CallResult.from_json(one) for one in found["calls"])
            after = found["next"]
            if after is None:
                return

    def read_health(self, conn_ids: Sequence[str]) -> Mapping[str, PushHealth]:
        """Return the health of the notifications of each connection."""
        found = self._health.read_all([conn_id for conn_id in conn_ids if conn_id])
        return {conn_id: PushHealth.from_json(value) for conn_id, value in found.items()}


def _number_interval(moment: Any, starts: Sequence[dt.datetime], first: int = 0) -> Any:  # noqa: ANN401 - SQL
    """Return SQL for the number of the interval that contains a moment.

    It is a binary search: five comparisons in each row for thirty intervals.

    :param moment: A column with times.
    :param starts: The start of each interval.
    :param first: The number of the first interval.
    """
    if len(starts) == 1:
        return sa.literal_column(str(first))
    middle = len(starts) // 2
    return sa.case(
        (moment < starts[middle], _number_interval(moment, starts[:middle], first)),
        else_=_number_interval(moment, starts[middle:], first + middle),
    )
