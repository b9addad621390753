"""A disk that is full at each write of a send: nobody stays unnamed, and a retry on a larger one finishes."""

import re
import subprocess
from collections import Counter

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_reader import read_content
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.sandbox import SandboxServer
from tests.integration.ground import skip_unless_required
from tests.task_runner import TaskRunner

PEOPLE, PEOPLE_IN_A_BATCH = 120, 10
PAGES = range(1, 16)
"""Sizes of the disk, in pages of 4 KiB. A whole send needs 14 of them."""


def mount(folder, pages, *options):
    size = f"size={pages * 4}k"
    return subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join([*options, size]), "tmpfs", str(folder)], capture_output=True
    )


@pytest.fixture
def disk(tmp_path):
    """Return a function that makes a small disk and then a larger one of it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if mount(folder, 64).returncode:
        skip_unless_required("mount", "mounting a small disk needs root")
    yield lambda pages: mount(folder, pages, "remount") and folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def runner(monkeypatch):
    monkeypatch.setattr("airflow_provider_inforu.capi.batch_places.MAX_CALLS", PEOPLE_IN_A_BATCH)
    monkeypatch.setattr("airflow_provider_inforu.ledger.ledger_log.MAX_SEGMENT_BYTES", 100)
    monkeypatch.setattr("airflow_provider_inforu.sending.dispatch.SECONDS_BETWEEN_LAST_WRITES", 0.01)
    return TaskRunner()


def task():
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=[{"id": f"k{n}", "phone": f"05{n:08}"} for n in range(PEOPLE)],
            message="hello",
            key_field="id",
            max_in_flight=3,
            retries=1000,
        )


@pytest.mark.parametrize("pages", PAGES)
def test_a_full_disk_leaves_nobody_unnamed_and_a_retry_finishes_after_space_was_made(
    disk, runner, monkeypatch, capsys, pages
):
    with SandboxServer(requests_per_second=0) as sandbox:
        monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", sandbox.connection_json(requests_per_second=0))
        folder = disk(pages)
        monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", str(folder))
        states = [runner.run(task())]
        disk(4096)
        while states[-1] == "up_for_retry":
            capsys.readouterr()
            states.append(runner.run(task(), try_number=len(states) + 1))
        log = capsys.readouterr().out
        calls = Counter(call["message_id"].rsplit("-", 1)[1] for call in sandbox.calls())
    records = read_content(ObjectStorageStore(str(folder), ("dag", "run", "call", "-1"))).records
    doubtful = set()
    for number, record in records.items():
        keys = {f"k{n}" for n in range((number - 1) * PEOPLE_IN_A_BATCH, number * PEOPLE_IN_A_BATCH)}
        if record.state is BatchState.SUBMITTING:
            doubtful |= keys
        else:
            assert keys <= set(calls)
    assert max(calls.values()) == 1
    assert len(records) == PEOPLE // PEOPLE_IN_A_BATCH
    assert states[-1] == ("failed" if doubtful else "success")
    assert doubtful <= set(re.findall(r"\bk\d+\b", log))
