"""Forks a process for each try of a task, so that a try can be killed and the next one starts at once.

Reads a try as a line of JSON from standard input, forks, prints the child's process id, waits for its end and
prints the state that the try reported, or ``killed``. The state store is a SQLite file: it survives a kill.
"""

import json
import os
import sqlite3
import sys
from pathlib import Path

from airflow.sdk import DAG

from airflow_provider_inforu.capi import batch_places
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from tests.task_runner import TaskRunner

PEOPLE_IN_A_BATCH = 10
"""Small batches: a kill then leaves few people in doubt, and there are many moments at which to kill."""


class StateFile:
    """What TaskRunner keeps in a dict, in a file."""

    def __init__(self, path):
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT)")

    def __setitem__(self, key, value):
        self._database.execute("REPLACE INTO state VALUES (?, ?)", (key, json.dumps(value)))

    def __contains__(self, key):
        return self._read(key) is not None

    def __getitem__(self, key):
        return json.loads(self._read(key)[0])

    def __iter__(self):
        return iter([key for (key,) in self._database.execute("SELECT key FROM state")])

    def __len__(self):
        return self._database.execute("SELECT count(*) FROM state").fetchone()[0]

    def pop(self, key, default=None):
        self._database.execute("DELETE FROM state WHERE key = ?", (key,))
        return default

    def get(self, key):
        row = self._read(key)
        return row and json.loads(row[0])

    def _read(self, key):
        return self._database.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()


def people(count):
    return [{"id": f"k{number}", "phone": f"05{number:08}", "name": "דנה"} for number in range(count)]


def run_try(command):
    batch_places.MAX_CALLS = PEOPLE_IN_A_BATCH
    os.environ["AIRFLOW_CONN_INFORU_DEFAULT"] = command["connection"]
    os.environ["AIRFLOW__INFORU__LEDGER_PATH"] = command["ledger_path"]
    with DAG("dag"):
        task = InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=people(command["people"]),
            message="שלום {name}",
            key_field="id",
            max_in_flight=command["max_in_flight"],
            retries=1000,
        )
    runner = TaskRunner()
    runner.max_tries = 1000
    runner.state_store = StateFile(command["state"])
    runner.xcoms = StateFile(command["xcoms"])
    Path(command["result"]).write_text(runner.run(task, try_number=command["try_number"]))


def fork(command):
    result = Path(command["result"])
    result.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        run_try(command)
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print(result.read_text() if result.exists() else "killed", flush=True)


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        fork(json.loads(line))
