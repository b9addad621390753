"""A temporary database for data that would otherwise need memory for each recipient of a send.

SQLite keeps a small database in memory, and writes the rest to an unnamed file. The operating system removes
the file when the process ends, also after a kill.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from typing import Any

from airflow_provider_inforu.capi.errors import InforuError


class TemporaryStoreError(InforuError):
    """The temporary database cannot be written or read."""

    safe_to_resend = True


class TemporaryDatabase:
    """A temporary SQLite database. It can be used by several threads.

    :param tables: The SQL statements that create its tables.
    :param cache_megabytes: The most megabytes of the database in memory.
    """

    def __init__(self, tables: str, *, cache_megabytes: int) -> None:
        # SQLite creates a new temporary database for an empty name.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA cache_size = {-1024 * cache_megabytes}; {tables}; BEGIN"
        )
        self._turn = threading.Lock()
        weakref.finalize(self, self._database.close)

    def write(self, statement: str, values: tuple[Any, ...]) -> bool:
        """Execute a statement that writes, and return whether it wrote a row.

        :param statement: The SQL statement.
        :param values: The values of its placeholders.
        :raises TemporaryStoreError: The database cannot be written, for example because the disk is full.
        """
        try:
            with self._turn:
                return self._database.execute(statement, values).rowcount == 1
        except sqlite3.Error as error:
            raise _describe(error) from None

    def read(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Execute a statement that reads, and return its rows.

        :param statement: The SQL statement.
        :param values: The values of its placeholders.
        :raises TemporaryStoreError: The database cannot be read.
        """
        try:
            with self._turn:
                return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _describe(error) from None


def _describe(error: sqlite3.Error) -> TemporaryStoreError:
    return TemporaryStoreError(
        f"recipients cannot be stored in a temporary file ({error}). Calls that Inforu accepted are in the "
        "ledger, so a retry does not repeat them. Free space in the folder for temporary files, or set "
        "SQLITE_TMPDIR to another folder. Then retry"
    )
