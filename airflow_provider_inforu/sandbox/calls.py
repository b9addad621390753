"""The calls that would have rung."""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sandbox.clock import utc_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.sandbox.outcomes import Outcome


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
        """Tell whether the call has ended."""
        return self.ends_at is not None and self.ends_at <= now

    def as_json(self, now: float) -> dict[str, Any]:
        """Return the call as the control API shows it; ``status`` is ``None`` while it rings."""
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


class CallLog:
    """Every accepted call, by request. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._jobs: dict[str, Sequence[Call]] = {}
        self._unreported: list[tuple[float, int, Sequence[Call]]] = []
        self._last_end = 0.0

    def accept(self, request_token: str, calls: Sequence[Call], ends_at: float) -> None:
        """Record the calls of one request, whose calls end at ``ends_at``."""
        with self._lock:
            self._calls.extend(calls)
            self._jobs[request_token] = calls
            heapq.heappush(self._unreported, (ends_at, len(self._jobs), calls))
            self._last_end = max(self._last_end, ends_at)

    def newest(self, count: int | None = None) -> list[Call]:
        """Return the last ``count`` calls, or all of them, in the order of their acceptance."""
        with self._lock:
            return self._calls[-count:] if count else list(self._calls)

    def job(self, request_token: str) -> Sequence[Call] | None:
        """Return the calls of one request, or ``None`` for a token that was never given out."""
        with self._lock:
            return self._jobs.get(request_token)

    def take_due(self, now: float, *, delay: float, held: float) -> list[Call]:
        """Take the ended calls whose notification is due; each is given out once.

        :param delay: Seconds between the end of a call and its notification.
        :param held: Seconds that the first due notification waits, to go together with later ones.
        """
        due: list[Call] = []
        with self._lock:
            if not self._unreported or self._unreported[0][0] + delay + held > now:
                return due
            while self._unreported and self._unreported[0][0] + delay <= now:
                due.extend(call for call in heapq.heappop(self._unreported)[2] if call.outcome)
        return due

    def counts(self, now: float) -> dict[str, Any]:
        """Return how many calls there are, how many still ring, and how the others ended."""
        calls = self.newest()
        by_status = Counter(call.outcome.status for call in calls if call.outcome and call.ended(now))
        return {
            "calls": len(calls),
            "ringing": len(calls) - by_status.total(),
            "by_status": dict(by_status),
        }

    def still_to_end(self, now: float) -> bool:
        """Tell whether a call rings that will end; the calls that never report are left out."""
        return self._last_end > now
