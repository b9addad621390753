"""Places in the rate limit of one process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

REMEMBERED_PLACES = 1000
"""More than any account may make requests in a second."""
LONGEST_WAIT_SECONDS = 1.0
"""How long `OwnPlaces.leave` waits for one request at most."""


class PlaceHistory:
    """When places were taken, and when their requests left. Two rates of one send share it."""

    def __init__(self) -> None:
        self.taken: deque[float] = deque(maxlen=REMEMBERED_PLACES)
        self.left: deque[float] = deque(maxlen=REMEMBERED_PLACES)


class OwnPlaces:
    """Lets as many requests go as every window allows.

    :param rates: The most places in so many milliseconds, for each window; the longest window comes last.
    :param history: What was taken before.
    """

    def __init__(self, rates: Sequence[tuple[int, int]], history: PlaceHistory) -> None:
        self._rates = [(most, milliseconds / 1000) for most, milliseconds in rates]
        self._taken, self._left = history.taken, history.left
        self._leaving = 0

    def take(self) -> bool:
        """Take a place; return False where none is free."""
        now, taken = time.monotonic(), self._taken
        for most, seconds in self._rates:
            if len(taken) >= most and now - taken[-most] < seconds:
                return False
        taken.append(now)
        self._leaving += 1
        return True

    def leave(self) -> None:
        """Tell that the requests leave now that have taken places since the last time.

        A request leaves some time after it took its place, since its intent is written first. Where that time
        differs between requests, too many would leave within the longest window. Then this waits a moment.
        """
        most, window = self._rates[-1]
        for _ in range(self._leaving):
            if len(self._left) >= most:
                wait = self._left[-most] + window - time.monotonic()
                time.sleep(max(0.0, min(wait, LONGEST_WAIT_SECONDS)))
            self._left.append(time.monotonic())
        self._leaving = 0


class Unlimited:
    """Places without a limit."""

    def take(self) -> bool:
        """Return True: there is always a place."""
        return True

    def leave(self) -> None:
        """Do nothing: nothing is counted."""
