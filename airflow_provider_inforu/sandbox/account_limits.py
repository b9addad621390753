"""The limits of an account: requests per second, and calls in its quota."""

from __future__ import annotations

import threading
from collections import deque


class RateLimit:
    """Limits the requests in any one second. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def allows(self, now: float, requests_per_second: int) -> bool:
        """Return whether a request is allowed, and count it if so.

        :param now: Seconds of a monotonic clock.
        :param requests_per_second: The limit; 0 for no limit.
        """
        if not requests_per_second:
            return True
        with self._lock:
            while self._times and self._times[0] <= now - 1.0:
                self._times.popleft()
            if len(self._times) >= requests_per_second:
                return False
            self._times.append(now)
            return True


class Quota:
    """The remaining calls of the account. Safe to use from several threads."""

    def __init__(self, remaining: int | None) -> None:
        self._lock = threading.Lock()
        self._remaining = remaining

    @property
    def remaining(self) -> int | None:
        """The number of remaining calls; ``None`` for no limit."""
        return self._remaining

    def fill(self, remaining: int | None) -> None:
        """Set the number of remaining calls."""
        with self._lock:
            self._remaining = remaining

    def take(self, calls: int) -> bool:
        """Subtract ``calls`` from the quota, and return True. Return False if too few remain."""
        with self._lock:
            if self._remaining is None:
                return True
            if calls > self._remaining:
                return False
            self._remaining -= calls
            return True
