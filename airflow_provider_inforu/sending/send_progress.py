"""How far a send is, in the log every few seconds."""

from __future__ import annotations

import logging
import time

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0


class Progress:
    """Counts accepted batches.

    :param total: How many there are to send.
    """

    def __init__(self, total: int) -> None:
        self.done = 0
        self._total = total
        self._start = self._said = time.monotonic()

    def say(self, in_flight: int) -> None:
        """Write a line, if the last one is some seconds old.

        :param in_flight: How many requests wait for an answer.
        """
        now = time.monotonic()
        if now - self._said < INTERVAL_SECONDS:
            return
        self._said = now
        rate = self.done / (now - self._start)
        left = f"about {(self._total - self.done) / rate:.0f} s left" if rate else "time left unknown"
        log.info(
            "%d of %d requests accepted, %d in flight, %.1f a second, %s",
            self.done,
            self._total,
            in_flight,
            rate,
            left,
        )
