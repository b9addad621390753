from dataclasses import replace

import pytest

from airflow_provider_inforu.capi.voice import Call
from airflow_provider_inforu.recipients.batches import plan_batches
from airflow_provider_inforu.recipients.recipient_store import Recipient


def people(count):
    return [Recipient(f"k{number}", f"05{number:08}", "hi") for number in range(count)]


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
