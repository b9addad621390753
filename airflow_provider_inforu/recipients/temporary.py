"""A database for the time of a process, for what would take memory with each person of a send.

SQLite keeps what is small in memory, and writes the rest to a file that has no name: it is gone with the
process, however that ends.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from typing import Any

from airflow_provider_inforu.capi.errors import InforuError


class TemporaryStoreError(InforuError):
    """People cannot be kept on disk, or not be read from there."""

    safe_to_resend = True


class TemporaryDatabase:
    """Safe to use from several threads.

    :param tables: The statements that make its tables.
    :param cache_megabytes: How much of it may stay in memory.
    """

    def __init__(self, tables: str, *, cache_megabytes: int) -> None:
        # The empty name is a temporary database of its own.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA cache_size = {-1024 * cache_megabytes}; {tables}; BEGIN"
        )
        self._turn = threading.Lock()
        weakref.finalize(self, self._database.close)

    def write(self, statement: str, values: tuple[Any, ...]) -> bool:
        """Return whether a statement wrote a row.

        :param statement: One that writes.
        :param values: What its placeholders stand for.
        :raises TemporaryStoreError: There is no room.
        """
        try:
            with self._turn:
                return self._database.execute(statement, values).rowcount == 1
        except sqlite3.Error as error:
            raise _describe(error) from None

    def read(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Return what a statement finds.

        :param statement: One that reads.
        :param values: What its placeholders stand for.
        :raises TemporaryStoreError: It cannot be read.
        """
        try:
            with self._turn:
                return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _describe(error) from None


def _describe(error: sqlite3.Error) -> TemporaryStoreError:
    return TemporaryStoreError(
        f"people cannot be kept in a temporary file ({error}): make room in the folder for temporary files, "
        "or name another in SQLITE_TMPDIR"
    )
