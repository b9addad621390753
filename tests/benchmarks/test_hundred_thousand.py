"""100,000 people, each called once, though the process is killed twice; beside threads without a ledger.

Prints rates and memory, and asserts none of them.
"""

import csv
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_inforu.ledger.ledger_reader import read_ledger
from airflow_provider_inforu.ledger.task_state_store import TaskStateStore
from demo.sandbox_process import SandboxProcess
from tests.benchmarks.peak import peak_megabytes
from tests.benchmarks.people_sources import write_file
from tests.benchmarks.test_receiver import serving
from tests.chaos.account import WRONGS, account
from tests.chaos.zygote import StateFile

ROOT = Path(__file__).parents[2]
PEOPLE = 100_000
KILLS_AT = (30_000, 65_000)
"""So many people are called when a kill strikes."""
LATENCY_SECONDS = 0.2
PATIENCE_SECONDS = 300


class Send:
    """A send in a folder of its own, with as many tries as it takes."""

    def __init__(self, folder, way, people, sandbox, receiver=None):
        folder.mkdir()
        self._folder = folder
        self._way = way
        self._people = write_file(folder / "people.csv", people)
        self._sandbox = sandbox
        self._receiver = {}
        self.report = None
        self.megabytes = []
        self.tries = 0
        sandbox.reset()
        sandbox.change_settings(latency=LATENCY_SECONDS, requests_per_second=0)
        if receiver:
            sandbox.change_settings(notification_url=receiver.push_url)
            self._receiver = {"receiver_url": receiver.url, "notification_secret": receiver.secret}
            self.report = folder / "report.csv"

    def run(self, kill_at=None):
        """Run a try, and kill it when so many people are called, if that is said; return the state."""
        self.tries += 1
        result = self._folder / f"result-{self.tries}"
        given = {"way": self._way, "try_number": self.tries, "path": str(self._people), "result": str(result)}
        given |= {"state": str(self._folder / "state"), "report": self.report and str(self.report)}
        connection = json.dumps(self._sandbox.connection(requests_per_second=0, **self._receiver))
        with (
            self._log.open("w") as log,
            subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.send_process", json.dumps(given)],
                cwd=ROOT,
                env={**os.environ, "AIRFLOW_CONN_INFORU_DEFAULT": connection},
                stdout=log,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            if kill_at is not None:
                self._kill(process, kill_at)
            process.wait(PATIENCE_SECONDS)
        if kill_at is not None:
            assert not result.exists(), "the send was over before the kill"
            return "killed"
        said = json.loads(result.read_text())
        self.megabytes.append(said["megabytes"])
        return said["state"]

    def _kill(self, process, called):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._sandbox.summary()["calls"] < called:
            assert process.poll() is None, self.log()[-5000:]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.megabytes.append(peak_megabytes(process.pid))
        process.kill()

    @property
    def _log(self):
        return self._folder / f"log-{self.tries}"

    def log(self):
        """Return what the last try said."""
        return self._log.read_text()

    def ledger(self):
        header, records = read_ledger(TaskStateStore(StateFile(self._folder / "state"), self.tries))
        return SimpleNamespace(header=header, records=records)

    def line(self, words):
        """Return a line of the table: how fast requests came, from the first to the last one."""
        times = sorted(dt.datetime.fromisoformat(one["time"]).timestamp() for one in self._sandbox.requests())
        rate = "|"
        if seconds := times[-1] - times[0]:
            rate = f"{len(times) / seconds:.0f} | {len(self._sandbox.calls()) / seconds:,.0f}"
        return f"| {words} | {len(times)} | {rate} | {max(self.megabytes):.0f} |"


@pytest.mark.timeout(1800)
def test_each_of_a_hundred_thousand_is_called_once_though_the_task_is_killed_twice(tmp_path):
    print("\n| 100,000 people, 200 ms latency | requests | requests/s | people/s | peak memory, MB |")
    print("|---|---|---|---|---|")
    with SandboxProcess(tmp_path, dict(os.environ), call_seconds=0.2) as sandbox:
        for way, people, words in (
            ("ours", 1, "our operator, one person"),
            ("peer", PEOPLE, "32 bare threads, all rows held, no ledger"),
            ("ours", PEOPLE, "our operator, 32 in flight, ledger"),
        ):
            send = Send(tmp_path / words.replace(" ", "-"), way, people, sandbox)
            assert send.run() == "success", send.log()[-5000:]
            print(send.line(words), flush=True)
            assert sandbox.summary()["calls"] == people
        killed(Send(tmp_path / "killed", "ours", PEOPLE, sandbox), sandbox, "the same, killed twice")
        with serving("ours", f"sqlite:///{tmp_path / 'receiver.db'}") as receiver:
            send = Send(tmp_path / "settled", "ours", PEOPLE, sandbox, receiver)
            count = killed(send, sandbox, "the same, with a receiver and a report")
            assert states_of(send.report) == +Counter(accepted=count["accepted"], in_doubt=count["in doubt"])


def killed(send, sandbox, words):
    for called in KILLS_AT:
        send.run(called)
    state = send.run()
    print(send.line(f"{words}; the starts included"), flush=True)
    count = account(sandbox.calls(), send.ledger(), send.log())
    print(dict(count), flush=True)
    assert {wrong: count[wrong] for wrong in WRONGS} == dict.fromkeys(WRONGS, 0)
    assert count["accepted"] + count["in doubt"] == count["people"] == PEOPLE
    assert count["attempts"] == len(KILLS_AT) + 1
    assert state == ("failed" if count["in doubt"] else "success")
    return count


def states_of(report):
    """Return how many people are in each state; each of them has one row."""
    with report.open(encoding="utf-8") as file:
        states = {row["key"]: row["state"] for row in csv.DictReader(file)}
    assert states.keys() == {f"k{number}" for number in range(PEOPLE)}
    return Counter(states.values())
