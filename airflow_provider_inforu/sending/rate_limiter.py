"""When the next request may leave: at the account's rate, and not while the vendor asks to wait."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.sending.local_rate_limiter import (
    EVENNESS,
    LocalRateLimiter,
    SlotHistory,
    Unlimited,
)
from airflow_provider_inforu.sending.redis_rate_limiter import RedisRateLimiter, SharedLimit

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.retry_policy import Backoff

WINDOW_MILLISECONDS = 1025
"""The limit holds for a little more than a second, since the way to the vendor shakes the spacing."""
TOGETHER_SECONDS = 0.07
"""Where workers share a limit, as many requests as the rate allows in this time may leave together, at least
one."""
SLOWER_SECONDS = 60.0
"""For how long the rate is halved after the vendor said that it was too high."""
LONGEST_STANDSTILL_SECONDS = 300.0
"""After so long without an accepted batch, or without a place in the rate limit, the send stops."""
_LONGEST_SILENCE_SECONDS = 5.0


class SlotLimiter(Protocol):
    """What lets requests go."""

    def acquire(self) -> float:
        """Acquire a slot and return 0.0, or return the seconds until a slot is free."""

    def mark_sent(self) -> None:
        """Tell that the requests leave now that have taken places since the last time."""


class RateLimiter:
    """Lets requests go almost evenly, and without a burst at the start.

    :param requests_per_second: The most requests in any one second; 0 is no limit.
    :param shared: Where the limit is kept together with other workers; None for this process alone.
    """

    def __init__(self, requests_per_second: float, shared: SharedLimit | None = None) -> None:
        self._slow_until = 0.0
        self._refused_since: float | None = None
        self._asked_at = 0.0
        self._history = SlotHistory()
        self._full_rate = _evenly(requests_per_second, shared, self._history)
        self._half_rate = _evenly(requests_per_second / 2, shared, self._history)

    def acquire(self) -> float:
        """Acquire a slot for a request and return 0.0, or return the seconds until a slot is free.

        :raises InforuError: The shared limit cannot be asked, or let nothing go for minutes.
        """
        now = time.monotonic()
        wait = (self._half_rate if now < self._slow_until else self._full_rate).acquire()
        # A send that held back did not ask, so it was not refused meanwhile.
        is_first = self._refused_since is None or now - self._asked_at > _LONGEST_SILENCE_SECONDS
        self._asked_at = now
        if not wait:
            self._refused_since = None
        elif is_first:
            self._refused_since = now
        if self._refused_since and now - self._refused_since > LONGEST_STANDSTILL_SECONDS:
            raise InforuError(
                f"the rate limit let no request go for {LONGEST_STANDSTILL_SECONDS:g} seconds: other sends "
                "of the account use it up, so nothing more is sent"
            )
        return wait

    def mark_sent(self) -> None:
        """Tell that the requests leave now that were counted since the last time.

        :raises InforuError: The shared limit cannot be asked.
        """
        self._full_rate.mark_sent()
        self._half_rate.mark_sent()

    def slow_down(self) -> None:
        """Halve the rate for a while; without a limit there is nothing to halve."""
        self._slow_until = time.monotonic() + SLOWER_SECONDS
        self._history.due = None  # the pause that the vendor asked for is not caught up


def _evenly(requests_per_second: float, shared: SharedLimit | None, history: SlotHistory) -> SlotLimiter:
    if requests_per_second == 0:
        return Unlimited()
    most = max(1, math.floor(requests_per_second))
    window = math.ceil(WINDOW_MILLISECONDS / min(1, requests_per_second))
    if shared is None:
        return LocalRateLimiter(most, window / 1000, history)
    rates = [(most, window)]
    together = max(1, math.floor(requests_per_second * TOGETHER_SECONDS))
    distance = math.floor(together * EVENNESS * 1000 / requests_per_second)
    if most > together and distance > 0:
        rates.insert(0, (together, distance))
    return RedisRateLimiter(shared, rates)


class BackoffGate:
    """Keeps requests back after a refusal that will pass.

    :param backoff: How long.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._until = 0.0
        self._failures = 0
        self._standstill_since: float | None = None

    def after(self, error: InforuError) -> bool:
        """Hold because of an error; return False when waiting makes no sense any more.

        Failures of requests that were in flight together count as one.
        """
        now = time.monotonic()
        self._standstill_since = self._standstill_since or now
        if self.is_over():
            self._failures += 1
        seconds = self._backoff.seconds(error, self._failures, time.time())
        if seconds is None or now + seconds - self._standstill_since > LONGEST_STANDSTILL_SECONDS:
            return False
        self._until = max(self._until, now + seconds)
        return True

    def release(self) -> None:
        """Count failures anew, since a batch was accepted."""
        self._failures = 0
        self._standstill_since = None

    def is_over(self) -> bool:
        """Return whether requests may leave."""
        return time.monotonic() >= self._until

    def seconds_left(self) -> float:
        """Return the seconds until requests may leave; 0.0 if they may leave now."""
        return max(0.0, self._until - time.monotonic())
