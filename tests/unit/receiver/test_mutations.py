"""Mutated bodies and hostile requests: none is answered 5xx, no good item is lost, no log shows anything."""

import json
import logging
import random
from urllib.parse import quote

import pytest

from airflow_provider_inforu.receiver.unrecognized_payloads import MOST_UNREADABLE
from tests.receiver import CONN_ID, SECRET, end_of_call
from tests.unit.receiver.test_any_body import InProcess

SEND = "0123456789abcdef"
PHONE = "0500000001"
SHORT, LONG = 300, 10_000
COUNTS = [SHORT, pytest.param(LONG, marks=pytest.mark.long)]
TYPES = [
    "application/json",
    "application/x-www-form-urlencoded",
    "text/xml",
    "",
    "multipart/form-data",
    "text/plain; charset=nonsense",
]
ODD_VALUES = [
    None,
    True,
    -1,
    10**400,
    float("nan"),
    float("inf"),
    "",
    PHONE,
    f"+972-{PHONE[1:]}",
    "\x00\ud800\x1b[2J\u202e",
    "=HYPERLINK(1)",
    "9" * 4301 + ":00:00",
    "2199-12-31 23:59:59",
    [],
    {},
    [[[[]]]],
    {"Data": [1]},
]
PARTS = [
    *[
        "inforu",
        "v1",
        CONN_ID,
        "nobody",
        "sends",
        SEND,
        "calls",
        "notifications",
        "health",
        "..",
        ".",
        "",
        "%00",
    ],
    *["%2F", "%0d%0aX: y", "x" * 300, "\u05d0", "'; drop table inforu_call; --", "latest", "9" * 30],
]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "X"]


@pytest.fixture
def running(tmp_path):
    in_process = InProcess(f"sqlite:///{tmp_path / 'db'}")
    yield in_process
    in_process.close()


@pytest.fixture
def seed():
    """A new one each time. The test's output names it."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    return seed


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG)
    # The client's own log has what the test asked for.
    caplog.set_level(logging.WARNING, "httpx")
    return caplog


def odd_item(chance):
    kind = chance.randrange(4)
    if kind == 0:
        depth = chance.choice([1, 50, 300, 500])
        return json.loads("[" * depth + "]" * depth)
    if kind == 1:
        return chance.choice(ODD_VALUES)
    item = end_of_call(chance.choice(["", PHONE, f"{SEND[::-1]}-{chance.randrange(9)}", f"{SEND}-{PHONE}"]))
    for name in chance.sample(sorted(item), chance.randrange(1, 5)):
        item[name] = chance.choice(ODD_VALUES)
    return item


def mutate(chance, body):
    """Return the body with a piece missing, different or twice."""
    start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    piece = chance.choice(
        [b"", chance.randbytes(4), body[start:end] * 2, b"[" * 2000, b'"', b"\\", b"1" * 5000]
    )
    return body[:start] + piece + body[end:]


def show_nothing(log):
    assert SECRET not in log.text
    assert PHONE not in log.text
    assert PHONE[1:] not in log.text
    assert "\x1b" not in log.text


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("count", COUNTS)
def test_no_good_item_is_lost_whatever_comes_with_it(running, seed, log, count):
    chance, sent = random.Random(seed), 0
    for _ in range(count // 2):
        good = [end_of_call(f"{SEND}-{sent + n}") for n in range(chance.randrange(1, 4))]
        sent += len(good)
        items = [*good, *(odd_item(chance) for _ in range(chance.randrange(MOST_UNREADABLE // 20)))]
        chance.shuffle(items)
        content = chance.choice([items, {"Data": items}, {"CustomerId": 2, "data": items}])
        answer = running.push(json.dumps(content).encode(), chance.choice(TYPES[:5]))
        assert answer.status_code == 200
    assert running.get(f"/inforu/v1/{CONN_ID}/sends/{SEND}").json()["calls"] == sent
    show_nothing(log)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("count", COUNTS)
def test_every_mutated_body_is_answered_and_kept(running, seed, log, count):
    chance, kept = random.Random(seed), 0
    good = json.dumps({"Data": [end_of_call(f"{SEND}-{n}") for n in range(3)]}).encode()
    for _ in range(count // 2):
        body = good
        for _ in range(chance.randrange(1, 4)):
            body = mutate(chance, body)
        answer = running.push(body, chance.choice(TYPES))
        assert answer.status_code == 200
        kept += answer.json()["stored"] + answer.json()["unrecognized"]
    assert running.count() == kept > 0
    show_nothing(log)


def any_request(chance):
    path = "/" + "/".join(chance.choice(PARTS) for _ in range(chance.randrange(1, 7)))
    if chance.random() < 0.7:
        path = f"/inforu/v1/{chance.choice([CONN_ID, 'nobody', '.', quote(chance.choice(PARTS))])}/"
        path += chance.choice(["notifications", "health", f"sends/{SEND}", f"sends/{SEND}/calls", "sends/x"])
    names = ["secret", "after", "limit", "status", "x"]
    values = [SECRET, "", "1", "-1", "9" * 30, "latest", "5-5", "\x00", "\u05d0", "' or 1=1", "x" * 2000]
    query = "&".join(
        f"{chance.choice(names)}={quote(chance.choice(values))}" for _ in range(chance.randrange(4))
    )
    headers = {
        name: chance.choice(values).encode("utf-8").replace(b"\x00", b"0")
        for name in chance.sample(["X-Inforu-Secret", "Content-Type", "X-Forwarded-For", "Content-Length"], 2)
    }
    if chance.random() < 0.5:
        headers["Authorization"] = chance.choice([f"Bearer {SECRET}", "Bearer ", "Basic x", "bearer\txx"])
    return (
        chance.choice(METHODS),
        f"{path}?{query}",
        headers,
        chance.choice([b"", b"[]", b"{", PHONE.encode()]),
    )


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("count", COUNTS)
def test_no_hostile_request_breaks_the_receiver(running, seed, log, count):
    chance, statuses = random.Random(seed), set()
    for _ in range(count):
        method, path, headers, body = any_request(chance)
        statuses.add(running.request(method, path, headers, body).status_code)
    assert max(statuses) < 500
    assert {401, 404} <= statuses
    assert running.get(f"/inforu/v1/{CONN_ID}/sends/{SEND}").status_code == 200
    show_nothing(log)
