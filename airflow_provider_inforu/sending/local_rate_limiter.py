"""Limits the rate of one process."""

from __future__ import annotations

import time
from collections import deque

EVENNESS = 0.87
"""The distance of two requests, divided by the even distance at the full rate. It is below 1, because a slot
is often acquired late: each round of the dispatcher lasts as long as a ledger write."""
CATCH_UP_SECONDS = 0.5
"""After a pause, several requests leave together. They make up for at most this part of the pause."""
_REMEMBERED_SLOTS = 1000  # above the rate of any account


class SlotHistory:
    """The times of the latest slots and requests. The full rate and the half rate of a send share it.

    :ivar due: When the next slot is due, if the window is not full. None: the next slot is due at once.
    :ivar taken: The times at which slots were acquired.
    :ivar left: The times at which their requests left.
    """

    def __init__(self) -> None:
        self.due: float | None = None
        self.taken: deque[float] = deque(maxlen=_REMEMBERED_SLOTS)
        self.left: deque[float] = deque(maxlen=_REMEMBERED_SLOTS)


class LocalRateLimiter:
    """Gives slots at nearly even distances. After a pause of the ledger, it gives several slots together.

    A window never has more slots than the limit.

    :param most: The most requests in each window.
    :param window: Length of the window in seconds.
    :param history: The latest slots.
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
        """Mark every slot acquired since the last call as sent now.

        A request leaves some time after its slot, because its intent is written first. If this time differs
        between requests, too many of them could leave within a window. Then this method waits first.
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
    """Gives slots without a limit."""

    def acquire(self) -> float:
        """Return 0.0: a slot is always free."""
        return 0.0

    def mark_sent(self) -> None:
        """Do nothing: slots are not counted."""
