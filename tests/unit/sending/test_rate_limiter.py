import itertools
import logging
import os
import secrets
import socket
import sys
import time
from types import SimpleNamespace
from unittest import mock

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import InforuConnectionError, InforuError
from airflow_provider_inforu.sending import (
    local_rate_limiter,
    rate_limiter,
    redis_rate_limiter,
    send_progress,
)
from airflow_provider_inforu.sending.rate_limiter import BackoffGate, RateLimiter
from airflow_provider_inforu.sending.redis_rate_limiter import SharedLimit
from airflow_provider_inforu.sending.retry_policy import Backoff
from airflow_provider_inforu.sending.send_progress import Progress
from tests.integration.ground import skip_unless_required

REFUSED = InforuConnectionError("refused")


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

        def time(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(rate_limiter, "time", clock)
    monkeypatch.setattr(send_progress, "time", clock)
    monkeypatch.setattr(local_rate_limiter, "time", clock)
    return clock


def test_without_a_limit_every_request_may_leave():
    limiter = RateLimiter(0)
    assert [limiter.acquire() for _ in range(1000)] == [0] * 1000
    limiter.slow_down()
    assert limiter.acquire() == 0


@pytest.mark.parametrize("requests_per_second", [1, 2, 30])
def test_there_is_no_burst_at_the_start(clock, requests_per_second):
    limiter = RateLimiter(requests_per_second)
    clock.now += 10  # until the first request is ready
    assert [limiter.acquire() == 0 for _ in range(5)] == [True, False, False, False, False]


@settings(max_examples=50)
@given(st.randoms(use_true_random=False), st.sampled_from([0.5, 1, 2, 30, 50]))
def test_a_request_may_leave_as_soon_as_the_wait_is_over_and_no_sooner(chance, requests_per_second):
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    with mock.patch.object(local_rate_limiter, "time", clock), mock.patch.object(rate_limiter, "time", clock):
        limiter = RateLimiter(requests_per_second)
        for _ in range(100):
            if wait := limiter.acquire():
                clock.now += wait * 0.99
                assert limiter.acquire() > 0
                clock.now += wait * 0.01 + 1e-6
                assert limiter.acquire() == 0
            limiter.mark_sent()
            clock.now += chance.choice([0, 0.001, 0.02, 0.7])


@pytest.mark.redis
@pytest.mark.parametrize("requests_per_second", [2, 30])
def test_a_shared_slot_is_free_when_the_wait_is_over(shared, requests_per_second):
    first, second = RateLimiter(requests_per_second, shared), RateLimiter(requests_per_second, shared)
    waits = []
    for _ in range(12):
        while first.acquire() == 0:
            first.mark_sent()
        if wait := second.acquire():  # 0 if the machine stood still for so long
            waits.append(wait)
            time.sleep(wait + 0.002)
            assert second.acquire() == 0
    assert waits
    assert max(waits) <= 1.1


def test_after_a_rate_limit_another_and_slower_pace_holds_for_a_minute(clock):
    limiter = RateLimiter(2)
    assert limiter.acquire() == 0
    limiter.slow_down()
    clock.now += 0.6
    assert limiter.acquire() > 0
    clock.now += 0.5
    assert limiter.acquire() == 0
    clock.now += rate_limiter.SLOWER_SECONDS
    assert limiter.acquire() == 0
    clock.now += 0.6
    assert limiter.acquire() == 0


def test_the_slower_pace_begins_without_a_burst(clock):
    limiter = RateLimiter(30)
    for _ in range(20):
        assert limiter.acquire() == 0
        limiter.mark_sent()
        clock.now += 0.05
    limiter.slow_down()
    clock.now += 5  # as the vendor asked
    assert [limiter.acquire() == 0 for _ in range(3)] == [True, False, False]


def test_requests_before_a_rate_limit_count_for_the_second_after_it(clock):
    limiter, left = RateLimiter(30), []

    def send_for(seconds):
        until = clock.now + seconds
        while clock.now < until:
            while limiter.acquire() == 0:
                limiter.mark_sent()
                left.append(clock.now)
            clock.now += 0.01

    send_for(0.9)  # nearly the whole limit has left, and the second is not over
    assert len(left) >= 29
    limiter.slow_down()
    send_for(2)
    assert most_in_a_second(left) <= 30


def test_never_more_than_the_limit_in_any_second():
    limiter = RateLimiter(50)
    takes = []
    while len(takes) < 120:
        before = time.monotonic()
        if limiter.acquire() == 0:
            takes.append((before, time.monotonic()))
    # A busy machine may stand still beside a take: so many were surely taken within a second.
    assert max(sum(start <= after < start + 1 for _, after in takes) for start, _ in takes) <= 50


def leave_times(clock, write_seconds, requests_per_second=30, count=300):
    """Return when requests leave whose intents are written in rounds that take so long."""
    limiter, left = RateLimiter(requests_per_second), []
    while len(left) < count:
        taken = 0
        while limiter.acquire() == 0:
            taken += 1
        clock.now += next(write_seconds) if taken else 0.002
        limiter.mark_sent()
        left += [clock.now] * taken
    return left


def most_in_a_second(times):
    return max(sum(start <= one < start + 1 for one in times) for start in times)


@pytest.mark.parametrize("write_seconds", [0.005, 0.025, 0.06])
def test_a_slow_ledger_does_not_slow_a_send_down(clock, write_seconds):
    times = leave_times(clock, itertools.repeat(write_seconds))
    assert (len(times) - 1) / (times[-1] - times[0]) >= 29
    assert most_in_a_second(times) <= 30


def test_a_pause_of_the_ledger_is_caught_up(clock):
    """Without that, a pause of half a second costs a send of the default rate 15 requests."""
    writes = itertools.cycle([0.01] * 60 + [0.45])
    times = leave_times(clock, writes, count=600)
    steady = [one for one in times if one > times[0] + 2]
    assert (len(steady) - 1) / (steady[-1] - steady[0]) >= 29
    assert most_in_a_second(times) <= 30


def test_requests_leave_one_by_one_where_nothing_pauses(clock):
    times = leave_times(clock, itertools.repeat(0.001), count=90)
    assert min(after - before for before, after in itertools.pairwise(times)) > 0.025


@settings(max_examples=50)
@given(st.randoms(use_true_random=False), st.sampled_from([1, 2, 7, 30, 50]))
def test_however_long_the_writes_take_no_more_than_the_limit_leaves_in_a_second(chance, limit):
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    writes = iter(lambda: chance.choice([0.001, 0.02, 0.1, 0.9]), None)
    with mock.patch.object(local_rate_limiter, "time", clock), mock.patch.object(rate_limiter, "time", clock):
        times = leave_times(clock, writes, limit, count=4 * limit)
    assert most_in_a_second(times) <= limit


def test_a_slow_write_lets_no_second_request_leave_in_the_window_of_a_low_rate(clock):
    times = leave_times(clock, itertools.cycle([3.0, 0.01]), requests_per_second=0.5, count=6)
    assert min(after - before for before, after in itertools.pairwise(times)) >= 2


def test_requests_are_held_back_ever_longer_and_released_by_a_success(clock):
    hold = BackoffGate(Backoff(first=10))
    assert hold.is_over()
    assert hold.after(REFUSED)
    clock.now += 9
    assert not hold.is_over()
    assert hold.seconds_left() > 0
    clock.now += 1
    assert hold.is_over()
    assert hold.after(REFUSED)
    clock.now += 19
    assert not hold.is_over()
    hold.release()
    clock.now += 1
    hold.after(REFUSED)
    clock.now += 10
    assert hold.is_over()


def test_failures_of_requests_that_were_in_flight_together_count_as_one(clock):
    hold = BackoffGate(Backoff(first=10))
    for _ in range(32):
        hold.after(REFUSED)
    clock.now += 10
    assert hold.is_over()


def test_after_five_minutes_without_success_waiting_makes_no_sense(clock):
    hold = BackoffGate(Backoff(first=100, longest=300))
    waits = 0
    while hold.after(REFUSED):
        waits += 1
        clock.now += 300
    assert waits == 1


def test_progress_is_said_every_few_seconds(clock, caplog):
    caplog.set_level(logging.INFO)
    said = Progress(100)
    said.say(1)
    clock.now += 5
    said.say(1)
    said.done = 30
    clock.now += 5
    said.say(2)
    said.say(2)
    assert [record.getMessage() for record in caplog.records] == [
        "0 of 100 requests accepted, 1 in flight, 0.0 a second, time left unknown",
        "30 of 100 requests accepted, 2 in flight, 3.0 a second, about 23 s left",
    ]


REDIS_URL = os.environ.get("INFORU_TEST_REDIS", "redis://127.0.0.1:6379/0")


@pytest.fixture
def shared():
    """A limit of this test's own on a real Redis server."""
    server = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2)
    try:
        server.ping()
    except redis.RedisError:
        skip_unless_required("redis", f"no Redis server answers at {REDIS_URL}")
    limit = SharedLimit(REDIS_URL, secrets.token_hex(8))
    yield limit
    server.delete(f"inforu:rate:{limit.name}")


@pytest.mark.redis
def test_workers_that_share_a_limit_keep_it_together(shared):
    """Each of them alone would let as many requests go."""
    workers = [RateLimiter(50, shared) for _ in range(3)]
    asks = []
    while len(asks) < 120:
        for worker in workers:
            before = time.monotonic()
            if worker.acquire() == 0:
                asks.append((before, time.monotonic()))
    # A busy machine may stand still between the server's time and ours: these were surely within a second.
    surely = (sum(start <= before and after < start + 1 for before, after in asks) for start, _ in asks)
    assert max(surely) <= 50


@pytest.mark.redis
def test_workers_whose_clocks_differ_keep_the_limit_together(shared, monkeypatch):
    workers = [RateLimiter(50, shared) for _ in range(3)]
    clock, times = time.time_ns, []
    while len(times) < 120:
        for number, worker in enumerate(workers):
            ahead = number * 3600
            monkeypatch.setattr(time, "time_ns", lambda: clock() + ahead * 10**9)  # noqa: B023
            monkeypatch.setattr(time, "time", lambda: clock() / 10**9 + ahead)  # noqa: B023
            if worker.acquire() == 0:
                times.append(time.monotonic())
    # Some leave a place later than they took it. Without a limit together there would be 150.
    assert max(sum(start <= one < start + 1 for one in times) for start in times) <= 60


@pytest.mark.redis
def test_a_worker_that_is_held_up_while_it_asks_takes_no_place_that_another_one_took_meanwhile(
    shared, monkeypatch
):
    slow, fast = RateLimiter(1, shared), RateLimiter(1, shared)
    taken = []
    ask = redis.Redis.execute_command

    def ask_and_be_held_up(server, *command, **options):
        answer = ask(server, *command, **options)
        monkeypatch.undo()
        time.sleep(0.01)
        taken.append(fast.acquire() == 0)
        return answer

    monkeypatch.setattr(redis.Redis, "execute_command", ask_and_be_held_up)
    taken.append(slow.acquire() == 0)
    assert sorted(taken) == [False, True]


@pytest.mark.redis
def test_a_request_that_leaves_long_after_it_took_its_place_counts_from_then(shared):
    """Its ledger was slow. Others that take their places later come at the same time."""
    slow, fast = RateLimiter(2, shared), RateLimiter(2, shared)
    assert slow.acquire() == 0
    time.sleep(1.1)
    assert fast.acquire() == 0
    fast.mark_sent()
    slow.mark_sent()
    time.sleep(0.5)
    assert fast.acquire() > 0, "a third request within a second"


@pytest.mark.redis
def test_a_place_that_was_left_late_is_forgotten_like_any_other(shared):
    limiter = RateLimiter(2, shared)
    assert limiter.acquire() == 0
    time.sleep(2.1)
    limiter.mark_sent()
    server = redis.Redis.from_url(shared.url)
    assert 0 < server.pttl(f"inforu:rate:{shared.name}") <= 2 * rate_limiter.WINDOW_MILLISECONDS


@pytest.mark.redis
@pytest.mark.parametrize("is_slowed_down", [False, True])
@pytest.mark.parametrize(("late_after", "counts_anew"), [(60.0, False), (0.0, True)])
def test_only_a_request_that_leaves_late_counts_anew(
    shared, monkeypatch, late_after, counts_anew, is_slowed_down
):
    monkeypatch.setattr(redis_rate_limiter, "LATE_SECONDS", late_after)
    server = redis.Redis.from_url(shared.url)
    limiter = RateLimiter(4, shared)
    if is_slowed_down:
        limiter.slow_down()
    assert limiter.acquire() == 0
    before = server.zrange(f"inforu:rate:{shared.name}", 0, -1, withscores=True)
    time.sleep(0.01)
    limiter.mark_sent()
    after = server.zrange(f"inforu:rate:{shared.name}", 0, -1, withscores=True)
    assert [name for name, _ in after] == [name for name, _ in before]
    assert (after != before) == counts_anew


def test_a_server_that_is_silent_is_asked_once(monkeypatch):
    """Intents may be written while it is asked."""
    monkeypatch.setattr(redis_rate_limiter, "REDIS_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with pytest.raises(InforuError, match="shared rate limit in Redis"):
            RateLimiter(30, SharedLimit(url, "account"))
        silent.settimeout(0.5)
        silent.accept()[0].close()
        with pytest.raises(TimeoutError):
            silent.accept()


def test_a_rate_that_is_halved_below_one_in_a_second_is_halved(clock):
    limiter = RateLimiter(1)
    limiter.slow_down()
    assert limiter.acquire() == 0
    clock.now += 1.5
    assert limiter.acquire() > 0
    clock.now += 0.6
    assert limiter.acquire() == 0


def test_a_limit_that_lets_nothing_go_for_minutes_stops_the_send(clock, monkeypatch):
    limiter = RateLimiter(1)
    monkeypatch.setattr(limiter, "_full_rate", SimpleNamespace(acquire=lambda: 1.0))
    for _ in range(int(rate_limiter.LONGEST_STANDSTILL_SECONDS) + 1):
        assert limiter.acquire() > 0
        clock.now += 1
    with pytest.raises(InforuError, match="no free slot for 300 seconds"):
        limiter.acquire()


def test_a_send_that_held_back_for_minutes_is_not_stopped_by_one_refusal_after_it(clock, monkeypatch):
    limiter = RateLimiter(1)
    monkeypatch.setattr(limiter, "_full_rate", SimpleNamespace(acquire=lambda: 1.0))
    assert limiter.acquire() > 0
    clock.now += rate_limiter.LONGEST_STANDSTILL_SECONDS + 1
    assert limiter.acquire() > 0


def test_a_shared_limit_that_cannot_be_asked_lets_nothing_go_and_shows_no_password():
    with pytest.raises(InforuError, match="shared rate limit in Redis") as raised:
        RateLimiter(30, SharedLimit("redis://:s3cr3t@127.0.0.1:1/0", "account"))
    assert "s3cr3t" not in str(raised.value)
    assert "s3cr3t" not in repr(SharedLimit("redis://:s3cr3t@127.0.0.1:1/0", "account"))


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(InforuError, match=r"airflow-provider-inforu\[redis\]"):
        RateLimiter(30, SharedLimit(REDIS_URL, "account"))
