"""Queries through Airflow's own hooks, on the databases themselves."""

import datetime as dt
import json
import re
import sqlite3
from contextlib import closing
from decimal import Decimal

import psycopg2
import pytest
from airflow.providers.postgres.hooks import postgres
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.providers.sqlite.hooks.sqlite import SqliteHook
from sqlalchemy.engine import make_url

from airflow_provider_inforu.recipients.input_rows import SourceError
from airflow_provider_inforu.recipients.sql_query import rows_of_query
from tests.integration.conftest import new_postgres_database

PEOPLE = [(number, f"05000{number:05d}", "דנה") for number in range(2500)]
DRIVERS = ["psycopg", "psycopg2"]


class Watched:
    """A hook that remembers its connections and which cursors they gave."""

    def __init__(self, hook):
        self._hook = hook
        self.supports_autocommit = hook.supports_autocommit
        self.set_autocommit = hook.set_autocommit
        self.connections = []

    def get_conn(self):
        self.connections.append(self._hook.get_conn())
        return self.connections[-1]


@pytest.fixture
def sqlite_hook(tmp_path, monkeypatch):
    """Return the hook of a SQLite database with people in it."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_SQLITE_DEFAULT",
        json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "people.db")}),
    )
    with closing(sqlite3.connect(tmp_path / "people.db")) as database:
        database.execute("CREATE TABLE people (id INTEGER, phone TEXT, name TEXT)")
        database.executemany("INSERT INTO people VALUES (?, ?, ?)", PEOPLE)
        database.commit()
    return Watched(SqliteHook())


@pytest.fixture(scope="module")
def postgres_url():
    """Return the URL of a PostgreSQL database with people in it."""
    with new_postgres_database() as url:
        with closing(
            psycopg2.connect(make_url(url).set(drivername="postgresql").render_as_string(False))
        ) as made:
            with made.cursor() as cursor:
                cursor.execute("CREATE TABLE people (id INTEGER, phone TEXT, name TEXT)")
                cursor.executemany("INSERT INTO people VALUES (%s, %s, %s)", PEOPLE)
            made.commit()
        yield make_url(url)


@pytest.fixture
def connect_postgres(postgres_url, monkeypatch):
    """Make the hook of PostgreSQL, with a driver and extras of the connection."""

    def hook(driver="psycopg", **extras):
        monkeypatch.setattr(postgres, "USE_PSYCOPG3", driver == "psycopg")
        url = postgres_url.set(drivername="postgres", query=extras)
        monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", url.render_as_string(hide_password=False))
        return Watched(PostgresHook())

    return hook


@pytest.fixture(params=["sqlite", *(pytest.param(driver, marks=pytest.mark.postgres) for driver in DRIVERS)])
def hook(request):
    """Each hook with each of its drivers."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_hook")
    return request.getfixturevalue("connect_postgres")(request.param)


def all_closed(hook):
    """Return whether no connection of a hook is open."""

    def is_closed(connection):
        if isinstance(connection, sqlite3.Connection):
            with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                connection.cursor()
            return True
        return bool(connection.closed)

    return bool(hook.connections) and all(is_closed(connection) for connection in hook.connections)


def test_all_rows_are_read_with_the_names_of_their_columns(hook):
    rows = rows_of_query(hook, "SELECT phone, id AS key FROM people ORDER BY id", columns=["phone", "key"])
    assert list(rows) == [{"phone": phone, "key": number} for number, phone, _ in PEOPLE]
    assert all_closed(hook)


def test_nothing_is_asked_before_the_first_row_is_wanted(hook):
    rows_of_query(hook, "SELECT phone FROM people")
    assert hook.connections == []


def test_a_query_may_have_no_rows(hook):
    assert list(rows_of_query(hook, "SELECT phone FROM people WHERE id < 0", columns=["phone"])) == []
    assert all_closed(hook)


def test_a_reader_that_stops_closes_the_connection(hook):
    rows = rows_of_query(hook, "SELECT phone FROM people ORDER BY id")
    assert next(iter(rows)) == {"phone": "0500000000"}
    rows.close()
    assert all_closed(hook)


def test_parameters_are_the_drivers(sqlite_hook):
    rows = rows_of_query(sqlite_hook, "SELECT id FROM people WHERE id < ? AND name LIKE '%נה'", [2])
    assert list(rows) == [{"id": 0}, {"id": 1}]


@pytest.mark.postgres
@pytest.mark.parametrize("driver", DRIVERS)
def test_parameters_are_those_of_postgres(connect_postgres, driver):
    sql = "SELECT id FROM people WHERE id < %(most)s ORDER BY id"
    assert list(rows_of_query(connect_postgres(driver), sql, {"most": 2})) == [{"id": 0}, {"id": 1}]
    rows = rows_of_query(connect_postgres(driver), "SELECT id FROM people WHERE name LIKE '%נה' AND id = 7;")
    assert list(rows) == [{"id": 7}]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT id, id FROM people", "The query has more than one column 'id'"),
        ('SELECT 1 AS " "', "The query: column 1 has no name"),
        (
            "SELECT id AS tel FROM people",
            "The query has no column 'phone'. The columns are 'tel'.",
        ),
    ],
)
def test_what_is_wrong_with_the_columns_is_one_error(hook, sql, message):
    columns = ["phone"] if "tel" in sql else []
    with pytest.raises(SourceError, match=re.escape(message)):
        list(rows_of_query(hook, sql, columns=columns))
    assert all_closed(hook)


@pytest.mark.postgres
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_column_of_numbers_that_lose_the_last_digits_of_a_phone_is_refused(connect_postgres, driver):
    sql = "SELECT CAST(523000001 AS REAL) AS phone, CAST(1.5 AS REAL) AS sum"
    with pytest.raises(SourceError, match="the column 'phone' has floating-point numbers of at most 32 bits"):
        list(rows_of_query(connect_postgres(driver), sql, columns=["phone"]))
    exact = "SELECT CAST(523000001 AS DOUBLE PRECISION) AS phone, CAST(1.5 AS REAL) AS sum"
    rows = list(rows_of_query(connect_postgres(driver), exact, columns=["phone"]))
    assert rows == [{"phone": 523000001.0, "sum": 1.5}]


CHANGES = [
    "UPDATE people SET phone = '0500000001'",
    "UPDATE people SET phone = '0500000001' RETURNING phone",
    "DELETE FROM people",
    "DROP TABLE people",
    "CREATE TABLE others (phone TEXT)",
]


@pytest.mark.parametrize("sql", CHANGES)
def test_a_statement_that_is_no_query_is_an_error_and_changes_nothing(hook, sql):
    with pytest.raises(
        SourceError, match=r"returns no result set|The query failed before its first row"
    ) as raised:
        list(rows_of_query(hook, sql))
    assert "0500000001" not in str(raised.value)
    assert all_closed(hook)
    read = rows_of_query(hook, "SELECT count(DISTINCT phone) AS phones FROM people")
    assert list(read) == [{"phones": len(PEOPLE)}]


def test_a_statement_with_no_rows_is_no_query(sqlite_hook):
    with pytest.raises(SourceError, match=r"returns no result set"):
        list(rows_of_query(sqlite_hook, "PRAGMA shrink_memory"))


@pytest.mark.postgres
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DELETE FROM people",
        "WITH gone AS (DELETE FROM people RETURNING phone) SELECT phone FROM gone",
        "SELECT nextval('numbers')",
        "COMMIT",
        "",
    ],
)
def test_what_would_write_on_the_side_does_not(connect_postgres, driver, sql):
    hook = connect_postgres(driver)
    with pytest.raises(SourceError):
        list(rows_of_query(hook, sql))
    assert list(rows_of_query(hook, "SELECT count(*) AS n FROM people")) == [{"n": len(PEOPLE)}]


def test_an_error_repeats_the_databases_sentence_about_the_text_of_the_query_and_no_value_in_it(hook):
    with pytest.raises(SourceError) as raised:
        list(rows_of_query(hook, "SELECT '0500000001' FROM nowhere"))
    assert re.fullmatch(
        r"The query failed before its first row \((OperationalError, SQLITE_ERROR: no such table: nowhere|"
        r'UndefinedTable, 42P01: relation "nowhere" does not exist)\)\. '
        r"Correct the query\. It must be one query that only reads\.",
        str(raised.value),
    )
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert all_closed(hook)


@pytest.mark.postgres
@pytest.mark.parametrize("driver", DRIVERS)
def test_an_error_in_the_middle_shows_no_value(connect_postgres, driver):
    hook = connect_postgres(driver)
    sql = "SELECT CASE WHEN id < 2000 THEN id ELSE (phone || 'x')::int END AS id FROM people"
    rows = rows_of_query(hook, sql)
    with pytest.raises(SourceError) as raised:
        list(rows)
    assert "failed after 2000 rows (InvalidTextRepresentation, 22P02)." in str(raised.value)
    assert "05000" not in str(raised.value)
    assert all_closed(hook)


def test_an_error_in_the_middle_shows_no_value_of_sqlite(sqlite_hook):
    sql = "SELECT CASE WHEN id < 2000 THEN id ELSE abs(-9223372036854775807 - 1) END AS id FROM people"
    with pytest.raises(SourceError, match=r"failed after \d+ rows \(\w+Error"):
        list(rows_of_query(sqlite_hook, sql))
    assert all_closed(sqlite_hook)


@pytest.mark.postgres
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_server_that_ends_the_connection_is_an_error(connect_postgres, driver):
    hook = connect_postgres(driver)
    rows = iter(rows_of_query(hook, "SELECT * FROM people"))
    next(rows)
    with closing(connect_postgres("psycopg").get_conn()) as other:
        pid = hook.connections[0].info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises(SourceError, match=r"failed after 1000 rows \(\w+"):
        list(rows)
    assert all_closed(hook)


@pytest.mark.postgres
@pytest.mark.parametrize("driver", DRIVERS)
def test_rows_wait_in_the_server(connect_postgres, driver):
    """Of a thousand million rows the first ones come at once."""
    rows = rows_of_query(connect_postgres(driver), "SELECT generate_series(1, 1000000000) AS n")
    first = iter(rows)
    assert [next(first)["n"] for _ in range(1500)] == list(range(1, 1501))
    rows.close()


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("driver", "cursor"),
    [
        ("psycopg", "dictcursor"),
        ("psycopg", "namedtuplecursor"),
        ("psycopg2", "dictcursor"),
        ("psycopg2", "realdictcursor"),
        ("psycopg2", "namedtuplecursor"),
    ],
)
def test_whichever_cursor_a_connection_asks_for(connect_postgres, driver, cursor):
    hook = connect_postgres(driver, cursor=cursor)
    assert next(iter(rows_of_query(hook, "SELECT phone, id FROM people ORDER BY id"))) == {
        "phone": "0500000000",
        "id": 0,
    }


@pytest.mark.postgres
@pytest.mark.parametrize("driver", DRIVERS)
def test_values_are_those_of_python(connect_postgres, driver):
    sql = "SELECT 1.50 AS sum, DATE '2026-01-15' AS day, NULL AS none, ARRAY[1, 2] AS list, true AS yes"
    assert list(rows_of_query(connect_postgres(driver), sql)) == [
        {"sum": Decimal("1.50"), "day": dt.date(2026, 1, 15), "none": None, "list": [1, 2], "yes": True}
    ]


@pytest.mark.postgres
def test_a_connection_that_would_commit_each_statement_does_not(connect_postgres):
    class Eager(Watched):
        def get_conn(self):
            connection = super().get_conn()
            connection.autocommit = True
            return connection

    hook = Eager(connect_postgres()._hook)
    assert len(list(rows_of_query(hook, "SELECT id FROM people"))) == len(PEOPLE)


def test_an_unreachable_database_is_an_error_without_the_drivers_words(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", "postgres://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(SourceError, match=r"cannot be reached \(OperationalError\)\. Test") as caught:
        list(rows_of_query(PostgresHook(), "SELECT 1"))
    assert "nobody" not in str(caught.value)


@pytest.mark.parametrize(
    "sql", ["SELECT 1 FROM [{}]", "SELECT '{}' FRM people", "SELECT json_extract('{{}}', 'x{}')", "SELECT ?"]
)
def test_a_sentence_of_the_database_never_shows_a_phone(sqlite_hook, sql):
    rows = rows_of_query(sqlite_hook, sql.format("0500000001"))
    with pytest.raises(SourceError, match="The query failed before its first row") as raised:
        list(rows)
    assert "0500000001" not in str(raised.value)


def test_a_sentence_of_the_database_that_may_show_a_parameter_is_left_out(sqlite_hook):
    with pytest.raises(SourceError) as raised:
        list(rows_of_query(sqlite_hook, "SELECT * FROM Dana WHERE id = :name", {"name": "Dana"}))
    assert "Dana" not in str(raised.value)
