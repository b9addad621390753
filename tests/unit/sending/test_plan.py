from dataclasses import replace

import pytest

from airflow_provider_inforu.capi.voice import Call
from airflow_provider_inforu.sending.batch_state import Event, LedgerError
from airflow_provider_inforu.sending.ledger import Header, open_ledger
from airflow_provider_inforu.sending.plan import check_plan, plan_batches
from airflow_provider_inforu.sending.recipients import Recipient
from airflow_provider_inforu.sending.stores import MemoryStore


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


def ledger_of(digest, number=1):
    ledger = open_ledger(MemoryStore(), Header("5e4d", "plan", 1, 1, 0))
    ledger.write([[Event.SUBMIT, number, digest]])
    return ledger


def test_a_recorded_batch_that_is_sent_again_as_it_was_is_no_change():
    (batch,) = plan_batches(people(1))
    assert check_plan(ledger_of(batch.digest), [batch]) is None


@pytest.mark.parametrize(("digest", "number"), [("another", 1), (None, 2)])
def test_a_recorded_batch_that_differs_or_is_gone_stops_the_task(digest, number):
    (batch,) = plan_batches(people(1))
    with pytest.raises(LedgerError, match=f"the recipients changed since the first try .batch {number}."):
        check_plan(ledger_of(digest or batch.digest, number), [batch])


@pytest.mark.parametrize("change", [{"key": "other"}, {"phone": "0500000009"}, {"text": "other"}])
def test_the_digest_of_a_batch_tells_other_people_and_other_texts(change):
    (recipient,) = people(1)
    (before,), (after,) = plan_batches([recipient]), plan_batches([replace(recipient, **change)])
    assert before.digest != after.digest
