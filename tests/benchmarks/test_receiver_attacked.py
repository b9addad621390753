"""An API server while somebody pushes bodies of 8 MiB, and honest pushes beside an earlier commit.

The second one needs a checkout of that commit with an environment of its own: INFORU_BENCHMARK_BASE=/path.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from pathlib import Path

import pytest
import requests

from tests.benchmarks.test_receiver import ITEMS, PUSHES, push_all, serving
from tests.integration.conftest import new_postgres_database
from tests.integration.test_receiver import airflow
from tests.receiver import end_of_call
from tests.unit.receiver.hostile import MIB, hostile_bodies

SEND = "0123456789abcdef"
ROUNDS = 3


def process_tree(pid):
    """Return the ids of a process and its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += process_tree(int(child))
    return found


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pids, field):
    """Return kilobytes of all processes: VmRSS now, VmHWM at most since the last reset."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                total += int(line.split()[1])
    return total


def reset_peaks(pids):
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


class Prober:
    """Asks a server for Airflow's version all the time, in a thread; notes how long the answers take."""

    def __init__(self, url):
        self._url = f"{url}/api/v2/version"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.latencies = []

    def _run(self):
        session = requests.Session()
        while not self._stop.is_set():
            began = time.perf_counter()
            session.get(self._url, timeout=60).raise_for_status()
            self.latencies.append(time.perf_counter() - began)
            self._stop.wait(0.02)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


@pytest.mark.timeout(1800)
def test_an_api_server_that_is_pushed_bodies_of_8_mib(tmp_path):
    options = {
        "AIRFLOW__INFORU__RECEIVER_ENABLED": "True",
        "AIRFLOW__INFORU__RECEIVER_DATABASE": f"sqlite:///{tmp_path / 'receiver.db'}",
    }
    print(
        "\n| body of 8 MiB | CPU s | MB above idle | version max s | the same without us | push s | answer |"
    )
    print("|---|---|---|---|---|---|---|")
    with airflow(tmp_path / "ours", **options) as ours, airflow(tmp_path / "plain") as plain:
        ours.start()
        plain.start()
        receiver, api = ours.receiver, ours.services[-1]
        receiver.push([end_of_call(f"{SEND}-warm")]).raise_for_status()
        pids = process_tree(api.pid)
        for name, body in hostile_bodies(8 * MIB).items():
            idle, cpu = memory(pids, "VmRSS"), cpu_seconds(pids)
            reset_peaks(pids)
            with Prober(ours.ports.api_url) as beside, Prober(plain.ports.api_url) as without:
                began = time.perf_counter()
                answer = receiver.post(body, headers={"Content-Type": "application/json"})
                took = time.perf_counter() - began
            used = cpu_seconds(pids) - cpu
            above = (memory(pids, "VmHWM") - idle) / 1024
            print(
                f"| {name} | {used:.2f} | {above:.0f} | {max(beside.latencies):.3f} | "
                f"{max(without.latencies):.3f} | {took:.2f} | {answer.status_code} |",
                flush=True,
            )
            assert answer.status_code == 200


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_honest_pushes_beside_an_earlier_commit(tmp_path, database):
    base = os.environ.get("INFORU_BENCHMARK_BASE")
    if not base:
        pytest.skip("INFORU_BENCHMARK_BASE names no checkout")
    rates = {"base": [], "ours": []}
    for number in range(ROUNDS):
        # The order changes, so that a machine that gets slower harms both.
        for name in ("base", "ours") if number % 2 else ("ours", "base"):
            folder = Path(base) if name == "base" else None
            if database == "sqlite":
                with serving("ours", f"sqlite:///{tmp_path / f'{name}{number}.db'}", folder) as receiver:
                    rates[name].append(push_all(receiver, 4)[0])
            else:
                with new_postgres_database() as url, serving("ours", url, folder) as receiver:
                    rates[name].append(push_all(receiver, 4)[0])
    base_rate, our_rate = (statistics.median(rates[name]) for name in ("base", "ours"))
    print(
        f"\n{database}, {PUSHES} pushes of {ITEMS}: base {base_rate:,.0f}/s, ours {our_rate:,.0f}/s, "
        f"{our_rate / base_rate:.2f} of it; rounds: {rates}"
    )
