"""How fast pushes are taken, beside an endpoint that keeps nothing. Prints, asserts no time."""

import os
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.integration.conftest import new_postgres_database
from tests.receiver import Receiver, end_of_call

ROOT = Path(__file__).parents[2]
SEND = "0123456789abcdef"
ITEMS = 100
PUSHES = 300
PEER = "an endpoint that only parses JSON"
OURS = "our receiver"


@contextmanager
def serving(factory, database_url="", root=None):
    """Serve an application of this checkout, or of another one that has an environment of its own."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    python = root / ".venv" / "bin" / "python" if root else sys.executable
    command = [python, "-m", "uvicorn", "--factory", f"tests.benchmarks.receiver_apps:{factory}"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "error", "--no-access-log"],
        cwd=root or ROOT,
        env={**os.environ, "INFORU_BENCHMARK_DATABASE": database_url},
    )
    try:
        wait_until_it_listens(port, process)
        yield Receiver(f"http://127.0.0.1:{port}", None)
    finally:
        process.terminate()
        process.wait(30)


def wait_until_it_listens(port, process):
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def envelope(push):
    items = [
        end_of_call(f"{SEND}-{push}-{number}", phone=f"05000{push:03d}{number:02d}")
        for number in range(ITEMS)
    ]
    return {"CustomerId": 2, "ProjectId": 30253, "UserId": 30253, "Data": items}


def push_all(receiver, clients):
    """Push everything from some clients at a time; return the notifications per second and the latencies."""
    sessions = [requests.Session() for _ in range(clients)]
    bodies = [envelope(push) for push in range(PUSHES)]
    sessions[0].post(receiver.push_url, json=envelope(PUSHES), timeout=60).raise_for_status()

    def work(client):
        latencies = []
        for body in bodies[client::clients]:
            began = time.perf_counter()
            sessions[client].post(receiver.push_url, json=body, timeout=60).raise_for_status()
            latencies.append(time.perf_counter() - began)
        return latencies

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        latencies = sorted(one for some in pool.map(work, range(clients)) for one in some)
    return PUSHES * ITEMS / (time.perf_counter() - began), latencies


def row(name, clients, rate, latencies):
    p50, p99 = statistics.median(latencies), latencies[int(len(latencies) * 0.99)]
    print(f"| {name} | {clients} | {rate:,.0f} | {p50 * 1000:.1f} | {p99 * 1000:.1f} |", flush=True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_push_rate_beside_an_endpoint_that_keeps_nothing(tmp_path, database):
    print(f"\n| on {database}, 100 items in a push | clients | notifications/s | p50 ms | p99 ms |")
    print("|---|---|---|---|---|")
    for clients in (1, 4):
        with serving("bare") as peer:
            row(PEER, clients, *push_all(peer, clients))
        if database == "sqlite":
            measure(f"sqlite:///{tmp_path / f'{clients}.db'}", clients)
        else:
            with new_postgres_database() as url:
                measure(url, clients)


def measure(database_url, clients):
    with serving("ours", database_url) as receiver:
        row(OURS, clients, *push_all(receiver, clients))
        total = (PUSHES + 1) * ITEMS
        assert receiver.summary(SEND)["calls"] == total
        row(f"{OURS}, everything again", clients, *push_all(receiver, clients))
        assert receiver.summary(SEND)["calls"] == total
        began = time.perf_counter()
        receiver.summary(SEND)
        print(f"| the summary of {total:,} calls | 1 | | {(time.perf_counter() - began) * 1000:.1f} | |")
