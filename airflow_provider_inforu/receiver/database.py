"""The database of the receiver's store, prepared on first use."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, nullcontext, suppress
from threading import Lock
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.receiver.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

WRITERS = 2
"""The number of pushes stored at the same time, so that a slow push does not stop the others."""
READERS = 3
CONNECTIONS = WRITERS + READERS + 1
"""The maximum number of connections, one of them for pruning. The rest of the pool belongs to Airflow."""

_CONNECT_SECONDS = 5
LOCK_SECONDS = 15
_SWITCH_SECONDS = 5.0
_LOCK_NOT_AVAILABLE = "55P03"
# The pool gives a connection to one thread at a time. SQLAlchemy 1.4 needs this option for it.
_SQLITE_OPTIONS = {"timeout": LOCK_SECONDS, "check_same_thread": False}
_SWITCH_PAUSE_SECONDS = 0.05


class Database:
    """The database of notifications.

    :param engine_of: Returns the engine; called on first use.
    :param prepare: Checks or creates the tables, or raises NotReadyError.
    :param is_ours: Whether only the receiver uses the engine, so that `close` disposes it.
    """

    def __init__(
        self, engine_of: Callable[[], sa.Engine], prepare: Callable[[sa.Engine], None], *, is_ours: bool
    ) -> None:
        self._engine_of = engine_of
        self._prepare = prepare
        self._is_ours = is_ours
        self._lock = Lock()
        self._sqlite_turn = Lock()
        self._engine: sa.Engine | None = None

    @property
    def engine(self) -> sa.Engine:
        """The engine of the prepared database.

        :raises NotReadyError: The tables are missing or have another version.
        :raises sqlalchemy.exc.SQLAlchemyError: The database cannot be reached. The next use tries again.
        """
        with self._lock:
            if self._engine is None:
                engine = self._engine_of()
                self._prepare(engine)
                self._engine = engine
            return self._engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a connection for reading."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, lock_seconds: float = LOCK_SECONDS) -> Iterator[sa.Connection]:
        """Yield a connection with a transaction. It is committed at the end, or rolled back after an error.

        Its first statement must write, because SQLite does not wait for a lock later in a transaction.

        :param lock_seconds: How long PostgreSQL waits for a locked row, in seconds; default: 15. See
            :func:`is_lock_timeout`.
        """
        engine = self.engine
        is_sqlite = engine.dialect.name == "sqlite"
        # Each statement must see the data that others committed while it waited.
        options = {} if is_sqlite else {"isolation_level": "READ COMMITTED"}
        # SQLite has one lock and no fair queue for it.
        with (
            self._sqlite_turn if is_sqlite else nullcontext(),
            engine.execution_options(**options).begin() as connection,
        ):
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(lock_seconds * 1000)}")
            yield connection

    def close(self) -> None:
        """Close the connections. The next use opens new ones."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None and self._is_ours:
            engine.dispose()


def is_lock_timeout(error: sa.exc.OperationalError) -> bool:
    """Return whether PostgreSQL gave up waiting for a locked row.

    :param error: The error of a statement.
    """
    code = getattr(error.orig, "pgcode", None) or getattr(error.orig, "sqlstate", None)
    return code == _LOCK_NOT_AVAILABLE


def open_database(url: str, name: str = "the database") -> Database:
    """Return a separate database for notifications. Its first use creates or migrates the tables.

    :param url: The URL of the database, in SQLAlchemy's form.
    :param name: The name of the option or argument, for the error.
    :raises InforuInputError: The URL is invalid, or its driver is missing or asynchronous.
    """
    try:
        parsed = make_url(url)
        is_async = parsed.get_dialect().is_async
        engine = None if is_async else _own_engine(parsed)
    except (sa.exc.ArgumentError, ImportError, ValueError) as error:
        # The URL is not shown, because it may contain a password.
        raise InforuInputError(
            f"{name} is not a URL that SQLAlchemy can use here ({type(error).__name__}). "
            "Use a form such as postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE, with %40 for an @ in the "
            "password, and install its driver"
        ) from None
    if engine is None:
        raise InforuInputError(
            f"{name} names an asynchronous driver ({parsed.drivername}). Use a synchronous one, for example "
            "postgresql+psycopg2"
        )
    return Database(lambda: engine, _prepare_own, is_ours=True)


def _own_engine(url: sa.URL) -> sa.Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = sa.create_engine(
        url,
        poolclass=QueuePool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=LOCK_SECONDS,
        pool_pre_ping=not is_sqlite,
        connect_args=_SQLITE_OPTIONS if is_sqlite else {"connect_timeout": _CONNECT_SECONDS},
        # Errors would otherwise show the stored values.
        hide_parameters=True,
        # Makes SQLAlchemy 1.4, which Airflow 3.0 uses, behave like version 2.
        future=True,
    )
    if is_sqlite:
        sa.event.listen(engine, "connect", _be_durable)
    return engine


def _be_durable(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The vendor gets 200 once. With NORMAL, which is faster, a power failure could undo a commit.
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _prepare_own(engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        _create_private_file(engine.url.database)
        _switch_to_wal(engine)
    upgrade(engine)


def _create_private_file(path: str | None) -> None:
    """Create the file of a new database with access for its owner only. SQLite's other files inherit it."""
    if path and path != ":memory:" and not path.startswith("file:"):
        with suppress(OSError):  # SQLite reports the problem later
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _switch_to_wal(engine: sa.Engine) -> None:
    """Switch the file to WAL, so that readers and a writer work at the same time. The file keeps this mode.

    SQLite does not wait for another process here, so this function does. Without WAL, everything works, only
    slower.
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
