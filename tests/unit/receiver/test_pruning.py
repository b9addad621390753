import datetime as dt
import json

import pytest
import sqlalchemy as sa

from airflow_provider_inforu.receiver import pruning
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.pruning import count_old, prune
from airflow_provider_inforu.receiver.push_parser import PushParser
from airflow_provider_inforu.receiver.reading import Reader
from airflow_provider_inforu.receiver.store import Store
from tests.receiver import end_of_call

SEND = "0123456789abcdef"
NEWER_SEND = "1123456789abcdef"
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
OLD = NOW - dt.timedelta(days=100)
BEFORE = NOW - dt.timedelta(days=90)


@pytest.fixture
def database(database_url):
    database = open_database(database_url)
    yield database
    database.close()


def push(database, when, *items):
    rows = PushParser("c", "secret", "masked").read(json.dumps({"Data": items}).encode(), "", when)
    Store(database).add("c", rows, when)


def test_what_is_old_goes_some_rows_at_a_time(database, monkeypatch):
    monkeypatch.setattr(pruning, "CHUNK", 10)
    push(database, OLD, *[end_of_call(f"{SEND}-{n}") for n in range(25)], "old and unreadable")
    push(database, NOW, end_of_call(f"{NEWER_SEND}-new"), "new and unreadable")
    sizes = []
    sa.event.listen(
        database.engine,
        "after_cursor_execute",
        lambda _c, cursor, statement, *_: sizes.append(cursor.rowcount) if "DELETE" in statement else None,
    )
    expected = {"inforu_notification": 25, "inforu_call": 25, "inforu_unrecognized": 1}
    assert count_old(database, BEFORE) == expected
    assert prune(database, BEFORE) == expected
    assert max(sizes) == 10
    assert count_old(database, BEFORE) == dict.fromkeys(expected, 0)
    reader = Reader(database)
    assert reader.summary("c", SEND)["calls"] == 0
    assert reader.summary("c", NEWER_SEND)["calls"] == 1
    assert [one["key"] for one in reader.feed("c", after=None, limit=9)["notifications"]] == ["new"]


def test_a_call_that_was_heard_of_again_stays(database):
    push(database, OLD, end_of_call(f"{SEND}-1", status="Busy", at="2026-01-15 12:00:00"))
    push(database, NOW, end_of_call(f"{SEND}-1", at="2026-01-15 12:00:01"))
    assert prune(database, BEFORE) == {"inforu_notification": 1, "inforu_call": 0, "inforu_unrecognized": 0}
    assert Reader(database).summary("c", SEND)["by_status"] == {"Answered": 1}


def test_a_reader_goes_on_where_it_was_when_everything_was_pruned(database):
    push(database, OLD, end_of_call(f"{SEND}-1"))
    reader = Reader(database)
    cursor = reader.feed("c", after=None, limit=10)["next"]
    prune(database, BEFORE)
    assert reader.feed("c", after=cursor, limit=10) == {"notifications": [], "next": cursor}
    push(database, NOW, end_of_call(f"{SEND}-2"))
    assert [one["key"] for one in reader.feed("c", after=cursor, limit=10)["notifications"]] == ["2"]


def test_a_send_that_is_still_heard_of_keeps_all_its_calls(database):
    push(database, OLD, end_of_call(f"{SEND}-1"), end_of_call(f"{NEWER_SEND}-1"))
    push(database, NOW, end_of_call(f"{NEWER_SEND}-2"))
    assert count_old(database, BEFORE)["inforu_call"] == 1
    assert prune(database, BEFORE)["inforu_call"] == 1
    reader = Reader(database)
    assert (reader.summary("c", SEND)["calls"], reader.summary("c", NEWER_SEND)["calls"]) == (0, 2)


def test_pruning_locks_its_connection_first_as_a_push_does(database):
    push(database, OLD, end_of_call(f"{SEND}-1"), "unreadable")
    statements = []
    sa.event.listen(
        database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: statements.append(" ".join(statement.split()[:3])),
    )
    prune(database, BEFORE)
    writes = [one.split()[0] for one in statements if not one.startswith(("SELECT", "SET"))]
    assert writes == ["UPDATE", "DELETE"] * 3
    assert statements.count("UPDATE inforu_source SET") == 3
