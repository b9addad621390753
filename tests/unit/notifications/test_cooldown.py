import contextlib
import os
import secrets
import threading

import pytest
import redis
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_inforu.notifications import cooldown as cooldowns_module
from airflow_provider_inforu.notifications.cooldown import FolderCooldown, RedisCooldown, new_cooldown
from tests.integration.ground import skip_unless_required
from tests.unit.sending.test_rate_limiter import REDIS_URL


@pytest.fixture
def redis_cooldown():
    try:
        redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2).ping()
    except redis.RedisError:
        skip_unless_required("redis", f"no Redis server answers at {REDIS_URL}")
    return RedisCooldown(REDIS_URL)


@pytest.fixture(params=["disk", "bucket", pytest.param("redis", marks=pytest.mark.redis)])
def cooldown(request, tmp_path):
    """Cool-downs in each of the places where they may be kept."""
    if request.param == "redis":
        yield request.getfixturevalue("redis_cooldown")
        return
    yield FolderCooldown(str(tmp_path) if request.param == "disk" else "memory://bucket/~cooldowns")
    MemoryFileSystem.store.clear()


@pytest.fixture
def key():
    return secrets.token_hex(8)


def test_the_first_one_rings_and_those_after_it_do_not(cooldown, key):
    assert cooldown.take(key, 60) is not None
    assert cooldown.take(key, 60) is None
    assert cooldown.take(secrets.token_hex(8), 60) is not None


def test_after_the_cooldown_one_rings_again(cooldown, key):
    assert cooldown.take(key, 0.001) is not None
    threading.Event().wait(0.05)
    assert cooldown.take(key, 0.001) is not None


def test_a_cooldown_that_is_given_back_is_over(cooldown, key):
    cooldown.take(key, 60)()
    release = cooldown.take(key, 60)
    assert release is not None
    assert cooldown.take(key, 60) is None


def test_what_is_given_back_late_does_not_end_the_cooldown_of_another(cooldown, key):
    release = cooldown.take(key, 0.001)
    threading.Event().wait(0.05)
    # Redis keeps the length with the cool-down, a folder leaves it to who asks.
    assert cooldown.take(key, 60 if isinstance(cooldown, RedisCooldown) else 0) is not None
    with contextlib.suppress(FileNotFoundError):
        release()
    assert cooldown.take(key, 60) is None


# The file system in the memory makes no file exclusively: see the next test.
@pytest.mark.parametrize("cooldown", ["disk", pytest.param("redis", marks=pytest.mark.redis)], indirect=True)
@pytest.mark.parametrize("rounds", [1, 2])
def test_of_many_at_the_same_moment_one_rings(cooldown, key, rounds):
    """Also when they all see that the last cool-down is over."""
    for _ in range(rounds):
        begin = threading.Barrier(8)
        taken = []

        def send_alert(begin=begin, taken=taken):
            begin.wait()
            taken.append(cooldown.take(key, 0.5) is not None)

        threads = [threading.Thread(target=send_alert) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        threading.Event().wait(0.6)
        assert sum(taken) == 1


# One command of Redis looks and begins.
@pytest.mark.parametrize("cooldown", ["disk", "bucket"], indirect=True)
@pytest.mark.parametrize("begun", [False, True])
def test_who_saw_the_same_last_cooldown_and_comes_later_does_not_ring(cooldown, key, monkeypatch, begun):
    if begun:
        cooldown.take(key, 0)
    seen = ["00000001"] if begun else []
    monkeypatch.setattr(cooldowns_module, "_numbers", lambda *_: seen)
    monkeypatch.setattr(cooldowns_module, "_age", lambda *_: 60.0)
    assert cooldown.take(key, 1) is not None
    assert cooldown.take(key, 1) is None


def test_a_folder_keeps_one_file_for_each_subject(tmp_path, key):
    for _ in range(5):
        FolderCooldown(str(tmp_path)).take(key, 0)
    assert [path.name for path in (tmp_path / key).iterdir()] == ["00000005"]


def test_a_clock_that_is_set_back_ends_a_cooldown_and_does_not_prolong_it(tmp_path, key):
    FolderCooldown(str(tmp_path)).take(key, 60)
    (file,) = (tmp_path / key).iterdir()
    os.utime(file, (2e9, 2e9))
    assert FolderCooldown(str(tmp_path)).take(key, 60) is not None


def test_redis_goes_before_a_path_and_a_path_before_the_machine(monkeypatch, tmp_path):
    own = new_cooldown()
    assert isinstance(own, FolderCooldown)
    assert own._root == str(tmp_path / f"inforu-cooldowns-{os.getuid()}")
    monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", "s3://bucket/ledgers/")
    assert new_cooldown()._root == "s3://bucket/ledgers/~cooldowns"
    monkeypatch.setenv("AIRFLOW__INFORU__RATE_LIMIT_REDIS_URL", REDIS_URL)
    assert isinstance(new_cooldown(), RedisCooldown)


def test_a_temporary_folder_that_others_may_have_made_is_not_trusted(tmp_path):
    (tmp_path / f"inforu-cooldowns-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="belongs to another user"):
        new_cooldown()
