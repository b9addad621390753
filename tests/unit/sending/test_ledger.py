"""What a ledger that is damaged, foreign or from the future does: stop, never "nobody was called"."""

import pytest

from airflow_provider_inforu.sending.batch_state import BatchState, Event, LedgerError
from airflow_provider_inforu.sending.ledger import Header, open_ledger, read_ledger
from airflow_provider_inforu.sending.ledger_keys import attempt_key, segment_key
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


DOCUMENT = {"version": 1, "send_id": "x", "segments": 1, "after": None}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("text", "attempt 000001 is missing"),
        ({}, "attempt 000001 is missing"),
        ({**DOCUMENT, "version": "1"}, "attempt 000001 is missing"),
        ({**DOCUMENT, "segments": "1"}, "attempt 000001 is damaged"),
        ({**DOCUMENT, "after": "000000"}, "attempt 000001 is damaged"),
        (DOCUMENT, "its header is none"),
        ({"version": 2}, "newer version"),
    ],
)
def test_an_attempt_that_cannot_be_understood_stops_the_task(store, document, reason):
    store.set(attempt_key("000001"), document)
    with pytest.raises(LedgerError, match=reason):
        open_ledger(store, NEW)


def test_an_earlier_attempt_that_is_missing_stops_the_task(store):
    open_ledger(store, NEW)
    del store._values[attempt_key("000001")]
    with pytest.raises(LedgerError, match="attempt 000001 is missing"):
        open_ledger(store, NEW)


@pytest.mark.parametrize("value", ["x", {}, {"events": 5}])
def test_a_segment_that_is_damaged_stops_the_task(store, value):
    store._values[segment_key("000001", 0)] = value
    with pytest.raises(LedgerError, match="segment 0 of attempt 000001 is missing"):
        open_ledger(store, NEW)


def test_a_segment_that_is_missing_between_others_stops_the_task(store):
    del store._values[segment_key("000001", 0)]
    store._values[attempt_key("000001")]["segments"] = 2
    with pytest.raises(LedgerError, match="segment 0 of attempt 000001 is missing"):
        open_ledger(store, NEW)


def test_events_that_a_later_attempt_had_read_and_that_are_gone_stop_the_task(store):
    open_ledger(store, NEW)
    store._values[segment_key("000001", 0)]["events"].pop()
    with pytest.raises(LedgerError, match="has lost events"):
        open_ledger(store, NEW)


def test_what_an_attempt_writes_after_a_later_one_has_read_it_changes_nothing(store):
    first = open_ledger(store, NEW)
    second = open_ledger(store, NEW)
    first.write([[Event.SUBMIT, 3, "d3"]])
    second.write([[Event.SUBMIT, 3, "d3"], [Event.ACCEPT, 3, "token", 194]])
    assert open_ledger(store, NEW).records[3].request_token == "token"


def test_a_record_names_the_attempt_that_sent_it(store):
    open_ledger(store, NEW).write([[Event.WITHDRAW, 2], [Event.SUBMIT, 2, "d2"]])
    records = open_ledger(store, NEW).records
    assert {number: record.attempt for number, record in records.items()} == {1: "000001", 2: "000002"}


def test_an_attempt_that_died_before_its_first_write_is_no_damage(store):
    open_ledger(store, NEW)
    assert open_ledger(store, NEW).in_doubt() == [2]


def test_attempts_are_counted(store):
    assert open_ledger(store, NEW).header.attempts == 2
    assert read_ledger(store)[0].attempts == 2


@pytest.mark.parametrize("event", ["x", [], ["s"], ["s", "1", "d"], ["a", 9, "t", 1], ["s", 1, "d1"]])
def test_an_entry_that_makes_no_sense_stops_the_task(store, event):
    store._values[segment_key("000001", 0)]["events"].append(event)
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
