"""Limits the progress lines of a wait in the log."""

from __future__ import annotations

import math

PROGRESS_SECONDS = 30.0
"""The minimum time between two lines."""


class Progress:
    """Remembers the last progress line of a wait."""

    def __init__(self) -> None:
        self._calls: int | None = None
        self._at = -math.inf

    def is_news(self, calls: int, now: float) -> bool:
        """Return whether to log a count now: it has changed, and the last line is old enough.

        If so, remember the count and the time.

        :param calls: The number of ended calls.
        :param now: Seconds of a monotonic clock.
        """
        if calls == self._calls or now - self._at < PROGRESS_SECONDS:
            return False
        self._calls, self._at = calls, now
        return True
