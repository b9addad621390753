"""What a person decides about batches in doubt: it settles the request that it is about, or nothing."""

import pytest

from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.decisions import decide
from airflow_provider_inforu.ledger.ledger_errors import LedgerError
from airflow_provider_inforu.ledger.ledger_events import (
    Accepted,
    IntentLogged,
    Rejected,
    ResendLogged,
    Withdrawn,
)
from airflow_provider_inforu.ledger.ledger_keys import decision_key
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header, read_ledger
from airflow_provider_inforu.ledger.settling import settle
from airflow_provider_inforu.ledger.task_state_store import MemoryStore

NEW = Header("5e4d", "options_digest", batches=3, recipients=250, clear_generation=0)


class Store(MemoryStore):
    put = MemoryStore.set


@pytest.fixture
def store():
    store = Store()
    open_ledger(store, NEW).write([IntentLogged(1, "d1"), IntentLogged(2, "d2")])
    return store


def record_of(store, number):
    return read_ledger(store)[1][number]


def test_a_decision_is_seen_at_once_and_by_every_later_attempt(store):
    decide(store, record_of(store, 1), "accept", 194)
    decide(store, record_of(store, 2), "resend")
    _, shown = read_ledger(store)
    assert (shown[1].state, shown[1].campaign_id) == (BatchState.ACCEPTED, 194)
    assert 2 not in shown
    for _ in range(2):
        attempt = open_ledger(store, NEW)
        assert attempt.accepted(1).campaign_id == 194
        # Until it is sent again, the batch stays in doubt: the receiver may learn that it was called.
        assert (attempt.in_doubt(), attempt.decided_resend) == ([2], {2})


def test_the_attempt_after_a_decision_may_send_the_batch_and_later_ones_know_it(store):
    decide(store, record_of(store, 2), "resend")
    open_ledger(store, NEW).write([ResendLogged(2, "d2"), Accepted(2, "token", 7)])
    later = open_ledger(store, NEW)
    assert (later.records[2].request_token, later.decided_resend) == ("token", frozenset())


@pytest.mark.parametrize("choice", ["accept", "resend"])
def test_an_answer_that_comes_while_somebody_decides_stands(choice):
    store = Store()
    working = open_ledger(store, NEW)
    working.write([IntentLogged(1, "d1")])
    decide(store, record_of(store, 1), choice)
    working.write([Rejected(1, "no")])
    assert read_ledger(store)[1][1].state is BatchState.REJECTED
    assert open_ledger(store, NEW).records[1].state is BatchState.REJECTED


def test_a_decision_that_comes_after_another_attempt_has_sent_the_batch_again_has_no_effect(store):
    late = record_of(store, 1)
    open_ledger(store, NEW).write([Withdrawn(1), IntentLogged(1, "d1")])
    decide(store, late, "resend")
    assert record_of(store, 1).state is BatchState.SUBMITTING
    assert open_ledger(store, NEW).in_doubt() == [2, 1]


def test_a_decision_about_a_request_is_none_about_the_next_one_of_the_same_attempt():
    store = Store()
    working = open_ledger(store, NEW)
    working.write([IntentLogged(1, "d1")])
    decide(store, record_of(store, 1), "resend")
    working.write([Withdrawn(1)])
    working.write([IntentLogged(1, "d1")])
    assert open_ledger(store, NEW).in_doubt() == [1]


def test_two_people_who_decide_about_different_batches_do_not_get_in_each_others_way(store):
    first, second = record_of(store, 1), record_of(store, 2)
    decide(store, second, "resend")
    decide(store, first, "accept")
    attempt = open_ledger(store, NEW)
    assert attempt.records[1].state is BatchState.ACCEPTED
    assert attempt.decided_resend == {2}


@pytest.mark.parametrize("value", ["x", {}, {"choice": "what"}, {"choice": "accept"}])
def test_a_damaged_decision_stops_the_task(store, value):
    store.put(decision_key(record_of(store, 1).request), value)
    with pytest.raises(LedgerError, match="the decision about batch 1 is damaged"):
        open_ledger(store, NEW)
    with pytest.raises(LedgerError, match="the decision about batch 1 is damaged"):
        read_ledger(store)


@pytest.mark.parametrize("refused", [False, True])
def test_a_batch_that_is_in_doubt_for_a_second_time_can_be_decided_again(store, refused):
    settle(store, read_ledger(store)[1], "resend", [2])
    second = open_ledger(store, NEW)
    second.write([ResendLogged(2, "d2"), *([Rejected(2, "no")] if refused else [])])
    settled = settle(store, read_ledger(store)[1], "resend", [2])
    assert 2 not in settled
    third = open_ledger(store, NEW)
    assert (third.in_doubt(), third.decided_resend) == ([1, 2], {2})
    third.write([ResendLogged(2, "d2"), Accepted(2, "token", 7)])
    assert record_of(store, 2).state is BatchState.ACCEPTED
