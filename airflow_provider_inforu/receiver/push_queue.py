"""The queues of pushes that wait to be stored: one bounded queue for each connection."""

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
"""The maximum number of waiting pushes of one connection, including pushes with an incomplete body."""
MOST_BYTES = 33_554_432
"""The maximum number of bytes in the waiting bodies of one connection."""
PATIENCE_SECONDS = 15.0
"""How long a push waits for a row locked by another transaction."""

_PAUSE_SECONDS = 0.2


class QueueFullError(RuntimeError):
    """Too many pushes of one connection are waiting."""


@dataclass(slots=True, eq=False)
class _Line:
    pushes: int = 0
    size: int = 0
    turn: anyio.Lock = field(default_factory=anyio.Lock)


class QueueSlot:
    """The slot of one push in the queue of its connection.

    :param line: The queue.
    :param most_bytes: The maximum number of bytes in the queue.
    :param threads: Limits the threads that store pushes.
    """

    def __init__(self, line: _Line, most_bytes: int, threads: anyio.CapacityLimiter) -> None:
        self._line = line
        self._most_bytes = most_bytes
        self._threads = threads
        self.size = 0

    def grow(self, size: int) -> None:
        """Count received bytes.

        :param size: The number of bytes.
        :raises QueueFullError: The queue is full.
        """
        if self._line.size + size > self._most_bytes:
            raise QueueFullError
        self.size += size
        self._line.size += size

    async def run(self, read: Callable[[], Read], store: Callable[[Read], Stored]) -> Stored:
        """Read and store the push after the earlier pushes of its connection, and return the result.

        Only one push of each connection waits for a thread, so the connections take turns. While a row is
        locked, the push waits without a thread.

        :param read: Reads the body.
        :param store: Stores the rows and returns the result. It raises soon if a row is locked.
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
    """Gives slots to pushes.

    :param most_body_bytes: The maximum size of one push, in bytes. One push of this size always fits.
    """

    def __init__(self, most_body_bytes: int) -> None:
        self._most_bytes = max(MOST_BYTES, most_body_bytes)
        self._threads = anyio.CapacityLimiter(WRITERS)
        self._lines: dict[str, _Line] = {}

    @contextmanager
    def place(self, conn_id: str, size: int) -> Iterator[QueueSlot]:
        """Yield a slot for a push until it is answered.

        :param conn_id: The ID of the connection.
        :param size: The announced size of the push in bytes; 0 if unknown.
        :raises QueueFullError: Too many pushes of this connection are waiting.
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
