"""The credentials of a connection, asked for at most once in a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from threading import Lock

from airflow_provider_inforu.receiver.credentials import Credentials

log = logging.getLogger(__name__)

CredentialsOf = Callable[[str], Credentials]
"""Takes a connection's id; returns its credentials.

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


class SecretCache:
    """Remembers the credentials of connections for a short time. Safe to use from several threads.

    :param credentials_of: Whom to ask.
    :param seconds: How long an answer holds.
    :param clock: Returns seconds.
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
        # Apart, since strangers can ask for any name: there are only so many connections.
        self._known: dict[str, tuple[float, Credentials]] = {}
        self._expected: set[str] = set()
        self._unknown: dict[str, float] = {}

    def expect(self, conn_ids: Iterable[str]) -> None:
        """Count these connections as known before they are first asked for.

        :param conn_ids: Connections that exist, or did.
        """
        with self._lock:
            self._expected.update(conn_ids)

    def is_known(self, conn_id: str) -> bool:
        """Return whether there was such a connection when it was last asked for, or one is expected."""
        with self._lock:
            return conn_id in self._known or conn_id in self._expected

    def recall(self, conn_id: str) -> Credentials | None:
        """Return remembered credentials, or None where the connection has to be looked up.

        :param conn_id: The connection.
        :raises UnknownConnectionError: It is remembered that there is none.
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
        """Ask for the credentials of a connection, and remember the answer.

        :param conn_id: The connection.
        :raises UnknownConnectionError: There is none.
        :raises SecretUnavailableError: That cannot be told now.
        """
        try:
            credentials = self._credentials_of(conn_id)
        except UnknownConnectionError:
            with self._lock:
                self._known.pop(conn_id, None)
                self._expected.discard(conn_id)
                if len(self._unknown) >= _MOST_UNKNOWN:
                    # What is forgotten is only asked for again.
                    self._unknown.clear()
                self._unknown[conn_id] = self._clock() + self._seconds
            raise
        for problem in credentials.problems:
            log.error("The connection %r is not usable for the receiver as it is: %s", conn_id, problem)
        with self._lock:
            self._unknown.pop(conn_id, None)
            self._known[conn_id] = (self._clock() + self._seconds, credentials)
        return credentials
