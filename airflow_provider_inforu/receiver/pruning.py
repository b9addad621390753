"""Removing what is old."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_provider_inforu.receiver.tables import calls, leftovers, notifications

if TYPE_CHECKING:
    from airflow_provider_inforu.receiver.database import Database

RETENTION_DAYS = 90

TABLES = (notifications, calls, leftovers)

CHUNK = 1000
"""So many rows go in one transaction: none holds a lock for long."""

_PAUSE_SECONDS = 0.01
"""In which those who wait for SQLite's one lock get it."""


def count_old(database: Database, before: dt.datetime) -> dict[str, int]:
    """Return how many rows of each table would go.

    :param database: Where they are.
    :param before: What was received earlier is old.
    """
    with database.reading() as connection:
        return {
            table.name: connection.scalar(
                sa.select(sa.func.count()).select_from(table).where(table.c.received_at < before)
            )
            or 0
            for table in TABLES
        }


def prune(database: Database, before: dt.datetime) -> dict[str, int]:
    """Remove what is old, and return how many rows of each table went.

    :param database: Where they are.
    :param before: What was received earlier is old.
    """
    return {table.name: _prune_table(database, table, before) for table in TABLES}


def _prune_table(database: Database, table: sa.Table, before: dt.datetime) -> int:
    old = table.c.received_at < before
    total = 0
    while True:
        with database.reading() as connection:
            ids = list(connection.scalars(sa.select(table.c.id).where(old).limit(CHUNK)))
        if not ids:
            return total
        # Asked again, because a call may have been heard of meanwhile.
        with database.writing() as connection:
            total += connection.execute(table.delete().where(table.c.id.in_(ids), old)).rowcount
        time.sleep(_PAUSE_SECONDS)
