"""The ledger in a bucket, through Airflow's own S3 file system and a server that speaks S3's protocol."""

import secrets
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_errors import LedgerError
from airflow_provider_inforu.ledger.ledger_events import Accepted, IntentLogged
from airflow_provider_inforu.ledger.object_storage_store import ROOT_MARKER
from airflow_provider_inforu.notifications.cooldown import FolderCooldown
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from demo.processes import PATIENCE_SECONDS
from tests.integration.attempts import begin, begin_and_submit, states
from tests.integration.s3 import s3_client, s3_server
from tests.task_runner import TaskRunner

pytestmark = pytest.mark.integration

PEOPLE = [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(1, 251)]
PHONES = [person["phone"] for person in PEOPLE]


@pytest.fixture(scope="module")
def server():
    """Run a server whose buckets the connection `aws_ledgers` reaches."""
    with s3_server("aws_ledgers") as url:
        yield url


@pytest.fixture(scope="module")
def elsewhere(server):  # noqa: ARG001 - the process inherits the connection
    """Run functions in another process, whose file system remembers nothing of this one's."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as processes:
        yield lambda function, *arguments: processes.submit(function, *arguments).result(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def client(server):
    return s3_client(server)


@pytest.fixture
def bucket(client):
    """An empty bucket."""
    name = f"ledgers-{secrets.token_hex(6)}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def root(bucket):
    return f"s3://aws_ledgers@{bucket}/inforu"


def objects(client, bucket):
    return [one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_of_many_alerts_at_the_same_moment_one_begins_the_cooldown(root):
    begin_together = threading.Barrier(8)

    def ring(_):
        begin_together.wait(30)
        return FolderCooldown(root).take("key", 60) is not None

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ring, range(8))) == 1
    assert FolderCooldown(root).take("key", 60) is None
    assert FolderCooldown(root).take("another", 60) is not None


def test_there_is_no_ledger_at_first(root):
    assert states(root) is None


def test_another_process_reads_and_goes_on_with_what_an_attempt_wrote(root, elsewhere):
    first = begin(root)
    first.write([IntentLogged(1, "digest1"), IntentLogged(2, "digest2")])
    first.write([Accepted(1, "token", 194)])
    assert elsewhere(states, root) == {1: BatchState.ACCEPTED, 2: BatchState.SUBMITTING}

    elsewhere(begin_and_submit, root, 3)

    assert states(root) == {1: BatchState.ACCEPTED, 2: BatchState.SUBMITTING, 3: BatchState.SUBMITTING}


def test_an_attempt_sees_that_another_process_has_begun_although_its_listings_are_remembered(root, elsewhere):
    first = begin(root)
    first.write([IntentLogged(1, "digest1")])

    elsewhere(begin_and_submit, root, 2)

    with pytest.raises(LedgerError, match="Another attempt of this task"):
        first.write([IntentLogged(3, "digest3")])
    assert states(root) == {1: BatchState.SUBMITTING, 2: BatchState.SUBMITTING}


def test_a_later_attempt_sees_what_another_process_wrote_although_its_listings_are_remembered(
    root, elsewhere
):
    begin_and_submit(root, 1)
    elsewhere(begin_and_submit, root, 2)
    begin_and_submit(root, 3)
    elsewhere(begin_and_submit, root, 4)

    assert states(root) == elsewhere(states, root) == dict.fromkeys([1, 2, 3, 4], BatchState.SUBMITTING)


def test_a_ledger_that_is_damaged_is_not_taken_for_none(root, client, bucket):
    begin_and_submit(root, 1)
    for key in objects(client, bucket):
        client.put_object(Bucket=bucket, Key=key, Body=b"{")
    with pytest.raises(LedgerError, match="cannot be read"):
        begin(root)


@pytest.fixture
def sandbox(connection, inforu_sandbox):
    connection(requests_per_second=0)
    inforu_sandbox.update_settings(requests_per_second=0)
    return inforu_sandbox


def send():
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=PEOPLE,
            message="שלום",
            key_field="id",
            max_in_flight=1,
            retries=2,
            retry_delay=timedelta(seconds=1),
        )


def called(sandbox):
    return sorted(call["phone"] for call in sandbox.calls())


def test_a_send_goes_on_from_its_ledger_in_the_bucket(root, client, bucket, sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", root)
    sandbox.update_settings(quota=100)
    runner = TaskRunner()
    assert runner.run(send()) == "up_for_retry"
    assert called(sandbox) == PHONES[:100]

    sandbox.update_settings(quota=None)
    assert runner.run(send(), try_number=2) == "success"
    assert runner.run(send(), try_number=3) == "success"

    assert called(sandbox) == PHONES
    assert list(runner.state_store) == ["inforu_ledger.path"]
    kept = objects(client, bucket)
    assert f"inforu/{ROOT_MARKER}" in kept
    assert {key.startswith("inforu/dag/run/call/-1/") for key in kept if ROOT_MARKER not in key} == {True}
    texts = "".join(client.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in kept)
    assert not [phone for phone in PHONES if phone in texts]


@pytest.mark.usefixtures("server")
def test_a_bucket_that_does_not_exist_is_not_taken_for_no_ledger(client, sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", "s3://aws_ledgers@mistyped-bucket/inforu")
    assert TaskRunner().run(send()) != "success"
    assert sandbox.requests() == []
    assert "mistyped-bucket" not in [one["Name"] for one in client.list_buckets()["Buckets"]]
