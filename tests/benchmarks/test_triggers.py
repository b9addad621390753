"""1,000 waiting sends in one event loop, beside 1,000 triggers that only sleep. Prints, asserts no time."""

import asyncio
import gc
import logging
import multiprocessing
import random
import resource
import time
from contextlib import contextmanager

import pytest

from airflow_provider_inforu.triggers.shared import shared_hooks
from airflow_provider_inforu.triggers.voice import InforuVoiceJobTrigger
from tests.receiver import Receiver, end_of_call, running_receiver

TRIGGERS = 1000
POLL_SECONDS = 30.0
WAIT_SECONDS = 45.0
BLOCKED_SECONDS = 0.05


class Loop:
    """What a loop was like: how late its timers were, and which of its steps took 50 ms or more.

    Steps are counted without Python's collection of garbage, which takes longer than that once Airflow is
    imported, and falls into any step. Such collections are counted on their own.
    """

    def __init__(self):
        self.late = []
        self.blocked = []
        self.collections = []

    async def watch(self):
        while True:
            due = time.perf_counter() + 0.01
            await asyncio.sleep(0.01)
            self.late.append(time.perf_counter() - due)

    @contextmanager
    def slow_steps(self):
        """Count asyncio's warnings of steps that took long."""
        handler = logging.Handler()
        handler.emit = self._count
        logger = logging.getLogger("asyncio")
        logger.addHandler(handler)
        gc.callbacks.append(self._collect)
        try:
            yield
        finally:
            gc.callbacks.remove(self._collect)
            logger.removeHandler(handler)

    def _collect(self, phase, _):
        now = time.perf_counter()
        if phase == "start":
            self.collections.append((now, now))
        else:
            self.collections[-1] = (self.collections[-1][0], now)

    def _count(self, record):
        *_, seconds = record.args
        began = time.perf_counter() - seconds
        collecting = sum(end - start for start, end in self.collections if end >= began)
        if seconds - collecting >= BLOCKED_SECONDS:
            self.blocked.append(record.getMessage())

    def long_collections(self):
        return sum(end - start >= BLOCKED_SECONDS for start, end in self.collections)


async def watched(loop, work):
    running = asyncio.get_running_loop()
    running.set_debug(True)
    running.slow_callback_duration = BLOCKED_SECONDS
    watcher = asyncio.create_task(loop.watch())
    with loop.slow_steps():
        result = await work
    watcher.cancel()
    return result


async def all_events(push):
    deadline = time.time() + 600
    triggers = [
        InforuVoiceJobTrigger(
            send_id=f"{number:016x}", expected=1, poll_interval=POLL_SECONDS, deadline=deadline
        )
        for number in range(TRIGGERS)
    ]
    waiting = [asyncio.create_task(anext(trigger.run())) for trigger in triggers]
    await asyncio.sleep(WAIT_SECONDS)
    await asyncio.to_thread(push)
    return await asyncio.gather(*waiting)


async def all_sleeps():
    async def sleep():
        await asyncio.sleep(POLL_SECONDS * random.uniform(0.0, 1.0))
        await asyncio.sleep(POLL_SECONDS * random.uniform(0.8, 1.2))

    await asyncio.gather(*(sleep() for _ in range(TRIGGERS)))


def line(name, loop, cpu):
    late = sorted(loop.late)
    p99 = late[int(len(late) * 0.99)] * 1000
    counts = f"{len(loop.blocked)} | {loop.long_collections()}"
    return f"| {name} | {counts} | {p99:.1f} | {late[-1] * 1000:.1f} | {cpu:.1f} |"


def serve(database, url, over):
    """Run a receiver until told to stop, in a process of its own as it always is."""
    with running_receiver(database) as receiver:
        url.put(receiver.url)
        over.wait()


@contextmanager
def receiver_process(database):
    spawn = multiprocessing.get_context("spawn")
    url, over = spawn.Queue(), spawn.Event()
    process = spawn.Process(target=serve, args=(database, url, over))
    process.start()
    try:
        yield Receiver(url.get(timeout=120), None)
    finally:
        over.set()
        process.join(60)


@pytest.mark.timeout(600)
def test_a_thousand_waiting_sends_do_not_block_the_loop(tmp_path, connection):
    with receiver_process(f"sqlite:///{tmp_path / 'receiver.db'}") as receiver:
        connection(receiver_url=receiver.url, notification_secret=receiver.secret)

        def push():
            for first in range(0, TRIGGERS, 100):
                receiver.push([end_of_call(f"{first + number:016x}-1") for number in range(100)])

        # The first read of a connection in a process imports much of Airflow's, and is no trigger's cost.
        asyncio.run(shared_hooks.get("inforu_default"))
        lines = []
        for name, work in (("that only sleep", all_sleeps), ("of ours", lambda: all_events(push))):
            loop, before = Loop(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
            result = asyncio.run(watched(loop, work()))
            cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
            lines.append(line(f"{TRIGGERS} triggers {name}", loop, cpu))
    print(f"\n| one look every {POLL_SECONDS:.0f} s | steps of 50 ms or more | collections of 50 ms", end="")
    print(" or more | timers late, p99 (ms) | latest (ms) | CPU (s) |\n|---|---|---|---|---|---|")
    print("\n".join(lines))
    for blocked in loop.blocked[:5]:
        print(blocked)
    assert {event.payload["status"] for event in result} == {"success"}
