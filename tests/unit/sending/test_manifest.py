import json

import pytest

from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState
from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.recipients.batches import plan_batches
from airflow_provider_inforu.recipients.recipient_store import Recipient
from airflow_provider_inforu.sending.manifest import build_manifest
from airflow_provider_inforu.sending.result import SendResult


def batches_of(people):
    return plan_batches([Recipient(f"k{number}", "0500000001", "hi") for number in range(people)])


def accepted(number, campaign_id=194):
    return BatchRecord(BatchState.ACCEPTED, "d", request_token=f"token-{number:026}", campaign_id=campaign_id)


def manifest_of(people, records=None, skipped=0):
    batches = batches_of(people)
    records = records or {batch.number: accepted(batch.number) for batch in batches}
    header = Header("5e4d", "options_digest", len(batches), people, 0, skipped=skipped)
    return build_manifest("f", SendResult(header, records), conn_id="inforu_default")


def test_a_manifest_of_10000_recipients_is_small_enough_for_an_xcom():
    manifest = manifest_of(10_000)
    assert manifest["accepted"] == 10_000
    assert len(json.dumps(manifest)) <= 16 * 1024


@pytest.mark.parametrize(("requests", "listed"), [(200, True), (201, False)])
def test_beyond_200_requests_they_are_counted_and_not_listed(requests, listed):
    manifest = manifest_of(requests * 100)
    assert manifest["accepted"] == requests * 100
    assert ("requests" in manifest) is listed


def test_the_counts_add_up_to_the_recipients():
    records = {
        1: accepted(1),
        2: BatchRecord(BatchState.REJECTED, "d", reason="no"),
        3: BatchRecord(BatchState.SUBMITTING, "d"),
    }
    manifest = manifest_of(250, records, skipped=2)
    counts = [manifest[name] for name in ("recipients", "accepted", "rejected", "in_doubt", "skipped")]
    assert counts == [252, 100, 100, 50, 2]
    assert [request["calls"] for request in manifest["requests"]] == [100]


def test_an_accepted_request_whose_campaign_is_not_known_adds_no_campaign():
    assert manifest_of(7, {1: accepted(1, campaign_id=None)})["campaign_ids"] == []
