"""What an account may do: requests in a second, and calls in its quota."""

from __future__ import annotations

import threading
from collections import deque


class RateLimit:
    """Counts the requests of any one second. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def allows(self, now: float, requests_per_second: int) -> bool:
        """Count a request, unless it is one too many; a refused request is not counted.

        :param now: Seconds on a clock that never goes back.
        :param requests_per_second: 0 for no limit.
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
    """The calls that the account may still place. Safe to use from several threads."""

    def __init__(self, remaining: int | None) -> None:
        self._lock = threading.Lock()
        self._remaining = remaining

    @property
    def remaining(self) -> int | None:
        """Calls left; ``None`` for no end."""
        return self._remaining

    def fill(self, remaining: int | None) -> None:
        """Set the calls that are left."""
        with self._lock:
            self._remaining = remaining

    def take(self, calls: int) -> bool:
        """Take ``calls`` from the quota, all or none."""
        with self._lock:
            if self._remaining is None:
                return True
            if calls > self._remaining:
                return False
            self._remaining -= calls
            return True
