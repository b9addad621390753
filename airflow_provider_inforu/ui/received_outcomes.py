"""Outcomes of sends from the receiver's tables, where there is a receiver."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_inforu.outcomes.health import PushHealth
from airflow_provider_inforu.outcomes.summary import CallResult, SendSummary
from airflow_provider_inforu.receiver.health import Health, RefusedPushes
from airflow_provider_inforu.receiver.migrate import NotReadyError
from airflow_provider_inforu.receiver.reading import MOST_ROWS, Reader
from airflow_provider_inforu.receiver.tables import calls
from airflow_provider_inforu.ui.call_views import PAGE_SIZE, OutcomesView, ResultsPage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_inforu.receiver.database import Database

INTERVALS = 30
"""Columns of the chart of calls over time."""


class ReceivedOutcomes:
    """Reads the receiver's tables.

    :param database: Where notifications are stored.
    :param health: The health of the receiver in this process; None if it runs elsewhere.
    """

    def __init__(self, database: Database, health: Health | None) -> None:
        self._database = database
        self._reader = Reader(database)
        self._health = health or Health(database, RefusedPushes())

    def is_ready(self) -> bool:
        """Return whether the tables exist."""
        try:
            return self._database.engine is not None
        except NotReadyError:
            return False

    def count_statuses(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, int]]:
        """Return how many calls ended with each status, by connection and send, with one query."""
        query = (
            sa.select(calls.c.conn_id, calls.c.send_id, calls.c.status, sa.func.count().label("calls"))
            .where(sa.tuple_(calls.c.conn_id, calls.c.send_id).in_(names))
            .group_by(calls.c.conn_id, calls.c.send_id, calls.c.status)
        )
        found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found[row.conn_id, row.send_id][row.status or ""] = row.calls
        return found

    def read(self, conn_id: str, send_id: str) -> OutcomesView:
        """Return how the calls of a send ended."""
        summary = SendSummary.from_json(self._reader.summary(conn_id, send_id))
        if summary.first_at is None or summary.last_at is None:
            return OutcomesView(summary)
        return OutcomesView(summary, self._count_ended(conn_id, send_id, summary.first_at, summary.last_at))

    def _count_ended(
        self, conn_id: str, send_id: str, first: dt.datetime, last: dt.datetime
    ) -> list[tuple[dt.datetime, int]]:
        step = (last - first) / INTERVALS
        starts = [first + step * index for index in range(INTERVALS if step else 1)]
        ended = calls.c.ended_at
        columns: list[Any] = []
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            is_inside = (ended >= start) if end is None else (ended >= start) & (ended < end)
            columns.append(sa.func.sum(sa.case((is_inside, 1), else_=0)))
        query = sa.select(*columns).where(calls.c.conn_id == conn_id, calls.c.send_id == send_id)
        with self._database.reading() as connection:
            counts = connection.execute(query).one()
        return [(start, int(count or 0)) for start, count in zip(starts, counts, strict=True)]

    def list_results(self, conn_id: str, send_id: str, status: str | None, after: str | None) -> ResultsPage:
        """Return one page of results.

        :raises ValueError: `after` is not a cursor.
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
        """Return the health of pushes of each connection."""
        return {conn_id: PushHealth.from_json(self._health.read(conn_id)) for conn_id in conn_ids if conn_id}
