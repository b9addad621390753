import json

import pytest

from airflow_provider_inforu.capi.voice import SendReceipt
from airflow_provider_inforu.sending.dispatch import Outcome
from airflow_provider_inforu.sending.manifest import build_manifest


def manifest_of(requests):
    receipts = [SendReceipt(194, f"token-{number:026}", "r", 100) for number in range(requests)]
    return build_manifest(send_id="5e4d", function="f", outcome=Outcome(receipts), skipped=0)


def test_a_manifest_of_10000_recipients_is_small_enough_for_an_xcom():
    manifest = manifest_of(100)
    assert manifest["accepted"] == 10_000
    assert len(json.dumps(manifest)) <= 16 * 1024


@pytest.mark.parametrize(("requests", "listed"), [(200, True), (201, False)])
def test_beyond_200_requests_they_are_counted_and_not_listed(requests, listed):
    manifest = manifest_of(requests)
    assert manifest["accepted"] == requests * 100
    assert ("requests" in manifest) is listed


def test_an_accepted_request_whose_campaign_is_not_known_adds_no_campaign():
    manifest = build_manifest(
        send_id="5e4d", function="f", outcome=Outcome([SendReceipt(None, "t", "r", 7)]), skipped=2
    )
    assert (manifest["campaign_ids"], manifest["recipients"]) == ([], 9)
