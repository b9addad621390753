"""What the triggers of a process share, where one receiver is silent."""

import asyncio
import os
import threading
import time

import pytest

from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.outcomes import decision
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError
from airflow_provider_inforu.outcomes.summary import SendSummary
from airflow_provider_inforu.triggers import shared
from airflow_provider_inforu.triggers.shared import THREADS, THREADS_OF_A_RECEIVER, Shared
from airflow_provider_inforu.triggers.voice import InforuVoiceJobTrigger
from tests.scripted_server import hang_until, reset, scripted_server

SEND = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_hooks_of_other_tests(monkeypatch):
    monkeypatch.setattr(shared.shared_hooks, "_entries", {})


@pytest.fixture
def server(connection):
    with scripted_server() as running:
        connection(receiver_url=running.url, notification_secret="secret-of-notifications")
        yield running


def event_of(conn_id="inforu_default"):
    trigger = InforuVoiceJobTrigger(
        inforu_conn_id=conn_id, send_id=SEND, expected=2, poll_interval=0.05, deadline=time.time() + 60
    )
    return anext(trigger.run())


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def ended(calls):
    return 200, SendSummary(SEND, calls, {"Answered": calls}).to_json()


def test_a_silent_receiver_leaves_threads_to_the_triggers_of_other_connections(
    server, connection, monkeypatch
):
    monkeypatch.setenv("AIRFLOW_CONN_SILENT", os.environ["AIRFLOW_CONN_INFORU_DEFAULT"])
    released = threading.Event()
    server.answer(hang_until(released))

    async def story():
        silent = [asyncio.ensure_future(event_of("silent")) for _ in range(THREADS * 3)]
        await asyncio.to_thread(server.asked.wait, 30)
        with scripted_server() as other:
            connection(receiver_url=other.url, notification_secret="secret-of-notifications")
            other.answer(ended(0), ended(2))
            event = await event_of()
        assert not released.is_set()
        assert len(server.requests) <= THREADS_OF_A_RECEIVER
        released.set()
        for waiting in silent:
            waiting.cancel()
        await asyncio.gather(*silent, return_exceptions=True)
        return event

    hanging = threading.Timer(20, released.set)
    hanging.start()
    try:
        assert run(story()).payload["status"] == "success"
    finally:
        hanging.cancel()
        released.set()


def test_a_look_that_is_cancelled_keeps_its_seat_until_its_thread_ends():
    released = threading.Event()
    inside = []

    def ask():
        inside.append(threading.current_thread().name)
        released.wait(30)
        return "asked"

    async def story():
        one = Shared(InforuHook())
        for _ in range(THREADS):
            looking = asyncio.ensure_future(one.ask_receiver(ask))
            await asyncio.sleep(0.05)
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        assert len(inside) == THREADS_OF_A_RECEIVER
        released.set()
        return await one.ask_receiver(ask)

    assert run(story()) == "asked"


def test_a_failure_that_kept_waiting_is_shared_for_some_seconds(server, monkeypatch):
    monkeypatch.setattr(shared, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(decision, "FAILURE_SECONDS", 0.0)
    server.answer(reset)
    event = run(event_of())
    assert "5 times in a row" in event.payload["message"]
    assert "cannot reach the receiver" in event.payload["message"]
    assert len(server.requests) == 1


def test_a_failure_is_forgotten_after_that(server, monkeypatch):
    monkeypatch.setattr(shared, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(shared, "FAILURE_SECONDS", 0.1)
    server.answer(reset, ended(2))
    assert run(event_of()).payload["status"] == "success"


def test_a_failure_that_came_at_once_is_not_shared(server):
    server.answer(reset, reset, ended(2))
    assert run(event_of()).payload["status"] == "success"
    assert len(server.requests) == 3


def test_a_refusal_is_not_shared(server, monkeypatch):
    monkeypatch.setattr(shared, "SLOW_SECONDS", 0.0)
    server.answer((404, b""), ended(2))

    async def story():
        one = Shared(InforuHook())
        with pytest.raises(ReceiverError, match="HTTP 404"):
            await one.ask_receiver(lambda: one.hook.get_send_summary(SEND))
        return await one.ask_receiver(lambda: one.hook.get_send_summary(SEND))

    assert run(story()).calls == 2


def test_a_thread_that_ends_after_its_loop_harms_nobody():
    loop = asyncio.new_event_loop()
    loop.close()
    Shared(InforuHook())._leave_seat(loop)
