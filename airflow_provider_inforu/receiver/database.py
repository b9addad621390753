"""The database of the store: its connections, made ready on first use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from airflow_provider_inforu.receiver.migrate import upgrade

CONNECTIONS = 4
"""At most so many at a time: in the API server the rest of the pool is Airflow's."""

_CONNECT_SECONDS = 5
_BUSY_SECONDS = 15
_LOCK_SECONDS = 15
_SWITCH_SECONDS = 5.0


class NotReadyError(RuntimeError):
    """The tables are missing, and making them is the administrator's task."""


class Database:
    """Where notifications are stored.

    :param engine_of: Returns the engine; called once, on first use.
    :param prepare: Makes the tables, or raises NotReadyError.
    """

    def __init__(self, engine_of: Callable[[], sa.Engine], prepare: Callable[[sa.Engine], None]) -> None:
        self._engine_of = engine_of
        self._prepare = prepare
        self._lock = Lock()
        self._engine: sa.Engine | None = None

    @property
    def engine(self) -> sa.Engine:
        """The engine of a database that is ready.

        :raises NotReadyError: The tables are missing.
        :raises sqlalchemy.exc.SQLAlchemyError: The database cannot be reached; the next use tries again.
        """
        with self._lock:
            if self._engine is None:
                engine = self._engine_of()
                self._prepare(engine)
                self._engine = engine
            return self._engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection to read from."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection whose transaction is committed at the end, or undone after an error.

        It first takes a lock that others wait for, so it must begin with a statement that writes.
        """
        engine = self.engine
        # Each statement has to see what others committed while it waited.
        if engine.dialect.name != "sqlite":
            engine = engine.execution_options(isolation_level="READ COMMITTED")
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            yield connection

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()


def open_database(url: str) -> Database:
    """Return the database at a URL of its own; its tables are made or migrated on first use.

    :param url: As SQLAlchemy takes it.
    :raises sqlalchemy.exc.ArgumentError: That is no such URL.
    """
    parsed = sa.make_url(url)
    return Database(lambda: _own_engine(parsed), _prepare_own)


def _own_engine(url: sa.URL) -> sa.Engine:
    name = url.get_backend_name()
    arguments = {"timeout": _BUSY_SECONDS} if name == "sqlite" else {"connect_timeout": _CONNECT_SECONDS}
    engine = sa.create_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_pre_ping=name != "sqlite",
        pool_timeout=_LOCK_SECONDS,
        connect_args=arguments,
        # An error would otherwise show what was to be stored.
        hide_parameters=True,
    )
    if name == "sqlite":
        sa.event.listen(engine, "connect", _be_durable)
    return engine


def _be_durable(connection: sa.engine.interfaces.DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The vendor is told 200 once. With NORMAL, which is faster, a power cut takes back what was committed.
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _prepare_own(engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        _switch_to_wal(engine)
    upgrade(engine)


def _switch_to_wal(engine: sa.Engine) -> None:
    """Let readers and a writer work at a time. The file remembers it.

    SQLite does not wait while another process uses the file, so we do. Without WAL all works, only slower.
    """
    deadline = time.monotonic() + _SWITCH_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)
        else:
            return
