"""The line of each connection is bounded, and no connection waits for another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.to_thread
import pytest
import requests
import sqlalchemy as sa

from airflow_provider_inforu.receiver import push_queue, push_route
from airflow_provider_inforu.receiver import store as store_module
from airflow_provider_inforu.receiver.push_queue import PushQueue, QueueFullError
from tests.receiver import end_of_call, running_receiver

SEND = "0123456789abcdef"
PATIENCE = 60


def test_a_line_takes_so_many_pushes_and_no_more(monkeypatch):
    monkeypatch.setattr(push_queue, "MOST_PUSHES", 2)
    queue = PushQueue(100)
    with queue.place("a", 0), queue.place("a", 0):
        with pytest.raises(QueueFullError), queue.place("a", 0):
            pass
        with queue.place("b", 0):
            pass
    with queue.place("a", 0):
        pass
    assert queue._lines == {}


def test_a_line_takes_so_many_bytes_and_no_more(monkeypatch):
    monkeypatch.setattr(push_queue, "MOST_BYTES", 100)
    queue = PushQueue(100)
    with queue.place("a", 60) as first:
        first.grow(60)
        with pytest.raises(QueueFullError), queue.place("a", 41):
            pass
        with queue.place("a", 0) as chunked:
            chunked.grow(40)
            with pytest.raises(QueueFullError):
                chunked.grow(1)
        with queue.place("b", 100):
            pass
    with queue.place("a", 100):
        pass


def test_the_largest_push_that_is_allowed_always_fits_an_empty_line(monkeypatch):
    monkeypatch.setattr(push_queue, "MOST_BYTES", 10)
    with PushQueue(100).place("a", 100) as place:
        place.grow(100)


def test_connections_take_turns():
    """Fifty pushes of one connection wait when the push of another one comes: it is next but one."""
    done, other_is_done = [], threading.Event()

    def note(name):
        done.append(name)
        if name == "b":
            other_is_done.set()

    async def story():
        queue, held = PushQueue(100), threading.Event()

        async def push(name, first=False):
            with queue.place(name, 0) as place:
                await place.run(lambda: held.wait(PATIENCE) if first else None, lambda _: note(name))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(push, "a", True)
            await anyio.wait_all_tasks_blocked()
            for _ in range(50):
                tasks.start_soon(push, "a")
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(push, "b")
            with anyio.fail_after(PATIENCE):
                await anyio.to_thread.run_sync(other_is_done.wait, PATIENCE)
            before = list(done)
            held.set()
        return before

    assert anyio.run(story) == ["b"]
    assert done == ["b", *["a"] * 51]


def test_a_full_line_is_refused_before_the_body_is_read_and_works_again(tmp_path, monkeypatch):
    monkeypatch.setattr(push_queue, "MOST_PUSHES", 0)
    with running_receiver(f"sqlite:///{tmp_path / 'db'}") as receiver:
        answer = receiver.push([end_of_call(f"{SEND}-1")])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        monkeypatch.setattr(push_queue, "MOST_PUSHES", 10)
        assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 200


def test_a_body_that_does_not_come_holds_no_place_for_good(receiver, monkeypatch):
    monkeypatch.setattr(push_route, "BODY_SECONDS", 0.1)

    def never_ends():
        yield b"["
        threading.Event().wait(1)
        yield b"]"

    try:
        status = requests.post(receiver.push_url, data=never_ends(), timeout=60).status_code
    except requests.ConnectionError:  # the answer came while the client still sent
        status = 408
    assert status == 408
    assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 200


@pytest.mark.postgres
def test_a_locked_row_delays_its_own_connection_only(postgres_url):
    with running_receiver(postgres_url) as receiver:
        receiver.secrets.update(dict.fromkeys(("b", "c"), receiver.secret))

        def push(conn_id, key):
            url = f"{receiver.url}/inforu/v1/{conn_id}/notifications?secret={receiver.secret}"
            return requests.post(url, json=[end_of_call(f"{SEND}-{key}")], timeout=PATIENCE).status_code

        locked = ("b", "c", receiver.conn_id)
        assert [push(name, "first") for name in locked] == [200] * 3
        receiver.secrets["free"] = receiver.secret
        with ThreadPoolExecutor(12) as pool:
            with receiver.database.writing() as connection:
                for name in locked:
                    store_module._lock_source(connection, name, sa.func.now())
                waiting = [pool.submit(push, name, n) for n in range(4) for name in locked]
                assert push("free", "free") == 200
                assert not any(one.done() for one in waiting)
            assert [one.result(PATIENCE) for one in waiting] == [200] * 12
