"""The same people in each kind of source."""

import csv
import gzip
import json
import shutil
import sqlite3
from contextlib import closing, contextmanager
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy
from sqlalchemy.engine import make_url

from tests.integration.conftest import new_postgres_database

FILES = ("people.csv", "people.csv.gz", "people.ndjson", "people.parquet")
DATABASES = ("SQLite", "PostgreSQL")
PEOPLE = 1_000_000
QUERY = "SELECT id, phone, name, balance FROM people WHERE place < {} ORDER BY place"
_ROWS_IN_A_GROUP = 100_000
_STEP = 730_721
"""Has no factor in common with the number of people, so that phones come once each, and in no order."""


def people(count):
    return (
        {
            "id": f"k{place}",
            "phone": f"05{place * _STEP % PEOPLE:08}",
            "name": "דנה לוי",
            "balance": f"{place % 997}.50",
        }
        for place in range(count)
    )


def write_rows(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["id", "phone", "name", "balance"])
        table.writeheader()
        table.writerows(rows)


def write_file(path, count):
    if path.name.endswith(".csv"):
        write_rows(path, people(count))
    elif path.name.endswith(".gz"):
        plain = path.with_suffix("")
        write_file(plain, count)
        with plain.open("rb") as source, gzip.open(path, "wb") as target:
            shutil.copyfileobj(source, target)
    elif path.name.endswith(".ndjson"):
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in people(count))
    else:
        _write_parquet(path, count)
    return path


def _write_parquet(path, count):
    schema = pa.schema([(name, pa.string()) for name in ("id", "phone", "name", "balance")])
    rows = people(count)
    with pq.ParquetWriter(path, schema) as file:
        while part := list(islice(rows, _ROWS_IN_A_GROUP)):
            file.write_table(pa.Table.from_pylist(part, schema))


@contextmanager
def database(kind, folder, count):
    """Make a database of people; give the URI of Airflow's connection to it."""
    if kind == "SQLite":
        path = folder / "people.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE people (place INTEGER PRIMARY KEY, id, phone, name, balance)")
            rows = ({"place": place, **row} for place, row in enumerate(people(count)))
            connection.executemany("INSERT INTO people VALUES (:place, :id, :phone, :name, :balance)", rows)
        yield json.dumps({"conn_type": "sqlite", "host": str(path)})
        return
    with new_postgres_database() as url:
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            connection.execute(
                sqlalchemy.text(
                    "CREATE TABLE people AS SELECT place, 'k' || place AS id, 'דנה לוי' AS name, "
                    "'05' || lpad((place::bigint * :step % :all)::text, 8, '0') AS phone, "
                    "place % 997 || '.50' AS balance FROM generate_series(0, :count - 1) AS place"
                ),
                {"step": _STEP, "all": PEOPLE, "count": count},
            )
            connection.execute(sqlalchemy.text("CREATE UNIQUE INDEX ON people (place)"))
        engine.dispose()
        yield make_url(url).set(drivername="postgres").render_as_string(hide_password=False)
