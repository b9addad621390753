"""The secret of a connection, asked for at most once in a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

SecretOf = Callable[[str], str | None]
"""Takes a connection's id; returns its notification secret, or None where it has none.

It raises UnknownConnectionError for a connection that is not there or not of type ``inforu``, and
SecretUnavailableError when that cannot be told now.
"""

REMEMBERED_SECONDS = 30.0
"""A changed secret takes effect within this time; a burst of pushes asks Airflow once."""

_MOST_UNKNOWN = 1000


class UnknownConnectionError(LookupError):
    """There is no such connection of type ``inforu``."""


class OtherTypeError(UnknownConnectionError):
    """There is a connection of that name, of another type.

    :param conn_id: The connection.
    :param conn_type: Its type.
    """

    def __init__(self, conn_id: str, conn_type: str) -> None:
        super().__init__(conn_id)
        self.conn_type = conn_type


class SecretUnavailableError(RuntimeError):
    """Where connections are kept could not be asked."""


class RememberedSecrets:
    """A SecretOf that remembers answers for a short time. Safe to use from several threads.

    :param secret_of: Whom to ask.
    :param seconds: How long an answer holds.
    :param clock: Returns seconds.
    """

    def __init__(
        self,
        secret_of: SecretOf,
        seconds: float = REMEMBERED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret_of = secret_of
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        # Apart, since strangers can ask for any name: there are only so many connections.
        self._known: dict[str, tuple[float, str | None]] = {}
        self._unknown: dict[str, float] = {}

    def is_known(self, conn_id: str) -> bool:
        """Return whether there was such a connection when it was last asked for."""
        with self._lock:
            return conn_id in self._known

    def is_remembered(self, conn_id: str) -> bool:
        """Return whether :meth:`get` answers at once."""
        with self._lock:
            return self._holds_until(conn_id) > self._clock()

    def get(self, conn_id: str) -> str | None:
        """Return what ``secret_of`` returns or raises."""
        with self._lock:
            if self._holds_until(conn_id) > self._clock():
                if conn_id in self._known:
                    return self._known[conn_id][1]
                raise UnknownConnectionError(conn_id)
        return self._ask(conn_id)

    def _holds_until(self, conn_id: str) -> float:
        if conn_id in self._known:
            return self._known[conn_id][0]
        return self._unknown.get(conn_id, 0.0)

    def _ask(self, conn_id: str) -> str | None:
        try:
            secret = self._secret_of(conn_id)
        except UnknownConnectionError:
            with self._lock:
                self._known.pop(conn_id, None)
                if len(self._unknown) >= _MOST_UNKNOWN:
                    # What is forgotten is only asked for again.
                    self._unknown.clear()
                self._unknown[conn_id] = self._clock() + self._seconds
            raise
        with self._lock:
            self._unknown.pop(conn_id, None)
            self._known[conn_id] = (self._clock() + self._seconds, secret)
        return secret
