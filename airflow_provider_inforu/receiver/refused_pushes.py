"""The health of pushes: the time of the last stored push, and the refused pushes of the last hour."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections import Counter, deque
from threading import Lock
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_inforu.receiver.tables import sources

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airflow_provider_inforu.receiver.database import Database

WINDOW_SECONDS = 3600
"""The time over which refused pushes are counted."""

_STEP_SECONDS = 60
_PUSH_PATH = re.compile(r"/v1/([^/]+)/notifications$")
_REASONS = {
    401: "wrong_secret",
    403: "address_not_allowed",
    404: "unknown_connection",
    413: "too_large",
    429: "wrong_secret",
    500: "not_stored",
    503: "not_stored",
}


class RefusedPushes:
    """Counts the pushes that this process refused in the last hour. Safe to use from several threads.

    Each connection has its own counts. All unknown names share one entry, so strangers cannot use up memory.

    :param clock: Returns seconds of a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._steps: dict[tuple[str | None, str], deque[list[int]]] = {}

    def add(self, conn_id: str | None, reason: str) -> None:
        """Count one refused push.

        :param conn_id: The ID of an existing connection; None for an unknown name.
        :param reason: Why the push was refused.
        """
        step = self._step()
        with self._lock:
            steps = self._steps.setdefault(
                (conn_id, reason), deque(maxlen=WINDOW_SECONDS // _STEP_SECONDS + 1)
            )
            if steps and steps[-1][0] == step:
                steps[-1][1] += 1
            else:
                steps.append([step, 1])

    def of(self, conn_id: str) -> dict[str, int]:
        """Return the number of refused pushes to a connection in the last hour, by reason.

        :param conn_id: The ID of the connection.
        """
        return self._sum(lambda name: name == conn_id)

    def elsewhere(self, conn_id: str) -> dict[str, int]:
        """Return the number of refused pushes to all other names in the last hour, by reason.

        :param conn_id: The ID of the excluded connection.
        """
        return self._sum(lambda name: name != conn_id)

    def size(self) -> int:
        """Return the number of stored counters."""
        with self._lock:
            return sum(map(len, self._steps.values()))

    def _sum(self, is_wanted: Callable[[str | None], bool]) -> dict[str, int]:
        oldest = self._step() - WINDOW_SECONDS // _STEP_SECONDS
        counts: Counter[str] = Counter()
        with self._lock:
            for (name, reason), steps in self._steps.items():
                if is_wanted(name):
                    counts[reason] += sum(count for step, count in steps if step >= oldest)
        return {reason: count for reason, count in sorted(counts.items()) if count}

    def _step(self) -> int:
        return int(self._clock() // _STEP_SECONDS)


class CountRefusedPushes:
    """An ASGI middleware that counts refused pushes by the status of their response.

    :param app: The application.
    :param refused: The counters.
    :param is_known: Returns whether this process knows a connection of this name.
    """

    def __init__(self, app: ASGIApp, refused: RefusedPushes, is_known: Callable[[str], bool]) -> None:
        self._app = app
        self._refused = refused
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, and count it if it is a refused push."""
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        found = _PUSH_PATH.search(scope["path"]) if is_post else None
        if found is None:
            await self._app(scope, receive, send)
            return
        conn_id = found[1]

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and (reason := _REASONS.get(message["status"])):
                # A deleted connection also returns 404, so its name counts as unknown.
                is_ours = message["status"] != 404 and self._is_known(conn_id)
                self._refused.add(conn_id if is_ours else None, reason)
            await send(message)

        await self._app(scope, receive, watch)


class Health:
    """Reads the health of pushes.

    :param database: The database of notifications.
    :param refused: The counters of refused pushes.
    """

    def __init__(self, database: Database, refused: RefusedPushes) -> None:
        self._database = database
        self._refused = refused

    def read(self, conn_id: str) -> dict[str, Any]:
        """Return the last and the refused pushes of a connection. Other names appear as counts only.

        :param conn_id: The ID of the connection.
        """
        return self.read_all([conn_id])[conn_id]

    def read_all(self, conn_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return the health of several connections, with one query.

        :param conn_ids: The IDs of the connections.
        """
        recently = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=WINDOW_SECONDS)
        is_wanted = sources.c.conn_id.in_(conn_ids)
        query = sa.select(sources.c.conn_id, sources.c.last_push_at).where(
            is_wanted | (sources.c.last_push_at >= recently)
        )
        with self._database.reading() as connection:
            pushes = {row.conn_id: row.last_push_at for row in connection.execute(query)}
        active = {name for name, pushed_at in pushes.items() if pushed_at >= recently}
        return {
            conn_id: {
                "last_push_at": pushes[conn_id].isoformat() if conn_id in pushes else None,
                "window_seconds": WINDOW_SECONDS,
                "refused": self._refused.of(conn_id),
                "elsewhere": {
                    "connections": len(active - {conn_id}),
                    "refused": self._refused.elsewhere(conn_id),
                },
            }
            for conn_id in conn_ids
        }
