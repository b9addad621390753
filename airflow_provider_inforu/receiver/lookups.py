"""Looks up the credentials of connections, so that requests with unknown names cannot delay known ones."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

import anyio.to_thread

from airflow_provider_inforu.receiver.secrets import SecretCache, UnknownConnectionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_inforu.receiver.credentials import Credentials
    from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings

log = logging.getLogger(__name__)

_CONN_ID = re.compile(r"[\w.:#!()\-]{1,250}")
_PATHS = (".", "..")
_THREADS = 2
MOST_STRANGERS = 20
"""The maximum number of unknown names in lookup at the same time. Further ones are refused at once."""


class TooManyStrangersError(RuntimeError):
    """Too many unknown names wait to be looked up."""


def is_possible_name(conn_id: str) -> bool:
    """Return whether the name is valid for a connection.

    :param conn_id: The name.
    """
    return _CONN_ID.fullmatch(conn_id) is not None and conn_id not in _PATHS


class Lookups:
    """Finds credentials. Known connections and unknown names wait in separate queues.

    :param settings: The receiver's settings.
    """

    def __init__(self, settings: ReceiverSettings) -> None:
        self._secrets = SecretCache(settings.credentials_of)
        self._only = settings.connections
        self._secrets.expect(settings.connections)
        self._threads = anyio.CapacityLimiter(_THREADS)
        self._threads_of_strangers = anyio.CapacityLimiter(_THREADS)
        self._strangers = 0
        self._running: dict[str, asyncio.Task[Credentials]] = {}

    def expect(self, conn_ids: Iterable[str]) -> None:
        """Count these connections as known.

        :param conn_ids: Connections with earlier pushes.
        """
        self._secrets.expect(name for name in conn_ids if not self._only or name in self._only)

    def is_known(self, conn_id: str) -> bool:
        """Return whether the last lookup found the connection, or the connection is expected."""
        return self._secrets.is_known(conn_id)

    def is_listed(self, conn_id: str) -> bool:
        """Return whether ``receiver_connections`` allows the name. An empty option allows all names."""
        return not self._only or conn_id in self._only

    async def warm_up(self) -> None:
        """Look up the connections in ``receiver_connections``."""
        for conn_id in self._only:
            try:
                await self.find(conn_id)
            except Exception as error:
                log.warning(
                    "The connection %r in [inforu] receiver_connections cannot be read (%s). The receiver "
                    "tries again with each push to it. Check that the connection exists",
                    conn_id,
                    type(error).__name__,
                )

    async def find(self, conn_id: str) -> Credentials:
        """Return the credentials of a connection. Requests for the same name share one lookup.

        :param conn_id: The ID of the connection.
        :raises UnknownConnectionError: The connection is missing, not allowed or not of type ``inforu``.
        :raises SecretUnavailableError: The connection cannot be read now.
        :raises TooManyStrangersError: The name is unknown, and too many unknown names wait.
        """
        if not is_possible_name(conn_id) or not self.is_listed(conn_id):
            raise UnknownConnectionError(conn_id)
        if (remembered := self._secrets.recall(conn_id)) is not None:
            return remembered
        task = self._running.get(conn_id) or self._start(conn_id)
        # A cancelled request must not cancel the lookup of the others.
        return await asyncio.shield(task)

    def _start(self, conn_id: str) -> asyncio.Task[Credentials]:
        is_stranger = not self.is_known(conn_id)
        if is_stranger and self._strangers >= MOST_STRANGERS:
            raise TooManyStrangersError(conn_id)
        threads = self._threads_of_strangers if is_stranger else self._threads
        task = asyncio.ensure_future(
            anyio.to_thread.run_sync(self._secrets.look_up, conn_id, limiter=threads)
        )
        self._running[conn_id] = task
        self._strangers += is_stranger
        task.add_done_callback(lambda done: self._end(conn_id, done, is_stranger=is_stranger))
        return task

    def _end(self, conn_id: str, done: asyncio.Task[Credentials], *, is_stranger: bool) -> None:
        del self._running[conn_id]
        self._strangers -= is_stranger
        if not done.cancelled():
            done.exception()  # marks the exception as retrieved, even if no request waits for it
