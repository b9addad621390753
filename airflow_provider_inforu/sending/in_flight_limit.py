"""Limits the number of requests in flight."""

from __future__ import annotations

import math
from collections import deque

LEAST_IN_FLIGHT = 16
"""The limit before the first response."""
RESERVE = 1.5
"""Factor on the result of Little's law, because the latency of requests differs."""
REMEMBERED_ANSWERS = 32


class InFlightLimit:
    """A limit that grows with the vendor's latency, so that a send reaches its rate at any latency.

    By Little's law, a full rate needs rate × latency requests in flight. Only responses raise the limit. If
    the vendor stops responding, the number of recipients in doubt does not grow.

    :param requests_per_second: The rate limit. 0 is no limit.
    :param most: The most requests in flight, at any latency.
    """

    def __init__(self, requests_per_second: float, most: int) -> None:
        self._rate = requests_per_second
        self._most = most
        self._seconds: deque[float] = deque(maxlen=REMEMBERED_ANSWERS)

    def add_answer(self, seconds: float) -> None:
        """Add the latency of a request.

        :param seconds: The seconds between the request and its response.
        """
        self._seconds.append(seconds)

    def current(self) -> int:
        """Return the most requests that may be in flight now."""
        if self._rate == 0:
            return self._most
        latency = sum(self._seconds) / len(self._seconds) if self._seconds else 0.0
        needed = math.ceil(RESERVE * self._rate * latency)
        return min(max(LEAST_IN_FLIGHT, needed), self._most)
