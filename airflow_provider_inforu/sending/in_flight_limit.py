"""How many requests may wait for an answer at the same time."""

from __future__ import annotations

import math
from collections import deque

LEAST_IN_FLIGHT = 16
"""At the start, before any request was answered."""
RESERVE = 1.5
"""Above what Little's law gives, since the latency of requests differs."""
REMEMBERED_ANSWERS = 32


class InFlightLimit:
    """Grows with the latency of the vendor, so that the rate limit is reached at any latency.

    By Little's law, rate × latency requests are in flight where the rate is kept. Only answers raise the
    limit: a vendor that stops answering leaves no more people in doubt than before.

    :param requests_per_second: The rate limit; 0 is no limit.
    :param most: The most requests at a time, whatever the latency is.
    """

    def __init__(self, requests_per_second: float, most: int) -> None:
        self._rate = requests_per_second
        self._most = most
        self._seconds: deque[float] = deque(maxlen=REMEMBERED_ANSWERS)

    def add_answer(self, seconds: float) -> None:
        """Take the latency of a request into account.

        :param seconds: Between the request and its answer.
        """
        self._seconds.append(seconds)

    def current(self) -> int:
        """Return the most requests that may be in flight now."""
        if self._rate == 0:
            return self._most
        latency = sum(self._seconds) / len(self._seconds) if self._seconds else 0.0
        needed = math.ceil(RESERVE * self._rate * latency)
        return min(max(LEAST_IN_FLIGHT, needed), self._most)
