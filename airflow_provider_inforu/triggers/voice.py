"""A trigger that waits until the calls of one send have ended."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.hooks.outcome_wait import RATE_PAUSE_SECONDS, new_source
from airflow_provider_inforu.outcomes.decision import (
    ClockReading,
    CompletionThreshold,
    CompletionTracker,
    Deadline,
    Verdict,
)
from airflow_provider_inforu.outcomes.sources import Job
from airflow_provider_inforu.triggers.shared import in_thread, shared_hooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from airflow_provider_inforu.outcomes.awaited import AwaitedSend
    from airflow_provider_inforu.outcomes.decision import Decision, PollResult
    from airflow_provider_inforu.outcomes.sources import Source, SourceName
    from airflow_provider_inforu.triggers.shared import Shared

LAST_LOOK_SECONDS = 60.0
"""Seconds after the deadline in which the last poll must end."""
EXPLAIN_SECONDS = 20.0
"""Seconds in which the receiver must explain, after the deadline, why outcomes are missing."""
BACKSTOP_SECONDS = 180.0
"""Seconds after the deadline when Airflow ends a trigger that has not ended itself."""
_SHORTEST_POLL_SECONDS = 0.05
_EVENNESS = (0.8, 1.2)


class InforuVoiceJobTrigger(BaseTrigger):
    """Wait until the calls of a send have ended, and fire one event.

    The trigger only reads, so Airflow can safely run it twice. The event is
    ``{"status": "success" | "timeout" | "error", "message": …, "summary": …}``. It contains only counts.

    :param inforu_conn_id: The ID of the connection (default ``inforu_default``).
    :param send_id: The ID of the send.
    :param expected: The number of accepted calls.
    :param complete_when: The share of the calls that must have ended, above 0 and at most 1 (default 1).
    :param source: Where to ask for ended calls: ``notifications`` (default) asks the receiver,
        ``status_function`` asks Inforu.
    :param requests: The manifest's ``requests``, for ``status_function``.
    :param poll_interval: Seconds between two polls, plus or minus 20 % (default 30).
    :param deadline: When the wait ends, in seconds since 1970.
    """

    def __init__(
        self,
        *,
        inforu_conn_id: str = InforuHook.default_conn_name,
        send_id: str,
        expected: int,
        complete_when: float = 1.0,
        source: SourceName = "notifications",
        requests: Sequence[Mapping[str, Any]] | None = None,
        poll_interval: float = 30.0,
        deadline: float,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.inforu_conn_id = inforu_conn_id
        self.send_id = send_id
        self.expected = expected
        self.complete_when = complete_when
        self.source = source
        self.requests = requests
        self.poll_interval = poll_interval
        self.deadline = deadline
        self._shared: Shared | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments, as plain JSON."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "inforu_conn_id": self.inforu_conn_id,
            "send_id": self.send_id,
            "expected": self.expected,
            "complete_when": self.complete_when,
            "source": self.source,
            "requests": None if self.requests is None else [dict(request) for request in self.requests],
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until the wait is over, then yield the event."""
        now = ClockReading.now()
        deadline = Deadline(self.deadline, now)
        wait = CompletionTracker(
            self.send_id, CompletionThreshold(self.expected, self.complete_when), deadline
        )
        source = self._new_source()
        decision = wait.before_first_look()
        # The first pause is random, because a restarted triggerer starts a thousand triggers at once.
        evenness = (0.0, 1.0)
        while not decision.is_final:
            pause = max(self.poll_interval, _SHORTEST_POLL_SECONDS) * random.uniform(*evenness)  # noqa: S311 - no secret
            await asyncio.sleep(min(pause, deadline.seconds_left(ClockReading.now())))
            decision = await self._look(source, wait)
            evenness = _EVENNESS
        yield TriggerEvent(decision.to_event())  # type: ignore[no-untyped-call]

    def _new_source(self) -> Source:
        jobs = [Job(request["request_token"], request["calls"]) for request in self.requests or ()]
        return new_source(
            self.source,
            self.send_id,
            jobs,
            get_hook=lambda: self._current().hook,
            get_rate_limiter=lambda: self._current().rate_limiter,
        )

    def _current(self) -> Shared:
        if self._shared is None:
            raise RuntimeError("the connection was not read yet")
        return self._shared

    async def _look(self, source: Source, wait: CompletionTracker) -> Decision:
        try:
            async with asyncio.timeout(wait.deadline.seconds_left(ClockReading.now()) + LAST_LOOK_SECONDS):
                found = await self._ask(source)
        except TimeoutError:
            return wait.after_error(InforuError("the poll did not end in time"), ClockReading.now())
        except InforuError as error:
            shared_hooks.doubt(self.inforu_conn_id, error)
            decision = wait.after_error(error, ClockReading.now())
            if not decision.is_final and wait.failures == 1:
                self.log.warning("%s. The trigger polls again", decision.message)
            return decision
        now = ClockReading.now()
        decision = wait.after_look(found, now)
        if decision.verdict is Verdict.TIMEOUT:
            return decision.explained(await self._explain(source))
        if not decision.is_final and wait.progress.is_news(found.summary.calls, now.monotonic):
            self.log.info("%s", decision.message)
        return decision

    async def _explain(self, source: Source) -> str:
        try:
            async with asyncio.timeout(EXPLAIN_SECONDS):
                return await self._current().ask_receiver(source.explain)
        except (TimeoutError, InforuError):
            return ""

    async def _ask(self, source: Source) -> PollResult:
        self._shared = await shared_hooks.get(self.inforu_conn_id)
        if self.source == "notifications":
            return await self._ask_until_done(partial(self._shared.ask_receiver, source.look))
        async with self._shared.turn:
            return await self._ask_until_done(partial(in_thread, source.look))

    @staticmethod
    async def _ask_until_done(look: Callable[[], Awaitable[PollResult | None]]) -> PollResult:
        while True:
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(RATE_PAUSE_SECONDS)


def defer_arguments(
    awaited: AwaitedSend,
    goal: CompletionThreshold,
    *,
    inforu_conn_id: str,
    source: SourceName,
    poll_interval: float,
    deadline: Deadline,
) -> dict[str, Any]:
    """Return the arguments ``trigger`` and ``timeout`` for an operator's ``defer``.

    The trigger ends itself at the deadline. Airflow's timeout comes later, for a trigger that hangs.

    :param awaited: The send.
    :param goal: The number of its calls that must have ended.
    :param inforu_conn_id: The ID of the connection.
    :param source: Where to ask for ended calls: ``notifications`` or ``status_function``.
    :param poll_interval: Seconds between two polls.
    :param deadline: When the wait ends.
    """
    asks_jobs = source == "status_function"
    trigger = InforuVoiceJobTrigger(
        inforu_conn_id=inforu_conn_id,
        send_id=awaited.send_id,
        expected=goal.expected,
        complete_when=goal.complete_when,
        source=source,
        requests=[job.to_json() for job in awaited.jobs or ()] if asks_jobs else None,
        poll_interval=poll_interval,
        deadline=deadline.at,
    )
    seconds = deadline.seconds_left(ClockReading.now()) + BACKSTOP_SECONDS
    return {"trigger": trigger, "timeout": timedelta(seconds=seconds)}
