"""The requests of a send, and the arguments that a retry must repeat."""

from types import SimpleNamespace

import pytest

from airflow_provider_inforu.recipients.batches import Batch
from airflow_provider_inforu.recipients.recipient_store import Recipient
from airflow_provider_inforu.sending.dispatch import FirstBatchError
from airflow_provider_inforu.sending.request_builder import ExistingCampaignRequests, TextToSpeechRequests

SHARED = {
    "ignore_possible_sending_time": True,
    "data_options": {"Priority": 1},
    "call_options": {"Retries": 2},
}


def batch(number, text=None):
    return Batch(number, [Recipient("k1", "0589995551", text)])


def ledger(campaign_id):
    accepted = None if campaign_id is None else SimpleNamespace(campaign_id=campaign_id)
    return SimpleNamespace(header=SimpleNamespace(send_id="5e4d"), accepted=lambda _: accepted)


def test_the_order_of_the_arguments_stays_because_the_ledgers_of_running_sends_have_its_digest():
    speech = TextToSpeechRequests(campaign_name="name", campaign_ref_id="ref", **SHARED)
    campaign = ExistingCampaignRequests(campaign_id=183, duplicate=True, duplicate_name="copy", **SHARED)
    options = [True, {"Priority": 1}, {"Retries": 2}]
    assert speech.arguments == ["Voice/Message/Send", *options, "name", "ref"]
    assert campaign.arguments == ["Voice/Campaign/SendExisting", *options, 183, True, "copy"]


@pytest.mark.parametrize(
    ("name", "ref_id", "expected"), [("name", None, "5e4d"), ("name", "ref", "ref"), (None, None, None)]
)
def test_a_named_campaign_without_an_id_gets_the_id_of_the_send(name, ref_id, expected):
    requests = TextToSpeechRequests(campaign_name=name, campaign_ref_id=ref_id, **SHARED)
    assert requests.build(batch(1, "hello"), ledger(None)).get("CampaignRefId") == expected


def test_only_the_first_batch_makes_the_copy_and_the_others_send_it():
    requests = ExistingCampaignRequests(campaign_id=183, duplicate=True, duplicate_name="copy", **SHARED)
    first, second = (requests.build(batch(number), ledger(666)) for number in (1, 2))
    assert [str(one["CampaignId"]) for one in (first, second)] == ["183", "666"]
    assert "copy" in str(first)
    assert "copy" not in str(second)


def test_without_the_id_of_the_copy_no_other_batch_is_made():
    requests = ExistingCampaignRequests(campaign_id=183, duplicate=True, duplicate_name=None, **SHARED)
    with pytest.raises(FirstBatchError):
        requests.build(batch(2), ledger(None))
