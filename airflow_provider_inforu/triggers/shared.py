"""Resources that all triggers of a process share: threads for requests, and one hook for each connection.

A triggerer may run a thousand triggers in one event loop, so blocking code must run in threads. These threads
belong to this package: a receiver that hangs blocks no trigger of another provider. Alerts also run in the
triggerer, and use other threads.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.hooks.outcome_wait import new_rate_limiter
from airflow_provider_inforu.hooks.settings import ConnectionUnreadableError, unreadable_named
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError, SecretRefusedError
from airflow_provider_inforu.triggers.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_inforu.sending.rate_limiter import RateLimiter

T = TypeVar("T")

THREADS = 4
"""Enough for some hundred polls a second. With more, the event loop would wait for the interpreter's lock."""
THREADS_OF_A_RECEIVER = 2
"""The most threads for one receiver. If it hangs, the triggers of other connections have the rest."""
SETTINGS_SECONDS = 60.0
"""Seconds after which a connection is read again."""
FAILURE_SECONDS = 5.0
"""Seconds in which a failed request is not repeated, because a thousand triggers may need the same one."""
SLOW_SECONDS = 1.0
"""Seconds after which a failure counts as slow. A fast failure blocks no trigger, and may be repeated."""


class Shared:
    """The resources that the triggers of one connection share.

    :param hook: The hook, with its HTTP connections.
    """

    def __init__(self, hook: InforuHook) -> None:
        self.hook = hook
        self.turn = asyncio.Lock()
        """Held while a trigger asks Inforu, so that only one trigger waits for the rate limiter."""
        self._seats = asyncio.Semaphore(THREADS_OF_A_RECEIVER)
        self._failure: ReceiverError | None = None
        self._failed_until = 0.0

    @cached_property
    def rate_limiter(self) -> RateLimiter:
        """The rate limiter of the requests to Inforu. Its creation may ask a Redis server."""
        return new_rate_limiter(self.hook.settings)

    async def ask_receiver(self, ask: Callable[[], T]) -> T:
        """Run a request to the receiver in a thread, and return its result.

        :param ask: The function that sends the request.
        :raises ReceiverError: The request failed, or an earlier one failed a few seconds ago.
        """
        await self._seats.acquire()
        if self._failure is not None and time.monotonic() < self._failed_until:
            self._seats.release()
            raise copy(self._failure)
        loop = asyncio.get_running_loop()
        asked = _threads.submit(self._ask, ask)
        # If the trigger is cancelled, its thread still waits. So the thread keeps the seat until it ends.
        asked.add_done_callback(lambda _: self._leave_seat(loop))
        return await asyncio.wrap_future(asked)

    def _leave_seat(self, loop: asyncio.AbstractEventLoop) -> None:
        # On a closed loop, no trigger waits for a seat.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._seats.release)

    def _ask(self, ask: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return ask()
        except ReceiverError as error:
            now = time.monotonic()
            if error.is_passing and now - began >= SLOW_SECONDS:
                self._failure, self._failed_until = copy(error), now + FAILURE_SECONDS
            raise


@dataclass(slots=True)
class _Entry:
    loop: asyncio.AbstractEventLoop
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    shared: Shared | None = None
    failure: InforuError | None = None
    read_at: float = 0.0
    fresh_until: float = 0.0


class SharedHooks:
    """One hook for each connection, with settings that are read again after some time."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    async def get(self, conn_id: str) -> Shared:
        """Return the resources that the triggers of a connection share.

        :param conn_id: The ID of the connection.
        :raises InforuInputError: A field of the connection is invalid.
        :raises ConnectionUnreadableError: The connection is missing or could not be read.
        """
        loop = asyncio.get_running_loop()
        entry = self._entries.get(conn_id)
        if entry is None or entry.loop is not loop:
            entry = self._entries[conn_id] = _Entry(loop)
        async with entry.reading:
            if time.monotonic() >= entry.fresh_until:
                await _refresh(conn_id, entry)
        if entry.failure is not None:
            raise type(entry.failure)(str(entry.failure))
        if entry.shared is None:
            raise RuntimeError("the connection was not read, and no error was stored")
        return entry.shared

    def doubt(self, conn_id: str, error: InforuError) -> None:
        """Read a connection again before the next poll if its secret may have changed.

        :param conn_id: The ID of the connection.
        :param error: The error of a poll. Only a refused secret has an effect.
        """
        entry = self._entries.get(conn_id)
        if entry is not None and isinstance(error, SecretRefusedError):
            # Not immediately, because a thousand triggers may get the same error.
            entry.fresh_until = min(entry.fresh_until, entry.read_at + FAILURE_SECONDS)


async def _refresh(conn_id: str, entry: _Entry) -> None:
    seconds = SETTINGS_SECONDS
    try:
        entry.shared = await _read(conn_id, entry.shared)
        entry.failure = None
    except ConnectionUnreadableError as error:
        seconds = FAILURE_SECONDS
        if entry.shared is None:
            entry.failure = error
    except InforuError as error:
        seconds = FAILURE_SECONDS
        entry.failure = error
    entry.read_at = time.monotonic()
    entry.fresh_until = entry.read_at + seconds


async def _read(conn_id: str, known: Shared | None) -> Shared:
    hook = InforuHook(conn_id)
    with unreadable_named(conn_id):
        await hook.load_settings()
    if known is not None and known.hook.settings == hook.settings:
        return known
    return Shared(hook)


shared_hooks = SharedHooks()
"""The hooks of this process."""


_threads = Threads(THREADS, "inforu-trigger")
in_thread = _threads.run
"""Runs a blocking function in one of the threads of the triggers."""
