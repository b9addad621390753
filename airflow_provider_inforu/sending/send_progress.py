"""Logs the progress of a send every few seconds."""

from __future__ import annotations

import logging
import time

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0


class Progress:
    """The progress of a send.

    :ivar done: The number of accepted batches.
    :param total: The number of batches to send.
    """

    def __init__(self, total: int) -> None:
        self.done = 0
        self._total = total
        self._start = self._last_line_at = time.monotonic()

    def say(self, in_flight: int) -> None:
        """Log a line, if the last line is at least `INTERVAL_SECONDS` old.

        :param in_flight: The number of requests in flight.
        """
        now = time.monotonic()
        if now - self._last_line_at < INTERVAL_SECONDS:
            return
        self._last_line_at = now
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
