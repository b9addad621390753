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
        self._answers: dict[str, tuple[float, str | None | UnknownConnectionError]] = {}

    def is_remembered(self, conn_id: str) -> bool:
        """Return whether :meth:`get` answers at once."""
        return self._remembered(conn_id) is not None

    def get(self, conn_id: str) -> str | None:
        """Return what ``secret_of`` returns or raises."""
        remembered = self._remembered(conn_id)
        answer = self._ask(conn_id) if remembered is None else remembered[1]
        if isinstance(answer, UnknownConnectionError):
            raise UnknownConnectionError(*answer.args)
        return answer

    def _remembered(self, conn_id: str) -> tuple[float, str | None | UnknownConnectionError] | None:
        with self._lock:
            found = self._answers.get(conn_id)
        return found if found and found[0] > self._clock() else None

    def _ask(self, conn_id: str) -> str | None | UnknownConnectionError:
        answer: str | None | UnknownConnectionError
        try:
            answer = self._secret_of(conn_id)
        except UnknownConnectionError as error:
            answer = error
        with self._lock:
            if len(self._answers) >= _MOST_REMEMBERED:
                # Strangers can ask for any name; what is forgotten is only asked for again.
                self._answers.clear()
            self._answers[conn_id] = (self._clock() + self._seconds, answer)
        return answer
