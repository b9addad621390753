"""The pushes that wait to be stored: bounded for each connection, and no connection waits for another."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy.exc import OperationalError

from airflow_provider_inforu.receiver.database import WRITERS, is_lock_timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Read = TypeVar("Read")
Stored = TypeVar("Stored")

MOST_PUSHES = 1000
"""Pushes of one connection at a time, with those whose body still arrives."""
MOST_BYTES = 33_554_432
"""Bytes of the bodies of one connection at a time."""
PATIENCE_SECONDS = 15.0
"""How long a push waits for a row that another transaction has locked."""

_PAUSE_SECONDS = 0.2


class QueueFullError(RuntimeError):
    """Too many pushes of one connection wait."""


@dataclass(slots=True, eq=False)
class _Line:
    pushes: int = 0
    size: int = 0
    turn: anyio.Lock = field(default_factory=anyio.Lock)


class QueueSlot:
    """The place of one push in the line of its connection.

    :param line: The line.
    :param most_bytes: Bytes that the line takes.
    :param threads: The threads that store pushes.
    """

    def __init__(self, line: _Line, most_bytes: int, threads: anyio.CapacityLimiter) -> None:
        self._line = line
        self._most_bytes = most_bytes
        self._threads = threads
        self.size = 0

    def grow(self, size: int) -> None:
        """Count bytes that have arrived.

        :param size: How many.
        :raises QueueFullError: The line takes no more.
        """
        if self._line.size + size > self._most_bytes:
            raise QueueFullError
        self.size += size
        self._line.size += size

    async def run(self, read: Callable[[], Read], store: Callable[[Read], Stored]) -> Stored:
        """Return what ``store`` returns, after the pushes that came before to this connection.

        One push of each connection at a time waits for a thread, in the order in which they began to wait.
        So connections take turns. A locked row is tried again without a thread.

        :param read: Reads the body.
        :param store: Stores what was read. It raises soon where a row is locked.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        async with self._line.turn:
            rows = await anyio.to_thread.run_sync(read, limiter=self._threads)
            while True:
                try:
                    return await anyio.to_thread.run_sync(partial(store, rows), limiter=self._threads)
                except OperationalError as error:
                    if not is_lock_timeout(error) or time.monotonic() > deadline:
                        raise
                await anyio.sleep(_PAUSE_SECONDS)


class PushQueue:
    """Gives places to pushes.

    :param most_body_bytes: Bytes of the largest push: one of these always fits.
    """

    def __init__(self, most_body_bytes: int) -> None:
        self._most_bytes = max(MOST_BYTES, most_body_bytes)
        self._threads = anyio.CapacityLimiter(WRITERS)
        self._lines: dict[str, _Line] = {}

    @contextmanager
    def place(self, conn_id: str, size: int) -> Iterator[QueueSlot]:
        """Give a push a place until it is answered.

        :param conn_id: The connection.
        :param size: Bytes that the push announces; 0 where it announces none.
        :raises QueueFullError: Too many pushes of this connection wait.
        """
        line = self._lines.get(conn_id) or _Line()
        if line.pushes >= MOST_PUSHES or line.size + size > self._most_bytes:
            raise QueueFullError
        self._lines[conn_id] = line
        line.pushes += 1
        place = QueueSlot(line, self._most_bytes, self._threads)
        try:
            yield place
        finally:
            line.pushes -= 1
            line.size -= place.size
            if not line.pushes:
                del self._lines[conn_id]
