"""The database of the store: its connections, made ready on first use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.receiver.migrate import upgrade

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

CONNECTIONS = 4
"""At most so many at a time: in the API server the rest of the pool is Airflow's."""

_CONNECT_SECONDS = 5
_LOCK_SECONDS = 15
_SWITCH_SECONDS = 5.0
# The pool hands a connection to one thread at a time; SQLAlchemy 2 knows that by itself.
_SQLITE_OPTIONS = {"timeout": _LOCK_SECONDS, "check_same_thread": False}
_SWITCH_PAUSE_SECONDS = 0.05


class Database:
    """Where notifications are stored.

    :param engine_of: Returns the engine; called on first use.
    :param prepare: Makes sure that the tables are there, or raises NotReadyError.
    :param is_ours: Whether the engine is ours alone, to be closed with the receiver.
    """

    def __init__(
        self, engine_of: Callable[[], sa.Engine], prepare: Callable[[sa.Engine], None], *, is_ours: bool
    ) -> None:
        self._engine_of = engine_of
        self._prepare = prepare
        self._is_ours = is_ours
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

        It must begin with a statement that writes: SQLite does not wait for a lock in the middle.
        """
        engine = self.engine
        is_sqlite = engine.dialect.name == "sqlite"
        # Each statement has to see what others committed while it waited.
        options = {} if is_sqlite else {"isolation_level": "READ COMMITTED"}
        with engine.execution_options(**options).begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            yield connection

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None and self._is_ours:
            engine.dispose()


def open_database(url: str, name: str = "the database") -> Database:
    """Return the database at a URL of its own; its tables are made or migrated on first use.

    :param url: As SQLAlchemy takes it.
    :param name: What an error calls it.
    :raises InforuInputError: That is no such URL, or its driver is missing.
    """
    try:
        parsed = make_url(url)
        if parsed.get_dialect().is_async:
            raise InforuInputError(
                f"{name} names an asynchronous driver ({parsed.drivername}): take another one"
            )
        engine = _own_engine(parsed)
    except (sa.exc.ArgumentError, ImportError) as error:
        # The URL is not shown: it may hold a password.
        raise InforuInputError(
            f"{name} is no URL that SQLAlchemy can use here ({type(error).__name__}); "
            "write for example postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE, and install its driver"
        ) from None
    return Database(lambda: engine, _prepare_own, is_ours=True)


def _own_engine(url: sa.URL) -> sa.Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = sa.create_engine(
        url,
        poolclass=QueuePool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=_LOCK_SECONDS,
        pool_pre_ping=not is_sqlite,
        connect_args=_SQLITE_OPTIONS if is_sqlite else {"connect_timeout": _CONNECT_SECONDS},
        # An error would otherwise show what was to be stored.
        hide_parameters=True,
        # SQLAlchemy 1.4, that of Airflow 3.0, shall behave as 2 does.
        future=True,
    )
    if is_sqlite:
        sa.event.listen(engine, "connect", _be_durable)
    return engine


def _be_durable(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
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
        except sa.exc.OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                return
            time.sleep(_SWITCH_PAUSE_SECONDS)
        else:
            return
