"""What a ledger that is damaged, foreign or from the future does: stop, never "nobody was called"."""

import pytest

from airflow_provider_inforu.sending.batch_state import BatchState, Event, LedgerError
from airflow_provider_inforu.sending.ledger import HEADER, Header, open_ledger
from airflow_provider_inforu.sending.stores import MemoryStore

NEW = Header("5e4d", "plan", batches=3, recipients=250, life=0)


@pytest.fixture
def store():
    store = MemoryStore()
    ledger = open_ledger(store, NEW)
    ledger.write([[Event.SUBMIT, 1, "d1"], [Event.SUBMIT, 2, "d2"]])
    ledger.write([[Event.ACCEPT, 1, "token", 194]])
    return store


def test_a_later_attempt_reads_what_earlier_ones_wrote(store):
    second = open_ledger(store, Header("other", "plan", 3, 250, 0))
    assert second.header.send_id == "5e4d"
    second.write([[Event.SUBMIT, 3, "d3"]])
    third = open_ledger(store, NEW)
    assert {number: record.state for number, record in third.records.items()} == {
        1: BatchState.ACCEPTED,
        2: BatchState.SUBMITTING,
        3: BatchState.SUBMITTING,
    }
    assert third.in_doubt() == [2, 3]
    assert third.accepted(1).request_token == "token"
    assert third.accepted(2) is None


def test_writing_nothing_costs_no_write(store):
    ledger = open_ledger(store, NEW)
    before = dict(store._values)
    ledger.write([])
    assert store._values == before


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("text", "cannot be read"),
        ({}, "cannot be read"),
        ({"version": "1"}, "cannot be read"),
        ({"version": 1, "send_id": "x"}, "cannot be read"),
        ({"version": 2}, "newer version"),
    ],
)
def test_a_header_that_cannot_be_understood_stops_the_task(store, header, reason):
    store.set(HEADER, header)
    with pytest.raises(LedgerError, match=reason):
        open_ledger(store, NEW)


@pytest.mark.parametrize("value", [None, "x", {}, {"segments": "1"}])
def test_an_attempt_that_is_missing_stops_the_task(store, value):
    store._values[f"{HEADER}.5e4d.1"] = value
    with pytest.raises(LedgerError, match="attempt 1 is missing"):
        open_ledger(store, NEW)


@pytest.mark.parametrize("value", ["x", {}, {"events": 5}])
def test_a_segment_that_is_damaged_stops_the_task(store, value):
    store._values[f"{HEADER}.5e4d.1.0"] = value
    with pytest.raises(LedgerError, match="segment 0 of attempt 1 is missing"):
        open_ledger(store, NEW)


def test_a_segment_that_is_missing_between_others_stops_the_task(store):
    del store._values[f"{HEADER}.5e4d.1.0"]
    store.set(f"{HEADER}.5e4d.1", {"segments": 2})
    with pytest.raises(LedgerError, match="segment 0 of attempt 1 is missing"):
        open_ledger(store, NEW)


def test_an_attempt_that_died_before_its_first_write_is_no_damage(store):
    open_ledger(store, NEW)
    assert open_ledger(store, NEW).in_doubt() == [2]


@pytest.mark.parametrize("event", ["x", [], ["s"], ["s", "1", "d"], ["a", 9, "t", 1], ["s", 1, "d1"]])
def test_an_entry_that_makes_no_sense_stops_the_task(store, event):
    store._values[f"{HEADER}.5e4d.1.0"]["events"].append(event)
    with pytest.raises(LedgerError):
        open_ledger(store, NEW)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (Header("x", "other plan", 3, 250, 0), "other arguments"),
        (Header("x", "plan", 3, 251, 0), "there were 250, and now there are 251"),
        (Header("x", "plan", 4, 250, 0), "the recipients changed"),
    ],
)
def test_a_ledger_of_another_send_stops_the_task(store, new, reason):
    with pytest.raises(LedgerError, match=reason):
        open_ledger(store, new)


def test_only_a_clear_with_resend_begins_a_new_send(store):
    assert open_ledger(store, Header("x", "plan", 3, 250, life=0), resend=True).header.send_id == "5e4d"
    assert open_ledger(store, Header("x", "plan", 3, 250, life=1)).header.send_id == "5e4d"
    again = open_ledger(store, Header("x", "plan", 3, 250, life=1), resend=True)
    assert (again.header.send_id, again.records) == ("x", {})
    assert open_ledger(store, Header("y", "plan", 3, 250, life=1), resend=True).header.send_id == "x"


@pytest.mark.parametrize("late", [["a", 2, "token", 7], ["r", 2, "no"]])
@pytest.mark.parametrize("decision", [["a", 2, None, None], ["w", 2]])
def test_an_answer_that_crosses_with_a_persons_decision_does_no_damage_and_stands(store, late, decision):
    working = open_ledger(store, NEW)
    settling = open_ledger(store, NEW)
    settling.write([decision])
    working.write([late])
    state = open_ledger(store, NEW).records[2].state
    assert state is (BatchState.ACCEPTED if late[0] == "a" else BatchState.REJECTED)


def test_a_timeout_in_the_middle_of_a_write_does_no_damage(store, monkeypatch):
    ledger = open_ledger(store, NEW)

    def interrupted(_events):
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "_segment_with", interrupted)
        with pytest.raises(TimeoutError):
            ledger.write([[Event.SUBMIT, 3, "d3"]])
    assert 3 not in ledger.records
    ledger.write([[Event.REJECT, 2, "no"]])
    assert open_ledger(store, NEW).records[2].state is BatchState.REJECTED
