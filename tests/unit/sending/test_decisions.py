"""What a person decides about batches in doubt: it settles the request that it names, or nothing."""

import json

import pytest

from airflow_provider_inforu.sending.batch_state import BatchState, Event, LedgerError
from airflow_provider_inforu.sending.decisions import DECISIONS_IN_A_VALUE, decide, write_decisions
from airflow_provider_inforu.sending.ledger import Header, open_ledger, read_ledger
from airflow_provider_inforu.sending.ledger_keys import decisions_key
from airflow_provider_inforu.sending.stores import MemoryStore

NEW = Header("5e4d", "plan", batches=3, recipients=250, life=0)


class Store(MemoryStore):
    put = MemoryStore.set


@pytest.fixture
def store():
    store = Store()
    open_ledger(store, NEW).write([[Event.SUBMIT, 1, "d1"], [Event.SUBMIT, 2, "d2"]])
    return store


def decide_on(store, number, choice, campaign_id=None):
    write_decisions(store, "5e4d", [decide(read_ledger(store)[1][number], number, choice, campaign_id)])


def test_a_decision_is_seen_at_once_and_by_every_later_attempt(store):
    decide_on(store, 1, "accept", 194)
    decide_on(store, 2, "resend")
    for records in (read_ledger(store)[1], open_ledger(store, NEW).records, open_ledger(store, NEW).records):
        assert (records[1].state, records[1].campaign_id) == (BatchState.ACCEPTED, 194)
        assert 2 not in records


def test_the_attempt_after_a_decision_may_send_the_batch_and_later_ones_know_it(store):
    decide_on(store, 2, "resend")
    open_ledger(store, NEW).write([[Event.SUBMIT, 2, "d2"], [Event.ACCEPT, 2, "token", 7]])
    assert open_ledger(store, NEW).records[2].request_token == "token"


@pytest.mark.parametrize("choice", ["accept", "resend"])
def test_an_answer_that_comes_while_somebody_decides_stands(choice):
    store = Store()
    working = open_ledger(store, NEW)
    working.write([[Event.SUBMIT, 1, "d1"]])
    decide_on(store, 1, choice)
    working.write([[Event.REJECT, 1, "no"]])
    assert read_ledger(store)[1][1].state is BatchState.REJECTED
    assert open_ledger(store, NEW).records[1].state is BatchState.REJECTED


def test_a_decision_that_comes_after_the_batch_was_sent_again_has_no_effect(store):
    late = decide(read_ledger(store)[1][1], 1, "resend")
    open_ledger(store, NEW).write([[Event.WITHDRAW, 1], [Event.SUBMIT, 1, "d1"]])
    write_decisions(store, "5e4d", [late])
    assert read_ledger(store)[1][1].state is BatchState.SUBMITTING
    assert open_ledger(store, NEW).in_doubt() == [2, 1]


def test_of_two_decisions_about_one_request_the_first_stands(store):
    record = read_ledger(store)[1][1]
    write_decisions(store, "5e4d", [decide(record, 1, "accept"), decide(record, 1, "resend")])
    assert open_ledger(store, NEW).records[1].state is BatchState.ACCEPTED


def test_thousands_of_decisions_stay_below_64_kb_each():
    store, count = Store(), 3 * DECISIONS_IN_A_VALUE + 1
    ledger = open_ledger(store, Header("5e4d", "plan", batches=count, recipients=count, life=0))
    for number in range(count):
        ledger.write([[Event.SUBMIT, number, "digest"]])
    records = read_ledger(store)[1]
    write_decisions(store, "5e4d", [decide(one, number, "accept", 194) for number, one in records.items()])
    assert {one.state for one in read_ledger(store)[1].values()} == {BatchState.ACCEPTED}
    assert max(len(json.dumps(value)) for value in store._values.values()) < 65536


@pytest.mark.parametrize("value", ["x", {}, {"decisions": "x"}, {"decisions": [["a"]]}, {"decisions": ["x"]}])
def test_a_damaged_decision_stops_the_task(store, value):
    store.put(decisions_key("5e4d", 0), value)
    with pytest.raises(LedgerError, match=r"cannot be read: .* decision"):
        open_ledger(store, NEW)
    with pytest.raises(LedgerError, match=r"cannot be read: .* decision"):
        read_ledger(store)
