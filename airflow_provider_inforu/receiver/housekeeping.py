"""Removes old notifications while the receiver runs, because managed Airflow has no cron."""

from __future__ import annotations

import datetime as dt
import logging
import random
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from airflow_provider_inforu.receiver.pruning import prune

if TYPE_CHECKING:
    from airflow_provider_inforu.receiver.database import Database

log = logging.getLogger(__name__)

FIRST_SECONDS = 600.0
"""The approximate delay of the first pruning, because a burst of pushes may follow a restart."""
NEXT_SECONDS = 6 * 3600.0


async def prune_now_and_then(database: Database, days: int) -> None:
    """Prune regularly while the receiver runs. After a failure, the next round tries again.

    :param database: The database of notifications.
    :param days: How long notifications are kept, in days.
    """
    seconds = FIRST_SECONDS
    threads = anyio.CapacityLimiter(1)
    while True:
        # The random delay keeps processes with the same start time from pruning at the same time.
        await anyio.sleep(seconds * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        await anyio.to_thread.run_sync(_prune_once, database, days, limiter=threads, abandon_on_cancel=True)
        seconds = NEXT_SECONDS


def _prune_once(database: Database, days: int) -> None:
    try:
        removed = prune(database, dt.datetime.now(dt.UTC) - dt.timedelta(days=days))
    except Exception as error:  # a database driver may raise any exception
        log.warning(
            "Old notifications could not be removed (%s). The receiver tries again in some hours",
            type(error).__name__,
        )
        return
    if any(removed.values()):
        counts = ", ".join(f"{table}: {rows} rows" for table, rows in removed.items())
        log.info("Removed notifications older than %d days: %s", days, counts)
