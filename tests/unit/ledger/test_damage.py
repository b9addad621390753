"""A ledger of which a part is lost: nobody who may have been called counts as unsent."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.ledger import ledger_log as ledger_module
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.damage import MAX_SEGMENT_EVENTS, UNREADABLE
from airflow_provider_inforu.ledger.ledger_errors import DamagedValueError, LedgerError
from airflow_provider_inforu.ledger.ledger_events import Accepted, IntentLogged, Rejected, Withdrawn
from airflow_provider_inforu.ledger.ledger_keys import attempt_key, segment_key, segment_marker_key
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header, read_content, read_ledger
from airflow_provider_inforu.ledger.task_state_store import MemoryStore

BATCHES = 12
NEW = Header("5e4d", "options_digest", batches=BATCHES, recipients=1200, clear_generation=0)


class BreakableStore(MemoryStore):
    """Has values that are there and cannot be read."""

    def __init__(self):
        super().__init__()
        self.broken = set()

    def get(self, key):
        if key in self.broken:
            raise DamagedValueError("not JSON")
        return super().get(key)


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", 1)  # a segment for each write
    return BreakableStore()


def in_doubt(records):
    return {number for number, record in records.items() if record.state is BatchState.SUBMITTING}


def test_a_lost_part_leaves_the_rest_readable_and_puts_what_it_may_hold_in_doubt(store):
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(1, "d1"), IntentLogged(2, "d2")])
    ledger.write([Accepted(1, "token", 194), IntentLogged(3, "d3")])
    ledger.write([Accepted(3, "later", 194)])
    store.broken.add(segment_key("000001", 1))
    records = open_ledger(store, NEW).records
    assert (records[3].state, records[3].request_token) == (BatchState.ACCEPTED, "later")
    # Two events are lost, so at most two batches after the second one were submitted by them.
    assert in_doubt(records) == {1, 2, 4, 5}
    assert records[4].digest == UNREADABLE


def test_a_batch_that_was_withdrawn_after_the_lost_part_was_not_sent(store):
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(number, "d") for number in (1, 2, 3)])
    ledger.write([Withdrawn(1)])
    ledger.write([Withdrawn(2)])
    store.broken.add(segment_key("000001", 1))
    records = open_ledger(store, NEW).records
    assert 2 not in records
    assert {1, 3} <= in_doubt(records)


def test_a_last_part_that_is_lost_holds_no_more_batches_than_fit_in_it(store):
    many = Header("5e4d", "options_digest", batches=10_000, recipients=1_000_000, clear_generation=0)
    ledger = open_ledger(store, many)
    ledger.write([IntentLogged(number, "d") for number in range(1, 11)])
    ledger.write([Accepted(number, "t", 1) for number in range(1, 11)])
    store.broken.add(segment_key("000001", 1))
    assert in_doubt(open_ledger(store, many).records) == set(range(1, 11 + MAX_SEGMENT_EVENTS))


def test_a_missing_part_between_others_is_a_lost_one(store):
    ledger = open_ledger(store, NEW)
    for number in (1, 2, 3):
        ledger.write([IntentLogged(number, "d")])
    del store._values[segment_key("000001", 1)]
    assert in_doubt(open_ledger(store, NEW).records) == {1, 2, 3}


def test_a_lost_mark_of_a_group_of_parts_loses_no_part(store):
    ledger = open_ledger(store, NEW)
    for number in range(1, 12):
        ledger.write([IntentLogged(number, "d")])
    for part in (1, 9):
        del store._values[segment_marker_key("000001", part)]
    assert read_ledger(store)[1] == ledger.records


@pytest.mark.parametrize("value", ["x", {}, {"events": []}, {"start": 0, "events": 5}])
def test_a_part_of_another_form_is_a_lost_one(store, value):
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(1, "d1")])
    store._values[segment_key("000001", 0)] = value
    assert in_doubt(open_ledger(store, NEW).records) == set(range(1, BATCHES + 1))


@pytest.mark.parametrize("document", [None, "text", {"version": "2"}])
def test_an_earlier_attempt_without_its_document_puts_what_it_may_have_sent_in_doubt(store, document):
    open_ledger(store, NEW).write([IntentLogged(1, "d1"), Accepted(1, "token", 194)])
    open_ledger(store, NEW).write([IntentLogged(2, "d2"), Accepted(2, "token", 194)])
    open_ledger(store, NEW)
    if document is None:
        del store._values[attempt_key("000002")]
    else:
        store._values[attempt_key("000002")] = document
    records = open_ledger(store, NEW).records
    assert records[2].state is BatchState.ACCEPTED
    assert in_doubt(records) == {number for number in range(1, BATCHES + 1) if number != 2}


def test_events_that_a_later_attempt_had_read_and_that_are_gone_are_lost(store):
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(1, "d1"), IntentLogged(2, "d2")])
    open_ledger(store, NEW)
    store._values[segment_key("000001", 0)]["events"].pop()
    assert in_doubt(open_ledger(store, NEW).records) == {1, 2}


def test_damage_that_appears_later_leaves_what_later_attempts_wrote(store):
    open_ledger(store, NEW).write([IntentLogged(1, "d1"), Withdrawn(1)])
    open_ledger(store, NEW).write([IntentLogged(1, "d1"), Accepted(1, "token", 194)])
    store.broken.add(segment_key("000001", 0))
    records = open_ledger(store, NEW).records
    assert records[1].request_token == "token"
    # The second attempt had read two events, so at most one other batch was submitted by them.
    assert in_doubt(records) == {2}


def test_batches_of_a_lost_part_can_be_settled(store):
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(1, "d1")])
    store.broken.add(segment_key("000001", 0))
    second = open_ledger(store, NEW)
    second.write([Accepted(1, None, 194), Withdrawn(2)])
    second.write([IntentLogged(2, "d2")])
    third = open_ledger(store, NEW).records
    assert (third[1].state, third[2].digest) == (BatchState.ACCEPTED, "d2")


def test_a_reader_that_sees_damage_looks_again(store):
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(1, "d1")])
    answers = iter([DamagedValueError("half read")])
    get = store.get

    def get_once_badly(key):
        if key == segment_key("000001", 0) and (error := next(answers, None)):
            raise error
        return get(key)

    store.get = get_once_badly
    assert set(read_ledger(store)[1]) == {1}


def test_an_entry_that_makes_no_sense_next_to_damage_stops_the_task(store):
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(1, "d1")])
    ledger.write([Accepted(1, "t", 1)])
    ledger.write([IntentLogged(2, "d2")])
    store._values[segment_key("000001", 2)]["events"].append(["s", 1, "d1"])
    store.broken.add(segment_key("000001", 0))
    with pytest.raises(LedgerError, match="is invalid for a batch"):
        open_ledger(store, NEW)


def _send_a_little(ledger, draw):
    """Write what a dispatch may write: first submissions ascend, and withdrawn batches come first again."""
    waiting = [number for number in range(1, BATCHES + 1) if number not in ledger.records]
    in_flight = []
    for _ in range(draw.randint(0, 14)):
        events = []
        for _ in range(draw.randint(0, 3)):
            if in_flight and draw.random() < 0.5:
                number = in_flight.pop(draw.randrange(len(in_flight)))
                kind = draw.choice(["accept", "reject", "withdraw", "nothing"])
                if kind == "accept":
                    events.append(Accepted(number, "t", 1))
                elif kind == "reject":
                    events.append(Rejected(number, "no"))
                elif kind == "withdraw":
                    events.append(Withdrawn(number))
                    waiting.insert(0, number)
        submitted = [waiting.pop(0) for _ in range(min(len(waiting), draw.randint(0, 3)))]
        events += (IntentLogged(number, "d") for number in submitted)
        if events:
            ledger.write(events)
        in_flight += submitted


@given(seed=st.integers(0, 2**32), segment_bytes=st.sampled_from([1, 60, 4096]), loss=st.floats(0.05, 0.6))
def test_whatever_is_lost_no_batch_with_an_open_or_final_request_counts_as_unsent(seed, segment_bytes, loss):
    draw = random.Random(seed)
    store = BreakableStore()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes)
        for _ in range(draw.randint(1, 3)):
            _send_a_little(open_ledger(store, NEW), draw)
        truth = read_content(store).records
        newest = store.latest()
        for key in list(store._values):
            if key != attempt_key(newest) and draw.random() < loss:
                store.broken.add(key)
        seen = open_ledger(store, NEW).records
    assert set(truth) <= set(seen)
    for number, record in seen.items():
        if record.state is not BatchState.SUBMITTING:
            assert record.state is truth[number].state
