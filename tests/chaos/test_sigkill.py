"""Real processes, killed with SIGKILL at random moments while they send, with all faults mixed in.

The tries run through Airflow's real task runner; the sandbox records every call that it accepted. The short
form runs with the other tests; ``make chaos`` runs the long one.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_reader import read_content
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
from airflow_provider_inforu.ledger.task_state_store import TaskStateStore
from airflow_provider_inforu.sandbox import SandboxServer
from tests.chaos.zygote import PEOPLE_IN_A_BATCH, StateFile
from tests.integration.s3 import s3_client, s3_server

ROOT = Path(__file__).parents[2]
LONG = bool(os.environ.get("INFORU_CHAOS"))
SENDS, PEOPLE, KILLS_PER_SEND = (8, 3200, 12) if LONG else (1, 800, 5)
PLACES = [
    "task state",
    pytest.param("plain path", marks=pytest.mark.long),
    pytest.param("file URL", marks=pytest.mark.long),
    pytest.param("S3", marks=pytest.mark.long),
]
SEED = int(os.environ.get("INFORU_CHAOS_SEED", "20261123"))

FAULTS = [
    *({"kind": "accept_then_drop"}, {"kind": "drop"}, {"kind": "garbage"}, {"kind": "accept_then_error"}),
    *({"kind": "http_error", "http_status": 503}, {"kind": "accept_then_slow", "seconds": 1.5}),
    *({"kind": "slow", "seconds": 0.3}, {"kind": "loose_types"}, {"kind": "rate_limit", "retry_after": 0}),
    *({"kind": "status", "status_id": status} for status in (-1, -13, -18, -2015)),
    {"kind": "status", "status_id": -13, "http_status": 200},
]


class Zygote:
    """The process that forks a process for each try."""

    def __init__(self, folder, connection, ledger_path):
        self._folder = folder
        self._given = {"connection": connection, "ledger_path": ledger_path, "people": PEOPLE}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        while self._process.stdout.readline().strip() != "ready":
            assert self._process.poll() is None

    def run(self, try_number, wait_for_the_moment=None):
        """Run a try; with a moment to wait for, kill it then unless it ended before."""
        command = {
            **self._given,
            "max_in_flight": 3,
            "try_number": try_number,
            **{name: str(self._folder / name) for name in ("state", "xcoms", "log", "result")},
        }
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        # A descriptor, since the number may belong to another process once the child has ended.
        child = os.pidfd_open(int(self._process.stdout.readline()))
        if wait_for_the_moment:
            wait_for_the_moment(lambda: (self._folder / "result").exists())
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(child, signal.SIGKILL)
        os.close(child)
        return self._process.stdout.readline().strip()

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)


def moment(chance, sandbox):
    """Return what waits for the moment of a kill: mostly after some requests of the try, sometimes before."""
    requests = len(sandbox.requests()) + chance.choice([0, *range(1, 25)])
    delay = chance.uniform(0.0, 0.06)

    def wait(has_ended):
        deadline = time.monotonic() + 20
        while len(sandbox.requests()) < requests and not has_ended() and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(delay)

    return wait


def one_send(folder, chance, sandbox, ledger_path):
    """Run a send to its end through kills and faults; return what became of it, in numbers."""
    folder.mkdir()
    zygote = Zygote(folder, sandbox.connection_json(requests_per_second=0, timeout=1), ledger_path)
    try_number, kills, result = 1, 0, "killed"
    while kills < KILLS_PER_SEND and result not in ("success", "failed"):
        for fault in chance.sample(FAULTS, k=2):
            sandbox.add_fault(**fault)
        result = zygote.run(try_number, moment(chance, sandbox))
        kills += result == "killed"
        try_number += 1
    sandbox.clear_faults()
    while result not in ("success", "failed"):
        result = zygote.run(try_number)
        try_number += 1
        assert try_number < 200
    zygote.close()
    return check(folder, sandbox, kills, ledger_path)


def check(folder, sandbox, kills, ledger_path):
    store = (
        ObjectStorageStore(ledger_path, ("dag", "run", "call", "-1"))
        if ledger_path
        else TaskStateStore(StateFile(folder / "state"), 200)
    )
    content = read_content(store)
    assert not content.is_damaged
    header, records = content.header, content.records
    called = Counter(call["message_id"] for call in sandbox.calls())
    log = (folder / "log").read_text()
    people = Counter()
    assert len(records) == header.batches == PEOPLE // PEOPLE_IN_A_BATCH
    assert set(called) <= {f"{header.send_id}-k{number}" for number in range(PEOPLE)}
    for number, record in records.items():
        start = (number - 1) * PEOPLE_IN_A_BATCH
        for key in (f"k{one}" for one in range(start, start + PEOPLE_IN_A_BATCH)):
            times = called[f"{header.send_id}-{key}"]
            people[record.state.value] += 1
            people["called twice"] += times > 1
            people["called but taken as not called"] += times > 0 and record.state is BatchState.REJECTED
            people["not called but taken as called"] += times == 0 and record.state is BatchState.ACCEPTED
            if record.state is BatchState.SUBMITTING:
                people["in doubt and not named"] += f"{key}," not in log and f"{key} (" not in log
    return people + Counter({"kills": kills, "people": PEOPLE})


@pytest.fixture
def ledger_path(request, tmp_path):
    """Return where the ledgers of a test are kept; empty for Airflow's task state."""
    if request.param == "S3":
        with s3_server("aws_chaos") as url:
            s3_client(url).create_bucket(Bucket="ledgers")
            yield "s3://aws_chaos@ledgers/inforu"
    else:
        folder = tmp_path / "ledgers"
        yield {"task state": "", "plain path": str(folder), "file URL": f"file://{folder}"}[request.param]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ledger_path", PLACES, indirect=True)
def test_over_many_kills_nobody_is_called_twice_and_everybody_is_accounted_for(tmp_path, ledger_path):
    chance = random.Random(f"{SEED} {ledger_path.partition(':')[0]}")
    total = Counter()
    for number in range(SENDS):
        with SandboxServer(requests_per_second=0, latency=0.04, call_seconds=0.1) as sandbox:
            path = ledger_path and f"{ledger_path}/{number}"
            total += one_send(tmp_path / str(number), chance, sandbox, path)
    print(f"\nseed {SEED}: {dict(total)}")
    for wrong in (
        "called twice",
        "called but taken as not called",
        "not called but taken as called",
        "in doubt and not named",
    ):
        assert total[wrong] == 0, wrong
    states = [total[state.value] for state in BatchState]
    assert sum(states) == total["people"] == SENDS * PEOPLE
    assert total["kills"] > 0
    assert total[BatchState.SUBMITTING.value] > 0, "no kill struck while a request was in the air"
