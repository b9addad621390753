"""A short-lived cache of the connections' credentials."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from threading import Lock

from airflow_provider_inforu.receiver.credentials import Credentials

log = logging.getLogger(__name__)

CredentialsOf = Callable[[str], Credentials]
"""A function that takes a connection's ID and returns its credentials.

It raises UnknownConnectionError if the connection is missing or not of type ``inforu``. It raises
SecretUnavailableError if the connection cannot be read now.
"""

REMEMBERED_SECONDS = 30.0
"""A changed secret takes effect within this time. A burst of pushes makes one lookup in Airflow."""

_MOST_UNKNOWN = 1000


class UnknownConnectionError(LookupError):
    """The connection is missing or not of type ``inforu``."""


class OtherTypeError(UnknownConnectionError):
    """The connection has another type.

    :param conn_id: The ID of the connection.
    :param conn_type: The type of the connection.
    """

    def __init__(self, conn_id: str, conn_type: str) -> None:
        super().__init__(conn_id)
        self.conn_type = conn_type


class SecretUnavailableError(RuntimeError):
    """The connection cannot be read now."""


class SecretCache:
    """Caches the credentials of connections for a short time. Safe to use from several threads.

    :param credentials_of: Reads the credentials of a connection.
    :param seconds: How long an entry is valid; default: 30.
    :param clock: Returns seconds of a monotonic clock.
    """

    def __init__(
        self,
        credentials_of: CredentialsOf,
        seconds: float = REMEMBERED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials_of = credentials_of
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        # Separate from unknown names, because strangers can send any number of names.
        self._known: dict[str, tuple[float, Credentials]] = {}
        self._expected: set[str] = set()
        self._unknown: dict[str, float] = {}

    def expect(self, conn_ids: Iterable[str]) -> None:
        """Count these connections as known before their first lookup.

        :param conn_ids: Connections that exist or existed.
        """
        with self._lock:
            self._expected.update(conn_ids)

    def is_known(self, conn_id: str) -> bool:
        """Return whether the last lookup found the connection, or the connection is expected."""
        with self._lock:
            return conn_id in self._known or conn_id in self._expected

    def recall(self, conn_id: str) -> Credentials | None:
        """Return cached credentials; None if the connection must be looked up.

        :param conn_id: The ID of the connection.
        :raises UnknownConnectionError: The last lookup did not find the connection.
        """
        now = self._clock()
        with self._lock:
            until, credentials = self._known.get(conn_id, (0.0, None))
            if until > now:
                return credentials
            if self._unknown.get(conn_id, 0.0) > now:
                raise UnknownConnectionError(conn_id)
        return None

    def look_up(self, conn_id: str) -> Credentials:
        """Look up the credentials of a connection, cache and return them.

        :param conn_id: The ID of the connection.
        :raises UnknownConnectionError: The connection is missing or not of type ``inforu``.
        :raises SecretUnavailableError: The connection cannot be read now.
        """
        try:
            credentials = self._credentials_of(conn_id)
        except UnknownConnectionError:
            with self._lock:
                self._known.pop(conn_id, None)
                self._expected.discard(conn_id)
                if len(self._unknown) >= _MOST_UNKNOWN:
                    # A forgotten name only costs another lookup.
                    self._unknown.clear()
                self._unknown[conn_id] = self._clock() + self._seconds
            raise
        for problem in credentials.problems:
            log.error(
                "The receiver cannot use the connection %r completely: %s. Correct the fields of the "
                "connection's extra",
                conn_id,
                problem,
            )
        with self._lock:
            self._unknown.pop(conn_id, None)
            self._known[conn_id] = (self._clock() + self._seconds, credentials)
        return credentials
