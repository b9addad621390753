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

_MOST_REMEMBERED = 1000

_Answer = tuple[str | None, bool]
"""The secret, and whether there is such a connection."""


class UnknownConnectionError(LookupError):
    """There is no such connection of type ``inforu``."""


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
        self._answers: dict[str, tuple[float, _Answer | None]] = {}

    def is_remembered(self, conn_id: str) -> bool:
        """Return whether :meth:`get` answers at once."""
        return self._remembered(conn_id) is not None

    def get(self, conn_id: str) -> str | None:
        """Return what ``secret_of`` returns or raises."""
        secret, exists = self._remembered(conn_id) or self._ask(conn_id)
        if not exists:
            raise UnknownConnectionError(conn_id)
        return secret

    def _remembered(self, conn_id: str) -> _Answer | None:
        with self._lock:
            until, answer = self._answers.get(conn_id, (0.0, None))
        return answer if until > self._clock() else None

    def _ask(self, conn_id: str) -> _Answer:
        answer: _Answer
        try:
            answer = (self._secret_of(conn_id), True)
        except UnknownConnectionError:
            answer = (None, False)
        with self._lock:
            if len(self._answers) >= _MOST_REMEMBERED:
                # Strangers can ask for any name; what is forgotten is only asked for again.
                self._answers.clear()
            self._answers[conn_id] = (self._clock() + self._seconds, answer)
        return answer
