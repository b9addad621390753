"""Log lines about refused requests, limited per minute, so that strangers cannot fill a disk."""

from __future__ import annotations

import logging
import time
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINES = 20
_SECONDS = 60.0


class QuietLog:
    """Logs the first lines of each minute, and counts the others. Safe to use from several threads.

    :param log: The logger.
    :param clock: Returns seconds of a monotonic clock.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._lock = Lock()
        self._began = float("-inf")
        self._count = 0

    def warning(self, message: str, *args: object) -> None:
        """Log a warning, or count it.

        :param message: The format string of the log line.
        :param args: The arguments of the format string.
        """
        self._write(logging.WARNING, message, args)

    def error(self, message: str, *args: object) -> None:
        """Log an error, or count it.

        :param message: The format string of the log line.
        :param args: The arguments of the format string.
        """
        self._write(logging.ERROR, message, args)

    def _write(self, level: int, message: str, args: tuple[object, ...]) -> None:
        with self._lock:
            left_out = 0
            if self._clock() - self._began > _SECONDS:
                left_out = max(self._count - MOST_LINES, 0)
                self._began, self._count = self._clock(), 0
            self._count += 1
            is_loud = self._count <= MOST_LINES
        if left_out:
            self._log.warning("%d more requests were refused without a log line of their own", left_out)
        if is_loud:
            self._log.log(level, message, *args)
