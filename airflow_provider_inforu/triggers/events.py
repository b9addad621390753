"""A trigger for an AssetWatcher: it starts DAGs when outcomes of calls arrive."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_inforu.capi.errors import InforuError, InforuInputError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.outcomes.asset_events import describe, select
from airflow_provider_inforu.outcomes.awaited import check_seconds
from airflow_provider_inforu.outcomes.outcome_errors import is_transient
from airflow_provider_inforu.recipients.batches import digest
from airflow_provider_inforu.triggers.shared import shared_hooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow_provider_inforu.outcomes.receiver_client import FeedPage

PAGE = 1000
"""The most notifications in one event."""
SETTLED_SECONDS = 10.0
"""Seconds after which Airflow has stored an event. Then the trigger stores the position after it."""
_BACKLOG_PAUSE_SECONDS = 1.0
_SHORTEST_POLL_SECONDS = 0.05
_EVENNESS = (0.8, 1.2)


class InforuCallEventTrigger(BaseEventTrigger):
    """Fire an event each time outcomes of calls arrive at the receiver.

    Use it in ``Asset(watchers=[AssetWatcher(name=…, trigger=InforuCallEventTrigger())])``. One event covers
    up to 1,000 notifications. It contains counts by status and digit, the sends, and the keys of the first
    100 calls.

    On Airflow 3.3 and later, the trigger stores its position in the asset's state. So after a restart of the
    triggerer, each notification is in at least one event, and some may be in two. Before Airflow 3.3, and if
    several assets share one trigger, the trigger starts with the notifications that arrive after its start.

    :param inforu_conn_id: The ID of the connection (default ``inforu_default``).
    :param send_id: Fire only for outcomes of this send. None (default): all outcomes, including those of
        calls from outside this package.
    :param status: Fire only for outcomes with this status, or with one of these statuses. None (default):
        all.
    :param poll_interval: Seconds between two polls, plus or minus 20 % (default 30).
    :raises InforuInputError: ``status`` is an empty list, or ``poll_interval`` is invalid.
    """

    def __init__(
        self,
        *,
        inforu_conn_id: str = InforuHook.default_conn_name,
        send_id: str | None = None,
        status: str | Sequence[str] | None = None,
        poll_interval: float = 30.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        check_seconds("poll_interval", poll_interval)
        if status is not None and not isinstance(status, str) and not status:
            raise InforuInputError(
                "`status` is an empty list, so no outcome would fire. Name a status, or pass None for all"
            )
        self.inforu_conn_id = inforu_conn_id
        self.send_id = send_id
        self.status = [status] if isinstance(status, str) else status and sorted(set(status))
        self.poll_interval = poll_interval
        self._last_problem = ""
        self._settling: deque[tuple[float, str]] = deque()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments as plain JSON. Equal arguments give equal JSON."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "inforu_conn_id": self.inforu_conn_id,
            "send_id": self.send_id,
            "status": self.status,
            "poll_interval": self.poll_interval,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Read notifications from the stored position on, and yield an event for each page with outcomes."""
        cursor = await self._first_cursor()
        while True:
            await self._keep_settled()
            page = await self._read(cursor)
            if page is not None and page.next != cursor:
                cursor = page.next
                found = select(page.events, send_id=self.send_id, statuses=self.status)
                if found:
                    payload = {"inforu_conn_id": self.inforu_conn_id, **describe(found)}
                    yield TriggerEvent(payload)  # type: ignore[no-untyped-call]
                self._settling.append((time.monotonic(), cursor))
            await self._pause(is_behind=page is not None and len(page.events) >= PAGE)

    async def _first_cursor(self) -> str:
        """Return the cursor to start from: the stored position, or the end of the feed."""
        while True:
            try:
                kept = await self._kept()
            except Exception as error:
                # A start at the end of the feed would skip notifications after the stored position.
                self._report_problem(
                    f"the asset's state could not be read ({type(error).__name__})", is_passing=True
                )
            else:
                if kept is not None:
                    return kept
                page = await self._read("latest")
                if page is not None:
                    await self._keep(page.next)
                    return page.next
            await self._pause()

    async def _read(self, cursor: str) -> FeedPage | None:
        try:
            shared = await shared_hooks.get(self.inforu_conn_id)
            page = await shared.ask_receiver(lambda: shared.hook.receiver.read_feed(cursor, PAGE))
        except InforuError as error:
            shared_hooks.doubt(self.inforu_conn_id, error)
            self._report_problem(str(error), is_passing=is_transient(error))
            return None
        if self._last_problem:
            self.log.info("outcomes of calls can be read again")
            self._last_problem = ""
        return page

    async def _pause(self, *, is_behind: bool = False) -> None:
        seconds = _BACKLOG_PAUSE_SECONDS if is_behind else self.poll_interval
        spread = random.uniform(*_EVENNESS)  # noqa: S311 - no secret
        await asyncio.sleep(max(seconds, _SHORTEST_POLL_SECONDS) * spread)

    def _report_problem(self, message: str, *, is_passing: bool) -> None:
        """Log a problem once until it changes. The trigger continues, because a person may correct it."""
        if message == self._last_problem:
            return
        self._last_problem = message
        if is_passing:
            self.log.warning("outcomes of calls cannot be read: %s. The trigger tries again", message)
        else:
            self.log.error(
                "outcomes of calls cannot be read: %s. Correct this. The trigger continues by itself", message
            )

    async def _kept(self) -> str | None:
        store = getattr(self, "asset_state_store", None)
        if store is None:
            return None
        try:
            kept = await store.aget(self._place())
        except ValueError:
            self.log.warning(
                "several assets share this trigger, so its position is lost when the triggerer restarts. "
                "Give each asset a trigger with different arguments"
            )
            self.asset_state_store = None
            return None
        return None if kept is None else str(kept)

    async def _keep_settled(self) -> None:
        settled = None
        while self._settling and time.monotonic() - self._settling[0][0] >= SETTLED_SECONDS:
            _, settled = self._settling.popleft()
        if settled is not None:
            await self._keep(settled)

    async def _keep(self, cursor: str) -> None:
        store = getattr(self, "asset_state_store", None)
        if store is None:
            return
        try:
            await store.aset(self._place(), cursor)
        except Exception as error:
            self.log.warning(
                "the position in the feed could not be stored (%s). After a restart some outcomes may be in "
                "two events",
                type(error).__name__,
            )

    def _place(self) -> str:
        return f"inforu_feed_{digest([self.inforu_conn_id, self.send_id, self.status])}"
