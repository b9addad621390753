"""Decides when the next request may leave: at the account's rate, and not during a backoff."""

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
from airflow_provider_inforu.sending.redis_rate_limiter import (
    NO_MORE_REQUESTS,
    RedisRateLimiter,
    SharedLimit,
)

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.retry_policy import Backoff

WINDOW_MILLISECONDS = 1025
"""A little more than a second, because the network changes the distances of the requests."""
TOGETHER_SECONDS = 0.07
"""With a shared limit, the requests of this time at the full rate may leave together, at least one."""
SLOWER_SECONDS = 60.0
"""How long the rate is halved after the vendor refused a request because of the rate."""
LONGEST_STANDSTILL_SECONDS = 300.0
"""After this time without an accepted batch, or without a free slot, the send stops."""
_LONGEST_SILENCE_SECONDS = 5.0
"""After a longer pause between two calls of `acquire`, the time without a free slot begins again."""


class SlotLimiter(Protocol):
    """A rate limiter with one rate."""

    def acquire(self) -> float:
        """Acquire a slot and return 0.0, or return the seconds until a slot is free."""

    def mark_sent(self) -> None:
        """Mark every slot acquired since the last call as sent now."""


class RateLimiter:
    """Gives slots for requests at nearly even distances, also at the start.

    :param requests_per_second: The most requests in any second. 0 is no limit.
    :param shared: The rate limit that workers share through Redis. None (default): a limit of this process.
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

        :raises InforuError: Redis failed, or no slot was free for `LONGEST_STANDSTILL_SECONDS`.
        """
        now = time.monotonic()
        wait = (self._half_rate if now < self._slow_until else self._full_rate).acquire()
        # During a backoff, the send acquires no slots. This time does not count as time without a free slot.
        is_first = self._refused_since is None or now - self._asked_at > _LONGEST_SILENCE_SECONDS
        self._asked_at = now
        if not wait:
            self._refused_since = None
        elif is_first:
            self._refused_since = now
        if self._refused_since and now - self._refused_since > LONGEST_STANDSTILL_SECONDS:
            raise InforuError(
                f"The rate limiter had no free slot for {LONGEST_STANDSTILL_SECONDS:g} seconds: other sends "
                f"of the account use all slots. {NO_MORE_REQUESTS}. Run fewer sends at the same time"
            )
        return wait

    def mark_sent(self) -> None:
        """Mark every slot acquired since the last call as sent now.

        :raises InforuError: Redis failed.
        """
        self._full_rate.mark_sent()
        self._half_rate.mark_sent()

    def slow_down(self) -> None:
        """Halve the rate for `SLOWER_SECONDS`. Without a limit, do nothing."""
        self._slow_until = time.monotonic() + SLOWER_SECONDS
        self._history.due = None  # requests must not make up for the pause that the vendor asked for


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
    """Stops requests for a time after a temporary refusal.

    :param backoff: How long to stop.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._until = 0.0
        self._failures = 0
        self._standstill_since: float | None = None

    def after(self, error: InforuError) -> bool:
        """Begin a backoff after an error. Return False if the send should stop instead.

        Errors during a backoff do not make the next backoff longer.

        :param error: The error of a temporarily refused request.
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
        """Reset the count of failures after an accepted batch."""
        self._failures = 0
        self._standstill_since = None

    def is_over(self) -> bool:
        """Return whether requests may leave."""
        return time.monotonic() >= self._until

    def seconds_left(self) -> float:
        """Return the seconds until requests may leave; 0.0 if they may leave now."""
        return max(0.0, self._until - time.monotonic())
