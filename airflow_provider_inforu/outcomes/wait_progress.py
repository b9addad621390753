"""When a wait is worth a line in the log."""

from __future__ import annotations

import math

PROGRESS_SECONDS = 30.0
"""The least time between two lines."""


class Progress:
    """Remembers what the log said of a wait."""

    def __init__(self) -> None:
        self._calls: int | None = None
        self._at = -math.inf

    def is_news(self, calls: int, now: float) -> bool:
        """Return whether to log a count now, and remember it if so: a changed one, and not too often.

        :param calls: How many calls have ended.
        :param now: Seconds of a clock that never goes back.
        """
        if calls == self._calls or now - self._at < PROGRESS_SECONDS:
            return False
        self._calls, self._at = calls, now
        return True
