"""What all triggers of a process share: threads for their requests, and one hook for each connection.

A triggerer runs a thousand triggers in one event loop, so whatever waits goes to a thread. The threads are
our own: a receiver that hangs takes none of those that other providers' triggers use. Alerts, which run in a
triggerer too, have others.
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
"""More would let the event loop wait for the interpreter's lock; these make some hundred looks a second."""
THREADS_OF_A_RECEIVER = 2
"""One that is silent leaves the others to the triggers of other connections."""
SETTINGS_SECONDS = 60.0
"""How long a connection is not read again."""
FAILURE_SECONDS = 5.0
"""How long a failure is not repeated: a thousand triggers may wait for the same answer."""
SLOW_SECONDS = 1.0
"""A request that failed sooner has kept nobody waiting, and may be repeated."""


class Shared:
    """What the triggers of one connection share.

    :param hook: The hook, with its pools of connections.
    """

    def __init__(self, hook: InforuHook) -> None:
        self.hook = hook
        self.turn = asyncio.Lock()
        """Held while a trigger asks the vendor, so that one of them watches the rate and not all."""
        self._seats = asyncio.Semaphore(THREADS_OF_A_RECEIVER)
        self._failure: ReceiverError | None = None
        self._failed_until = 0.0

    @cached_property
    def rate_limiter(self) -> RateLimiter:
        """What keeps the rate of requests to the vendor. Making it may ask a Redis server."""
        return new_rate_limiter(self.hook.settings)

    async def ask_receiver(self, ask: Callable[[], T]) -> T:
        """Ask the receiver in one of the threads that it may take.

        :param ask: Asks it.
        :raises ReceiverError: It could not be asked, or just now could not.
        """
        await self._seats.acquire()
        if self._failure is not None and time.monotonic() < self._failed_until:
            self._seats.release()
            raise copy(self._failure)
        loop = asyncio.get_running_loop()
        asked = _threads.submit(self._ask, ask)
        # A trigger that gives up leaves its thread waiting, which keeps the seat until it ends.
        asked.add_done_callback(lambda _: self._leave_seat(loop))
        return await asyncio.wrap_future(asked)

    def _leave_seat(self, loop: asyncio.AbstractEventLoop) -> None:
        # A loop that is closed has nobody who waits for a seat.
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
    """One hook for each connection. Its settings are read again now and then."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    async def get(self, conn_id: str) -> Shared:
        """Return what the triggers of a connection share.

        :param conn_id: The connection.
        :raises InforuInputError: The connection is missing, or a field of it is wrong.
        :raises ConnectionUnreadableError: Airflow could not say.
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
            raise RuntimeError("a connection was neither read nor refused")
        return entry.shared

    def doubt(self, conn_id: str, error: InforuError) -> None:
        """Read a connection again at the next look if an error says that its secret may have changed.

        :param conn_id: The connection.
        :param error: What a look raised.
        """
        entry = self._entries.get(conn_id)
        if entry is not None and isinstance(error, SecretRefusedError):
            # Not at once, where it was just read: a thousand triggers may see the same refusal.
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
"""Runs a function that waits in one of the threads of the triggers."""
