"""The trigger that starts DAGs when outcomes of calls arrive, through an AssetWatcher."""

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
from airflow_provider_inforu.outcomes.decision import is_transient
from airflow_provider_inforu.recipients.batches import digest
from airflow_provider_inforu.triggers.shared import shared_hooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow_provider_inforu.outcomes.receiver_client import FeedPage

PAGE = 1000
"""The most notifications that one event is about."""
SETTLED_SECONDS = 10.0
"""After this time Airflow has surely stored an event, and the place behind it is kept."""
_BACKLOG_PAUSE_SECONDS = 1.0
_SHORTEST_POLL_SECONDS = 0.05
_EVENNESS = (0.8, 1.2)


class InforuCallEventTrigger(BaseEventTrigger):
    """Fire an event each time that outcomes of calls have arrived at the receiver.

    For ``Asset(watchers=[AssetWatcher(name=…, trigger=InforuCallEventTrigger())])``. One event is about up to
    1,000 notifications: counts by status and digit, the sends, and the first 100 calls by the person's key.

    The trigger keeps its place in the asset's state (Airflow 3.3 and later). So after a restart of the
    triggerer every notification is in an event, and some may be in two. Before 3.3, and if one trigger
    watches for several assets, it begins with the notifications that arrive after its start.

    :param inforu_conn_id: The connection (``inforu_default``).
    :param send_id: Only outcomes of this send. None: all outcomes, also of calls that others made.
    :param status: Only outcomes with this status, or with one of these. None: all.
    :param poll_interval: Seconds between two looks, plus or minus a fifth.
    :raises InforuInputError: The list of statuses is empty, or the interval is invalid.
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
                "status lists no status, so no outcome would fire: name one, or pass None for all"
            )
        self.inforu_conn_id = inforu_conn_id
        self.send_id = send_id
        self.status = [status] if isinstance(status, str) else status and sorted(set(status))
        self.poll_interval = poll_interval
        self._complaint = ""
        self._settling: deque[tuple[float, str]] = deque()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments, as plain JSON that is the same for the same arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "inforu_conn_id": self.inforu_conn_id,
            "send_id": self.send_id,
            "status": self.status,
            "poll_interval": self.poll_interval,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Read on from the kept place, for ever."""
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
        """Return where to begin: the kept place, or now."""
        while True:
            try:
                kept = await self._kept()
            except Exception as error:
                # A new beginning would skip what arrived since.
                self._complain(f"the asset's state could not be read ({type(error).__name__})", passing=True)
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
            self._complain(str(error), passing=is_transient(error))
            return None
        if self._complaint:
            self.log.info("the receiver can be read again")
            self._complaint = ""
        return page

    async def _pause(self, *, is_behind: bool = False) -> None:
        seconds = _BACKLOG_PAUSE_SECONDS if is_behind else self.poll_interval
        spread = random.uniform(*_EVENNESS)  # noqa: S311 - no secret
        await asyncio.sleep(max(seconds, _SHORTEST_POLL_SECONDS) * spread)

    def _complain(self, message: str, *, passing: bool) -> None:
        """Log what is wrong, once until it changes. The trigger goes on: somebody may correct it."""
        if message == self._complaint:
            return
        self._complaint = message
        if passing:
            self.log.warning("no outcomes of calls can be read: %s. Trying again", message)
        else:
            self.log.error("no outcomes of calls can be read until this is mended: %s", message)

    async def _kept(self) -> str | None:
        store = getattr(self, "asset_state_store", None)
        if store is None:
            return None
        try:
            kept = await store.aget(self._place())
        except ValueError:
            self.log.warning(
                "this trigger watches for several assets, so its place is not kept over a restart of the "
                "triggerer; give each asset a trigger with arguments of its own"
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
                "the place in the feed could not be kept (%s); after a restart some outcomes may come twice",
                type(error).__name__,
            )

    def _place(self) -> str:
        return f"inforu_feed_{digest([self.inforu_conn_id, self.send_id, self.status])}"
