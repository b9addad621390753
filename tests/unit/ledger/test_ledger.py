"""What a ledger that is damaged, foreign or from the future does: stop, never "nobody was called"."""

import json
from unittest import mock

import pytest

from airflow_provider_inforu.ledger import ledger_log as ledger_module
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_errors import LedgerError, LedgerStoreError
from airflow_provider_inforu.ledger.ledger_events import Accepted, IntentLogged, Rejected, Withdrawn
from airflow_provider_inforu.ledger.ledger_keys import (
    NEWEST_SEGMENT_KEY,
    attempt_key,
    segment_key,
    segment_marker_key,
)
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import VERSION, DamagedHeaderError, Header, read_ledger
from airflow_provider_inforu.ledger.task_state_store import MemoryStore

NEW = Header("5e4d", "options_digest", batches=3, recipients=250, clear_generation=0)


@pytest.fixture
def store():
    store = MemoryStore()
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(1, "d1"), IntentLogged(2, "d2")])
    ledger.write([Accepted(1, "token", 194)])
    return store


def test_a_later_attempt_reads_what_earlier_ones_wrote(store):
    second = open_ledger(store, Header("other", "options_digest", 3, 250, 0))
    assert second.header.send_id == "5e4d"
    second.write([IntentLogged(3, "d3")])
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


DOCUMENT = {"version": 1, "send_id": "x", "after": None}
HEADER = {
    "version": 2,
    "send_id": "x",
    "options_digest": "options_digest",
    "batches": 3,
    "recipients": 250,
    "clear_generation": 0,
}


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ("text", DamagedHeaderError),
        ({}, DamagedHeaderError),
        ({**DOCUMENT, "version": "1"}, DamagedHeaderError),
        ({**DOCUMENT, "after": "000000"}, DamagedHeaderError),
        (DOCUMENT, DamagedHeaderError),
        ({**HEADER, "after": ["000001", 0]}, LedgerError),
        ({"version": 4}, LedgerError),
    ],
)
def test_an_attempt_that_cannot_be_understood_stops_the_task(store, document, error):
    store.set(attempt_key("000001"), document)
    with pytest.raises(error):
        open_ledger(store, NEW)


def test_a_send_begins_next_to_a_damaged_header_only_with_resend_after_a_clear(store):
    store.set(attempt_key("000001"), "text")
    for given in ({}, {"resend": True}):
        with pytest.raises(DamagedHeaderError):
            open_ledger(store, NEW, **given)
    again = open_ledger(store, NEW, resend=True, may_replace_damaged=True)
    assert again.records == {}
    assert open_ledger(store, NEW).records == {}


def test_a_ledger_with_a_mark_for_each_part_goes_on_in_the_form_of_today(store, monkeypatch):
    """Version 1 was written so."""
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", 1)
    ledger = open_ledger(store, NEW)
    for number in (10, 11, 12):
        ledger.write([IntentLogged(number, "d")])
    store._values[attempt_key("000002")]["version"] = 1
    for part in (1, 2):
        store._values[f"{segment_key('000002', part)}.begun"] = {"begun": True}
    again = open_ledger(store, NEW)
    assert set(again.records) == {1, 2, 10, 11, 12}
    assert store._values[attempt_key("000003")]["version"] == VERSION


def test_one_mark_is_written_for_eight_parts_and_read_beyond_the_newest_segment(store, monkeypatch):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", 1)
    watched = mock.Mock(wraps=store, ambiguous_write_threshold=1.0)
    ledger = open_ledger(watched, NEW)
    for number in range(10, 27):
        ledger.write([IntentLogged(number, "d")])
    assert marks_of(watched.set) == [segment_marker_key("000002", part) for part in (1, 9)]
    watched.get.reset_mock()
    assert set(read_ledger(watched)[1]) == {1, 2, *range(10, 27)}
    beyond = [segment_marker_key("000001", 1), segment_marker_key("000002", 17)]
    assert marks_of(watched.get) == beyond
    del store._values[NEWEST_SEGMENT_KEY]
    watched.get.reset_mock()
    assert set(read_ledger(watched)[1]) == {1, 2, *range(10, 27)}
    assert marks_of(watched.get) == [beyond[0], *(segment_marker_key("000002", part) for part in (1, 9, 17))]


def test_a_ledger_may_be_read_while_its_send_begins_a_new_part(store, monkeypatch):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", 100)
    ledger = open_ledger(store, NEW)
    ledger.write([IntentLogged(10, "d")])
    get, numbers = store.get, iter(range(11, 21))

    def get_while_the_send_goes_on(key):
        found = json.loads(json.dumps(get(key)))
        for number in numbers:
            ledger.write([IntentLogged(number, "d")])
        return found

    reader = Behind(store)
    reader.get = lambda key: (get_while_the_send_goes_on if key == segment_key("000002", 0) else get)(key)
    assert set(read_ledger(reader)[1]) == {1, 2, *range(10, 21)}


def marks_of(method):
    """Return which marks of parts a method of a store was called with."""
    return [call.args[0] for call in method.call_args_list if call.args[0].endswith(".begun")]


class Behind:
    """Another view of a store's values."""

    is_durable = True

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)


class LateStore(Behind):
    """Loses the answer to chosen writes, and lets a copy of each land once more, some writes later."""

    def __init__(self, store, fails_at, lands_after):
        super().__init__(store)
        self._fails_at, self._lands_after = fails_at, lands_after
        self._writes, self._late = 0, []

    def set(self, key, value):
        self._writes += 1
        copy = json.loads(json.dumps(value))
        if self._writes in self._fails_at:
            self._late.append((self._writes + self._lands_after, key, copy))
            raise OSError("no answer")
        self._store.set(key, copy)
        for due, late_key, late in self._late:
            if due == self._writes:
                self._store.set(late_key, late)


@pytest.mark.parametrize("lands_after", range(1, 9))
@pytest.mark.parametrize("fails_at", range(2, 14))
@pytest.mark.parametrize("segment_bytes", [1, 120, 4096])
def test_a_copy_of_a_write_that_lands_late_erases_nothing(
    store, monkeypatch, segment_bytes, fails_at, lands_after
):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes)
    ledger = open_ledger(LateStore(store, {fails_at, fails_at + 1}, lands_after), NEW)
    for number in range(10, 16):
        for event in (IntentLogged(number, "d"), Accepted(number, "token", 194)):
            events = [event]
            for _ in range(3):
                try:
                    ledger.write(events)
                    break
                except OSError:
                    events = []
            assert read_ledger(store)[1] == ledger.records


def test_after_a_slow_write_whose_copy_may_land_late_the_log_goes_on_elsewhere(store, monkeypatch):
    ledger = open_ledger(store, NEW)
    monkeypatch.setattr(store, "ambiguous_write_threshold", -1.0)
    ledger.write([IntentLogged(3, "d3")])
    early = json.loads(json.dumps(store.get(segment_key("000002", 0))))
    ledger.write([Accepted(3, "token", 194)])
    store.set(segment_key("000002", 0), early)
    assert read_ledger(store)[1][3].request_token == "token"


def test_long_reasons_are_written_in_values_that_fit(store):
    ledger = open_ledger(store, NEW)
    numbers = range(10, 110)
    ledger.write([IntentLogged(number, "d") for number in numbers])
    ledger.write([Rejected(number, "ש" * 300) for number in numbers])
    assert max(len(json.dumps(value)) for value in store._values.values()) < 65536
    assert read_ledger(store)[1][109].reason == "ש" * 300


def test_what_an_attempt_writes_after_a_later_one_has_read_it_changes_nothing(store):
    first = open_ledger(store, NEW)
    second = open_ledger(store, NEW)
    first.write([IntentLogged(3, "d3")])
    second.write([IntentLogged(3, "d3"), Accepted(3, "token", 194)])
    assert open_ledger(store, NEW).records[3].request_token == "token"


def test_a_record_names_its_request(store):
    open_ledger(store, NEW).write([Withdrawn(2), IntentLogged(2, "d2")])
    records = open_ledger(store, NEW).records
    assert {number: record.request for number, record in records.items()} == {1: "000001.0", 2: "000002.1"}


def test_a_ledger_that_was_there_and_is_gone_stops_the_task(store):
    store._values.clear()
    with pytest.raises(LedgerStoreError, match="missing now"):
        open_ledger(store, NEW, expected="5e4d")


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
        (Header("x", "options_digest", 3, 251, 0), "rows were added: 250 before, 251 now"),
        (Header("x", "options_digest", 4, 250, 0), "the recipients changed"),
        (
            Header("x", "options_digest", 3, 250, 0, recipients_digest="others"),
            "the rows differ",
        ),
    ],
)
def test_a_ledger_of_another_send_stops_the_task(store, new, reason):
    with pytest.raises(LedgerError, match=reason):
        open_ledger(store, new)


def test_only_a_clear_with_resend_begins_a_new_send(store):
    assert (
        open_ledger(
            store, Header("x", "options_digest", 3, 250, clear_generation=0), resend=True
        ).header.send_id
        == "5e4d"
    )
    assert (
        open_ledger(store, Header("x", "options_digest", 3, 250, clear_generation=1)).header.send_id == "5e4d"
    )
    again = open_ledger(store, Header("x", "options_digest", 3, 250, clear_generation=1), resend=True)
    assert (again.header.send_id, again.records) == ("x", {})
    assert (
        open_ledger(
            store, Header("y", "options_digest", 3, 250, clear_generation=1), resend=True
        ).header.send_id
        == "x"
    )


def test_a_timeout_in_the_middle_of_a_write_does_no_damage(store, monkeypatch):
    ledger = open_ledger(store, NEW)

    def interrupted(_events):
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(ledger_module, "_take_first", interrupted)
        with pytest.raises(TimeoutError):
            ledger.write([IntentLogged(3, "d3")])
    ledger.write([Rejected(2, "no")])
    assert open_ledger(store, NEW).records == ledger.records
    assert ledger.records[3].state is BatchState.SUBMITTING
