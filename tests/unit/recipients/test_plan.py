import json
from dataclasses import replace
from unittest import mock

import pytest

from airflow_provider_inforu.capi import batch_places
from airflow_provider_inforu.capi.voice import Call
from airflow_provider_inforu.recipients import recipient_store as stores
from airflow_provider_inforu.recipients.batches import digest, plan_batches, sum_checksums
from airflow_provider_inforu.recipients.recipient_store import Recipient, RecipientStore


def people(count):
    return [Recipient(f"k{number}", f"05{number:08}", "hi") for number in range(count)]


def store_of(recipients):
    store = RecipientStore()
    for recipient in recipients:
        store.recipients.append(recipient)
    return store.recipients


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])]
)
def test_batches_hold_at_most_100_in_the_order_of_the_rows(count, sizes):
    recipients = people(count)
    batches = plan_batches(recipients)
    assert [len(batch.recipients) for batch in batches] == sizes
    assert [batch.number for batch in batches] == list(range(1, len(sizes) + 1))
    assert [one for batch in batches for one in batch.recipients] == recipients


def test_a_calls_message_id_is_send_id_and_key():
    (batch,) = plan_batches(people(1))
    assert batch.calls("5e4d") == [Call(phone="0500000000", text="hi", message_id="5e4d-k0")]


@pytest.mark.parametrize("change", [{"key": "other"}, {"phone": "0500000009"}, {"text": "other"}])
def test_the_digest_of_a_batch_tells_other_people_and_other_texts(change):
    (recipient,) = people(1)
    (before,), (after,) = plan_batches([recipient]), plan_batches([replace(recipient, **change)])
    assert before.digest != after.digest


def test_a_digest_and_checksums_never_change_since_ledgers_contain_them():
    recipients = [Recipient("k1", "0500000001", "שלום"), Recipient("k2", "0500000002", None)]
    (batch,) = plan_batches(recipients)
    assert batch.digest == digest([["k1", "0500000001", "שלום"], ["k2", "0500000002", None]])
    assert (batch.digest, sum_checksums([batch])) == ("35709e3c5206effe", [37308, 58474, 49471])


@pytest.mark.parametrize("size", [1, 30, 100, 150, 200])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_the_digests_that_are_stored_with_recipients_equal_those_of_their_rows(count, size):
    recipients = [Recipient(f"k{number}", f"05{number:08}", f"דנה {number}") for number in range(count)]
    with mock.patch.object(batch_places, "MAX_CALLS", size):
        stored, listed = plan_batches(store_of(recipients)), plan_batches(recipients)
    assert [batch.digest for batch in stored] == [batch.digest for batch in listed]
    assert [batch.checksums for batch in stored] == [batch.checksums for batch in listed]


def test_a_batch_is_decoded_once_when_its_calls_are_made():
    recipients = store_of(people(250))
    with mock.patch.object(stores.json, "loads", side_effect=json.loads) as decode:
        batches = plan_batches(recipients)
        assert [len(batch.recipients) for batch in batches] == [100, 100, 50]
        assert len({batch.digest for batch in batches}) == len({batch.checksums for batch in batches}) == 3
        assert decode.call_count == 0
        batches[1].calls("5e4d")
        assert decode.call_count == 1
