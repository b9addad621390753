"""Reads the rows of a query, through any database hook of Airflow."""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.recipients.input_rows import (
    Row,
    SourceError,
    StreamedRows,
    check_columns,
    check_exact,
    check_header,
)

SOURCE = "The query"
_ROWS_IN_A_READ = 1000
_READ_ONLY = {"psycopg": "read_only", "psycopg2": "readonly"}
"""Drivers with cursors on the server, and the attribute that makes their connection read-only."""
_CODES = ("sqlstate", "pgcode", "sqlite_errorname")
_SAFE_STATES = {"25006", "3F000", "42501", "42601", "42703", "42883", "42P01"}
"""PostgreSQL reports these errors before it reads a row. They are about the text of the query."""
_SAFE_WORDS = re.compile(r"no such (?:table|column|function)|near |attempt to write a readonly database")
"""The beginning of SQLite's messages about the text of the query."""
_LONGEST_SENTENCE = 200
_REAL = 700
"""PostgreSQL's number of its type REAL. Other drivers describe their types otherwise."""


class DatabaseHook(Protocol):
    """The methods of a database hook that we use. Every ``DbApiHook`` of Airflow has them."""

    supports_autocommit: bool

    def get_conn(self) -> Any:  # noqa: ANN401 - a connection of any driver
        """Return a new connection."""
        ...

    def set_autocommit(self, conn: Any, autocommit: Any) -> Any:  # noqa: ANN401 - as Airflow has it
        """Turn the autocommit of a connection on or off."""
        ...


def rows_of_query(
    hook: DatabaseHook,
    sql: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
    *,
    columns: Iterable[str] = (),
) -> StreamedRows:
    """Return the rows of a query. They are streamed, so they can be read only once.

    Reading the first row runs the query, in a transaction that is never committed. On PostgreSQL (psycopg2
    and psycopg) and SQLite, the transaction is read-only. This prevents accidents, not attacks: with
    psycopg2, a text of several statements may commit and then write. PostgreSQL keeps the rows on the server,
    and SQLite finds them one by one. Other drivers, such as those of MySQL, may read all rows into memory.

    :param hook: The hook of the database: any ``DbApiHook``, such as ``PostgresHook``.
    :param sql: One query that only reads.
    :param parameters: The query's parameters, in the form of the driver. None (default): no parameters.
    :param columns: The required column names. With `AnyOf`, one of them is enough. Default: no check.
    :raises SourceError: While reading: the query fails or returns no result set, or a column is missing, has
        no name or has the name of another column. The message contains no values. It repeats the database's
        message only if that is about the text of the query.
    """
    wanted = columns if isinstance(columns, tuple) else tuple(columns)
    return StreamedRows(SOURCE, _rows(hook, sql, parameters, wanted))


def _rows(
    hook: DatabaseHook,
    sql: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None,
    columns: Sequence[str],
) -> Generator[Row, None, None]:
    count = 0
    with closing(_connect(hook)) as connection:
        try:
            waits = _prepare(hook, connection)
            with closing(_cursor(connection, waits=waits)) as cursor:
                cursor.execute(*([sql] if parameters is None else [sql, parameters]))
                if not waits:
                    _check_query(cursor)
                rows = cursor.fetchmany(_ROWS_IN_A_READ)
                # psycopg2 knows the columns of a server-side cursor only after a fetch.
                header = _header(cursor, columns)
                while rows:
                    for row in rows:
                        count += 1
                        # Some connections are configured to return dictionaries.
                        yield row if isinstance(row, dict) else dict(zip(header, row, strict=True))
                    rows = cursor.fetchmany(_ROWS_IN_A_READ)
        except SourceError:
            raise
        except Exception as error:  # each driver has its own errors
            raise _failed(error, count, parameters) from None


def _connect(hook: DatabaseHook) -> Any:  # noqa: ANN401 - a connection of any driver
    try:
        return hook.get_conn()
    except Exception as error:
        raise SourceError(
            f"The database of the query cannot be reached ({type(error).__name__}).",
            "Test the connection in Airflow to see why.",
        ) from None


def _prepare(hook: DatabaseHook, connection: Any) -> bool:  # noqa: ANN401 - a connection of any driver
    """Make the connection read-only if possible. Return whether the driver has server-side cursors."""
    if hook.supports_autocommit:
        hook.set_autocommit(connection, autocommit=False)
    # Hooks and tracing tools may wrap or extend the driver's class.
    drivers = {kind.__module__.partition(".")[0] for kind in type(connection).__mro__}
    if "sqlite3" in drivers:
        connection.execute("PRAGMA query_only = ON")
    for driver in drivers & _READ_ONLY.keys():
        setattr(connection, _READ_ONLY[driver], True)
        return True
    return False


def _cursor(connection: Any, *, waits: bool) -> Any:  # noqa: ANN401 - a connection and a cursor of any driver
    return connection.cursor(name=f"inforu_{secrets.token_hex(8)}") if waits else connection.cursor()


def _check_query(cursor: Any) -> None:  # noqa: ANN401 - a cursor of any driver
    if cursor.description is None:
        raise SourceError("The statement is not a query: it returns no result set.", "Pass one SELECT query.")


def _header(cursor: Any, columns: Sequence[str]) -> list[str]:  # noqa: ANN401 - a cursor of any driver
    _check_query(cursor)
    header = [column[0] for column in cursor.description]
    check_columns(SOURCE, header, columns)
    check_header(SOURCE, header)
    check_exact(SOURCE, [column[0] for column in cursor.description if column[1] == _REAL], columns)
    return header


def _failed(error: Exception, count: int, parameters: object) -> SourceError:
    """Return an error that contains no value of a row or a parameter."""
    code = next((code for name in _CODES if (code := getattr(error, name, None))), None)
    what = ", ".join(filter(None, (type(error).__name__, code)))
    if not count and (sentence := _safe_sentence(error, code, parameters)):
        what += f": {sentence}"
    when = f"after {count} rows" if count else "before its first row"
    return SourceError(
        f"The query failed {when} ({what}).",
        "Correct the query. It must be one query that only reads.",
    )


def _safe_sentence(error: Exception, code: str | None, parameters: object) -> str | None:
    """Return the database's message if it is about the text of the query; otherwise None."""
    if code in _SAFE_STATES:
        # Only the first line is safe: the next lines quote the query with its parameters.
        words = str(getattr(getattr(error, "diag", None), "message_primary", None) or "")
    else:
        words = str(error) if _SAFE_WORDS.match(str(error)) and "sqlite" in type(error).__module__ else ""
    values = parameters.values() if isinstance(parameters, Mapping) else parameters
    if isinstance(values, Iterable) and any(str(value) in words for value in values):
        return None
    return hide_phones(words)[:_LONGEST_SENTENCE] or None
