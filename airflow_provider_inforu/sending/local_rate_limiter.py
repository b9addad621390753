"""Places in the rate limit of one process."""

from __future__ import annotations

import time
from collections import deque

EVENNESS = 0.87
"""The distance of two requests, as a share of the even one. Below 1, since each round of the dispatcher takes
as long as a write of the ledger, and its end seldom meets the moment at which the next request is due."""
CATCH_UP_SECONDS = 0.5
"""So much of a pause is caught up: then several requests leave together."""
_REMEMBERED_SLOTS = 1000  # more than any account may make requests in a second


class SlotHistory:
    """When places were taken, and when their requests left. Two rates of one send share it.

    :ivar due: When the next request may take a place, if there are not too many in the window; None at first.
    """

    def __init__(self) -> None:
        self.due: float | None = None
        self.taken: deque[float] = deque(maxlen=_REMEMBERED_SLOTS)
        self.left: deque[float] = deque(maxlen=_REMEMBERED_SLOTS)


class LocalRateLimiter:
    """Lets requests go at nearly even distances, and after a pause of the ledger several together.

    There are never more than the limit in the window.

    :param most: The most requests in each window.
    :param window: The window, in seconds.
    :param history: What was taken before.
    """

    def __init__(self, most: int, window: float, history: SlotHistory) -> None:
        self._most = most
        self._window = window
        self._history = history
        self._acquired = 0

    def acquire(self) -> float:
        """Acquire a slot and return 0.0, or return the seconds until a slot is free."""
        now, taken = time.monotonic(), self._history.taken
        due = now if self._history.due is None else max(self._history.due, now - CATCH_UP_SECONDS)
        wait = due - now
        if len(taken) >= self._most:
            wait = max(wait, taken[-self._most] + self._window - now)
        if wait > 0:
            return wait
        self._history.due = due + EVENNESS * self._window / self._most
        taken.append(now)
        self._acquired += 1
        return 0.0

    def mark_sent(self) -> None:
        """Tell that the requests leave now that have taken places since the last time.

        A request leaves some time after it took its place, since its intent is written first. Where that time
        differs between requests, too many would leave within the window. Then this waits a moment.
        """
        together, self._acquired = self._acquired, 0
        if not together:
            return
        others, left = self._most - together, self._history.left
        if len(left) > others:
            wait = left[-others - 1] + self._window - time.monotonic()
            time.sleep(max(0.0, wait))
        left.extend([time.monotonic()] * together)


class Unlimited:
    """Places without a limit."""

    def acquire(self) -> float:
        """Return 0.0: a slot is always free."""
        return 0.0

    def mark_sent(self) -> None:
        """Do nothing: nothing is counted."""
