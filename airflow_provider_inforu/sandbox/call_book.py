"""The calls that the sandbox accepted."""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_inforu.sandbox.call_endings import Outcome, choose_outcome
from airflow_provider_inforu.sandbox.clock import utc_time

if TYPE_CHECKING:
    from collections.abc import Sequence


class Item(NamedTuple):
    """One call in a request."""

    phone: str
    text: str | None
    message_id: str


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted call. Times are seconds since the epoch."""

    phone: str
    text: str | None
    message_id: str
    campaign_id: int
    request_token: str
    function: str
    accepted_at: float
    ends_at: float | None
    """``None``: the call never reports an end."""
    outcome: Outcome | None

    def ended(self, now: float) -> bool:
        """Return whether the call has ended."""
        return self.ends_at is not None and self.ends_at <= now

    def as_json(self, now: float) -> dict[str, Any]:
        """Return the call in the form of the control API. ``status`` is ``None`` while the call rings."""
        ended = self.ended(now)
        status, digit, seconds = self.outcome if ended and self.outcome else (None, None, None)
        return {
            "phone": self.phone,
            "text": self.text,
            "message_id": self.message_id,
            "campaign_id": self.campaign_id,
            "request_token": self.request_token,
            "function": self.function,
            "accepted_at": utc_time(self.accepted_at),
            "ended_at": utc_time(self.ends_at) if ended and self.ends_at is not None else None,
            "status": status,
            "digit": digit,
            "seconds": seconds,
        }


@dataclass(frozen=True)
class Job:
    """The calls of one accepted request. Times are seconds since the epoch."""

    request_token: str
    function: str
    campaign_id: int
    accepted_at: float
    ends_at: float
    """When its calls end, except calls that never report an end."""
    seed: int
    """The seed of the random outcomes."""
    items: Sequence[Item]

    @cached_property
    def calls(self) -> Sequence[Call]:
        """The calls with their outcomes. They are computed on first use, so that the response is fast."""
        return [self._call(item) for item in self.items]

    def _call(self, item: Item) -> Call:
        outcome = choose_outcome(self.seed, item.phone, item.message_id)
        return Call(
            phone=item.phone,
            text=item.text,
            message_id=item.message_id,
            campaign_id=self.campaign_id,
            request_token=self.request_token,
            function=self.function,
            accepted_at=self.accepted_at,
            ends_at=self.ends_at if outcome else None,
            outcome=outcome,
        )


class CallLog:
    """All accepted calls, by request. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._unreported: list[tuple[float, int, Job]] = []
        self._last_end = 0.0

    def accept(self, job: Job) -> None:
        """Record the calls of one request."""
        with self._lock:
            self._jobs[job.request_token] = job
            heapq.heappush(self._unreported, (job.ends_at, len(self._jobs), job))
            self._last_end = max(self._last_end, job.ends_at)

    def newest(self, count: int | None = None) -> list[Call]:
        """Return the last ``count`` calls, or all calls by default, in the order of acceptance."""
        with self._lock:
            jobs = list(self._jobs.values())
        if count is None:
            return list(chain.from_iterable(job.calls for job in jobs))
        newest = chain.from_iterable(reversed(job.calls) for job in reversed(jobs))
        return list(islice(newest, count))[::-1]

    def job(self, request_token: str) -> Job | None:
        """Return the job of a RequestToken, or ``None`` for an unknown token."""
        with self._lock:
            return self._jobs.get(request_token)

    def take_due(self, now: float, *, delay: float, held: float) -> list[Job]:
        """Return the ended jobs with due notifications. Each job is returned once.

        :param now: The current time, in seconds since 1970.
        :param delay: Seconds between the end of a call and its notification.
        :param held: Seconds for which the first due notification waits for later ones.
        """
        due: list[Job] = []
        with self._lock:
            if not self._unreported or self._unreported[0][0] + delay + held > now:
                return due
            while self._unreported and self._unreported[0][0] + delay <= now:
                due.append(heapq.heappop(self._unreported)[2])
        return due

    def counts(self, now: float) -> dict[str, Any]:
        """Return the number of all calls, of ringing calls, and of ended calls by status."""
        calls = self.newest()
        by_status = Counter(call.outcome.status for call in calls if call.outcome and call.ended(now))
        return {
            "calls": len(calls),
            "ringing": len(calls) - by_status.total(),
            "by_status": dict(by_status),
        }

    def still_to_end(self, now: float) -> bool:
        """Return whether some calls still ring, except calls that never report an end."""
        return self._last_end > now
