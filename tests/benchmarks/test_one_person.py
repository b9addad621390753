"""A task that calls one person, next to a task that only posts the same body. Prints the cost of each part.

Both tasks run in this process, through Airflow's task runner and an Execution API in memory. So the state
store answers at once: in a real Airflow, each of its reads and writes takes some milliseconds more.
"""

import functools
import json
import os
import statistics
import time
from contextlib import ExitStack
from unittest import mock

import requests
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from airflow_provider_inforu.capi.client import InforuClient
from airflow_provider_inforu.ledger import ledger_log
from airflow_provider_inforu.ledger.send_evidence import SendEvidence
from airflow_provider_inforu.operators.send_arguments import SendArguments
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.sending import earlier_send, send_opener
from airflow_provider_inforu.sending.completion import Completion
from airflow_provider_inforu.sending.dispatch import Dispatch
from demo.sandbox_process import SandboxProcess
from tests.task_runner import TaskRunner

ROUNDS = 30
PERSON = {"id": "A-17", "phone": "0500000001", "name": "דנה"}
PARTS = {
    "execute(), all of it": (InforuSendTextToSpeechOperator, "execute"),
    "evidence: read and write its XComs": (SendEvidence, "register"),
    "store: find it, look for an earlier ledger": (earlier_send, "read_earlier"),
    "rows: read and check the person": (SendArguments, "_people"),
    "ledger: fencing token, document of the attempt": (send_opener, "open_ledger"),
    "dispatch: threads, rate limiter, writes and request": (Dispatch, "run"),
    "dispatch: ledger writes": (ledger_log.Ledger, "write"),
    "dispatch: the request itself": (InforuClient, "send"),
    "completion: counts, manifest": (Completion, "conclude"),
}


def test_one_person(tmp_path, monkeypatch):
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess(tmp_path, dict(os.environ), call_seconds=0.1))
        monkeypatch.setenv(
            "AIRFLOW_CONN_INFORU_DEFAULT", json.dumps(sandbox.connection(requests_per_second=30))
        )
        sandbox.change_settings(requests_per_second=0)  # the bare posts know no limit
        spent = {name: [] for name in PARTS}
        bare, ours = [], []
        for number in range(ROUNDS + 3):
            bare.append(run_task(post_task(sandbox, number)))
            with Measured(spent):
                ours.append(run_task(send_task(number)))
    assert len(bare) == len(ours) == len(spent["execute(), all of it"])
    print("\n| one person | median of", ROUNDS, "ms |")
    print("|---|---|")
    print(f"| task with a bare requests.post | {median(bare):.1f} |")
    print(f"| task with our operator | {median(ours):.1f} |")
    for name, seconds in spent.items():
        print(f"| {name} | {median(seconds):.1f} |")


def median(seconds):
    return 1000 * statistics.median(seconds[3:])


def run_task(task):
    DAG("dag").add_task(task)
    runner = TaskRunner()
    begun = time.perf_counter()
    assert runner.run(task) == "success"
    return time.perf_counter() - begun


def send_task(number):
    return InforuSendTextToSpeechOperator(
        task_id=f"call_{number}", recipients=[PERSON], key_field="id", message="שלום {name}"
    )


def post_task(sandbox, number):
    data = {"List": [{"Phone": PERSON["phone"], "TextToSpeech": "שלום דנה"}]}

    def post():
        url = f"{sandbox.url}/api/v2/Voice/Message/Send"
        response = requests.post(url, json={"Data": data}, auth=(sandbox.username, sandbox.token), timeout=10)
        assert response.status_code == 200

    return PythonOperator(task_id=f"post_{number}", python_callable=post)


class Measured:
    """Adds up what each part of one send takes."""

    def __init__(self, spent):
        self._spent = spent
        self._stack = ExitStack()

    def __enter__(self):
        self._sums = dict.fromkeys(PARTS, 0.0)
        for name, (owner, attribute) in PARTS.items():
            timed = self._timed(name, getattr(owner, attribute))
            self._stack.enter_context(mock.patch.object(owner, attribute, timed))

    def __exit__(self, *_):
        self._stack.close()
        for name, seconds in self._sums.items():
            self._spent[name].append(seconds)

    def _timed(self, name, function):
        @functools.wraps(function)
        def run(*args, **kwargs):
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._sums[name] += time.perf_counter() - begun

        return run
