"""Many pushes at a time: nothing lost, nothing twice, nothing skipped by a reader."""

import datetime as dt
import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from airflow_provider_inforu.receiver import push_queue
from airflow_provider_inforu.receiver import store as store_module
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.push_parser import PushParser
from airflow_provider_inforu.receiver.reading import Reader
from airflow_provider_inforu.receiver.store import Store
from tests.receiver import end_of_call, running_receiver

ROOT = Path(__file__).parents[3]
SEND = "0123456789abcdef"
NOW = dt.datetime(2026, 1, 15, 10, tzinfo=dt.UTC)
PATIENCE = 60


def unwrap_rows(*items, conn_id="c"):
    return PushParser(conn_id, "secret", "masked").read(json.dumps({"Data": items}).encode(), "", NOW)


def overlapping_pushes(people, size, seed=1):
    """Return pushes in which everybody comes three times, in any order, with an earlier state in between."""
    items = [
        end_of_call(f"{SEND}-{n}", digit=str(n % 3), at="2026-01-15 12:00:01") for n in range(people)
    ] * 3
    items += [end_of_call(f"{SEND}-{n}", status="Busy", at="2026-01-15 12:00:00") for n in range(people)]
    random.Random(seed).shuffle(items)
    return [items[start : start + size] for start in range(0, len(items), size)]


def test_bursts_of_overlapping_repeats_are_counted_once(any_receiver):
    pushes = overlapping_pushes(300, 20)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(any_receiver.push, pushes))
    assert {answer.status_code for answer in answers} == {200}
    # Each person's last state and earlier state.
    assert sum(answer.json()["stored"] for answer in answers) == 600
    summary = any_receiver.summary(SEND)
    assert (summary["calls"], summary["by_status"]) == (300, {"Answered": 300})
    assert summary["by_digit"] == {"0": 100, "1": 100, "2": 100}
    assert len(any_receiver.pages("notifications", "notifications", limit=97)) == 600


PUSHER = """
import datetime as dt, json, sys
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.push_parser import PushParser
from airflow_provider_inforu.receiver.store import Store
pushes = json.load(open(sys.argv[2]))
database = open_database(sys.argv[1])
store, maker, now = Store(database), PushParser("c", "secret", "masked"), dt.datetime.now(dt.UTC)
print("ready", flush=True)
sys.stdin.readline()
print(sum(store.add("c", maker.read(json.dumps(push).encode(), "", now), now).notifications
          for push in pushes))
"""


@pytest.mark.long
def test_several_processes_that_start_at_once_make_the_tables_once_and_store_everybody_once(
    database_url, tmp_path
):
    files = [tmp_path / f"{seed}.json" for seed in range(3)]
    for seed, file in enumerate(files):
        file.write_text(json.dumps(overlapping_pushes(200, 20, seed=seed)))
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", PUSHER, database_url, str(file)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    cwd=ROOT,
                )
            )
            for file in files
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=120) for process in processes]
    assert [err for _, err in outputs if "Traceback" in err] == []
    assert sum(int(out) for out, _ in outputs) == 400
    database = open_database(database_url)
    assert Reader(database).summary("c", SEND)["by_status"] == {"Answered": 200}
    database.close()


def test_a_reader_of_the_feed_misses_nothing_while_others_push(database_url):
    """Two receivers on one database, as two workers of the API server are, and a reader that goes on."""
    with ExitStack() as stack:
        receivers = [stack.enter_context(running_receiver(database_url)) for _ in range(2)]
        done = threading.Event()
        seen = []

        def follow():
            after = None
            while True:
                was_done = done.is_set()
                parameters = {"after": after} if after else {}
                page = receivers[0].get("notifications", limit=7, **parameters).json()
                seen.extend(one["key"] for one in page["notifications"])
                after = page["next"]
                if was_done and not page["notifications"]:
                    return

        follower = stack.enter_context(ThreadPoolExecutor(1)).submit(follow)
        pushes = [[end_of_call(f"{SEND}-{push}-{n}") for n in range(3)] for push in range(80)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: receivers[number % 2].push(pushes[number]), range(80)))
        done.set()
        follower.result(PATIENCE)
    assert sorted(seen) == sorted(f"{push}-{n}" for push in range(80) for n in range(3))


def wait_until_somebody_waits_for_a_lock(engine):
    deadline = time.monotonic() + PATIENCE
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.exec_driver_sql(query).scalar():
                return
        time.sleep(0.02)
    pytest.fail("the second push did not wait for the first")


@pytest.mark.postgres
def test_a_row_that_commits_late_is_not_skipped(postgres_url):
    slow, fast = open_database(postgres_url), open_database(postgres_url)
    reader = Reader(fast)
    with ThreadPoolExecutor(1) as pool:
        with slow.writing() as connection:
            store_module._lock_source(connection, "c", NOW)
            store_module._insert_new(
                connection,
                store_module.notifications,
                "c",
                unwrap_rows(end_of_call(f"{SEND}-late")).notifications,
            )
            second = pool.submit(Store(fast).add, "c", unwrap_rows(end_of_call(f"{SEND}-early")), NOW)
            wait_until_somebody_waits_for_a_lock(fast.engine)
            before = reader.feed("c", after=None, limit=10)
            latest = reader.feed("c", after="latest", limit=10)
            # The pushes of another connection do not wait.
            Store(fast).add("d", unwrap_rows(end_of_call(f"{SEND}-other"), conn_id="d"), NOW)
        second.result(PATIENCE)
    assert before == latest == {"notifications": [], "next": "0"}
    feed = reader.feed("c", after=before["next"], limit=10)
    assert [one["key"] for one in feed["notifications"]] == ["late", "early"]
    slow.close()
    fast.close()


@pytest.mark.postgres
def test_a_push_that_waits_too_long_for_another_is_to_be_tried_again(postgres_url, monkeypatch):
    monkeypatch.setattr(push_queue, "PATIENCE_SECONDS", 0.5)
    with running_receiver(postgres_url) as receiver:
        receiver.push([end_of_call(f"{SEND}-1")])
        with receiver.database.writing() as connection:
            store_module._lock_source(connection, receiver.conn_id, NOW)
            answer = receiver.push([end_of_call(f"{SEND}-2")])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert receiver.summary(SEND)["calls"] == 1


def test_two_that_meet_a_connection_for_the_first_time_both_store(database_url, monkeypatch):
    """The one that sees no row of the connection, and then finds that another has made it meanwhile."""
    database = open_database(database_url)
    execute = sa.Connection.execute
    other_came = []

    def another_comes_first(connection, statement, *args, **options):
        if statement.is_insert and statement.table is store_module.sources and not other_came:
            other_came.append(1)
            execute(connection, statement)
        return execute(connection, statement, *args, **options)

    monkeypatch.setattr(sa.Connection, "execute", another_comes_first)
    assert Store(database).add("c", unwrap_rows(end_of_call(f"{SEND}-1")), NOW).notifications == 1
    assert Reader(database).summary("c", SEND)["calls"] == 1
    database.close()


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_does_not_matter(database_url, seed):
    """Also where several notifications of a call have the same second."""
    items = [
        end_of_call(f"{SEND}-1", status=status, digit=digit, at=at, ListeningDuration=duration)
        for status, digit, at, duration in [
            ("Busy", "", "2026-01-15 12:00:00", "00:59"),
            ("Answered", "1", "2026-01-15 12:00:05", "00:08"),
            ("Answered", "", "2026-01-15 12:00:05", "00:08"),
            ("Answered", "", "2026-01-15 12:00:05", "00:07"),
            ("Lost", "", "", "59:59"),
        ]
    ]
    random.Random(seed).shuffle(items)
    database = open_database(database_url)
    for item in items:
        Store(database).add("c", unwrap_rows(item), NOW)
    (call,) = Reader(database).calls("c", SEND, status=None, after=None, limit=10)["calls"]
    assert (call["status"], call["digit"], call["seconds"]) == ("Answered", "1", 8)
    database.close()
