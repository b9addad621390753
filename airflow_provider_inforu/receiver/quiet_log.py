"""Log lines about refused requests: only so many a minute, so that nobody can fill a disk."""

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

    :param log: Where to.
    :param clock: Returns seconds.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._lock = Lock()
        self._began = float("-inf")
        self._count = 0

    def warning(self, message: str, *args: object) -> None:
        """Log a warning, or count it.

        :param message: As for logging.
        :param args: The same.
        """
        self._write(logging.WARNING, message, args)

    def error(self, message: str, *args: object) -> None:
        """Log an error, or count it.

        :param message: As for logging.
        :param args: The same.
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
            self._log.warning("%d more requests were refused, and not logged one by one", left_out)
        if is_loud:
            self._log.log(level, message, *args)
