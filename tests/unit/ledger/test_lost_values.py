"""One value of a ledger is lost, whichever it is: nobody who may have been called counts as unsent."""

import contextlib
import json
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_inforu.ledger import ledger_log as ledger_module
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.damage import MAX_SEGMENT_EVENTS
from airflow_provider_inforu.ledger.decisions import decide
from airflow_provider_inforu.ledger.ledger_errors import DamagedValueError
from airflow_provider_inforu.ledger.ledger_events import (
    Accepted,
    IntentLogged,
    Rejected,
    ResendLogged,
    Withdrawn,
)
from airflow_provider_inforu.ledger.ledger_keys import (
    NEWEST_SEGMENT_KEY,
    attempt_key,
    segment_key,
)
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import DamagedHeaderError, Header, read_content
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
from airflow_provider_inforu.ledger.task_state_store import TaskStateStore
from tests.unit.ledger.test_damage import _send_a_little as send_a_little
from tests.unit.ledger.test_stores import PARTS, State

NEW = Header("5e4d", "options_digest", batches=12, recipients=1200, clear_generation=0)


class InTaskState:
    """The ledger of a task in a task state."""

    def __init__(self):
        self.state = State()

    def store(self, try_number):
        return TaskStateStore(self.state, try_number)

    def put(self, key, value):
        self.state.values[key] = json.dumps(value)

    def names(self):
        return sorted(self.state.values)

    def name_of(self, key):
        return key

    def lose(self, name, left):
        del self.state.values[name]
        if left is not None:
            self.state.values[name] = left

    def restore(self, name, whole):
        self.state.values[name] = whole.state.values[name]

    def copy(self):
        other = InTaskState()
        other.state.values = dict(self.state.values)
        return other


class InFiles:
    """The ledger of a task below a path. A claim is a file too."""

    def __init__(self, folder, files=()):
        self.folder = folder / f"{len(list(folder.parent.rglob('*')))}"
        self._parent = folder
        for name, content in files:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def store(self, _try_number):
        return ObjectStorageStore(str(self.folder), PARTS)

    def put(self, key, value):
        self.store(1).put(key, value)

    def _files(self):
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def names(self):
        return [str(path.relative_to(self.folder)) for path in self._files()]

    def name_of(self, key):
        return next(name for name in self.names() if name.endswith(f"/{key}.json"))

    def lose(self, name, left):
        (self.folder / name).unlink()
        if left is not None:
            (self.folder / name).write_text(left)

    def restore(self, name, whole):
        (self.folder / name).write_bytes((whole.folder / name).read_bytes())

    def copy(self):
        content = [(path.relative_to(self.folder), path.read_bytes()) for path in self._files()]
        return InFiles(self._parent, content)


@pytest.fixture(params=["task state", "files"])
def kept(request, tmp_path):
    return InTaskState() if request.param == "task state" else InFiles(tmp_path / "ledgers")


LEFT = pytest.mark.parametrize("left", [None, "null", "", "{}", "[]", '"x"'])


@LEFT
@pytest.mark.parametrize("segment_bytes", [1, 4096])
def test_whichever_value_is_lost_no_batch_is_sent_again(kept, left, segment_bytes, monkeypatch):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes)
    for try_number in (1, 2, 3):
        ledger = open_ledger(kept.store(try_number), NEW)
        for number in (3 * try_number - 2, 3 * try_number - 1, 3 * try_number):
            ledger.write([IntentLogged(number, "d")])
            ledger.write([Accepted(number, "t", 1)])
    sent = set(range(1, 10))
    refused = 0
    for name in kept.names():
        damaged = kept.copy()
        damaged.lose(name, left)
        seen = set(sent)
        for try_number in (4, 5):
            try:
                ledger = open_ledger(damaged.store(try_number), NEW)
            except DamagedHeaderError:
                refused += 1
                break
            assert seen <= set(ledger.records), name
            ledger.write([IntentLogged(12, "d"), Accepted(12, "t", 1)] if 12 not in ledger.records else [])
            seen.add(12)
    assert refused == 1, "only the last attempt's document stops the task"


@pytest.mark.parametrize("last", [0, 1, 7, 8, 9, 17])
def test_the_last_segment_of_a_long_log_does_not_disappear(kept, last, monkeypatch):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", 1)
    ledger = open_ledger(kept.store(1), replace(NEW, batches=20))
    for number in range(1, last + 2):
        ledger.write([IntentLogged(number, "d")])
    name = kept.name_of(segment_key(ledger._attempt, last))
    kept.lose(name, None)
    found = read_content(kept.store(2))
    assert found.is_damaged
    assert set(range(1, last + 2)) <= set(found.records)


def test_no_segment_has_more_events_than_a_lost_one_counts_for(kept):
    ledger = open_ledger(kept.store(1), replace(NEW, batches=1500))
    ledger.write(
        [event for number in range(1, 1501) for event in (IntentLogged(number, "d"), Withdrawn(number))]
    )
    events = [len(kept.store(1).get(segment_key(ledger._attempt, number))["events"]) for number in range(2)]
    assert 0 < max(events) <= MAX_SEGMENT_EVENTS


def test_the_newest_document_cannot_be_lost_unnoticed(kept):
    open_ledger(kept.store(1), NEW).write([IntentLogged(1, "d")])
    second = open_ledger(kept.store(2), NEW)
    second.write([IntentLogged(2, "d")])
    kept.lose(kept.name_of(attempt_key(second._attempt)), None)
    with pytest.raises(DamagedHeaderError, match="Restore the ledger"):
        open_ledger(kept.store(3), NEW)
    again = open_ledger(kept.store(4), NEW, resend=True, may_replace_damaged=True)
    assert again.records == {}
    assert open_ledger(kept.store(5), NEW).header.attempts == 2


def test_an_attempt_sorts_after_an_attempt_whose_claim_is_lost(tmp_path):
    kept = InFiles(tmp_path / "ledgers")
    first = open_ledger(kept.store(1), NEW)
    first.write([IntentLogged(1, "d")])
    kept.lose(f"{kept.name_of(attempt_key(first._attempt)).rsplit('/', 1)[0]}/claims/{first._attempt}", None)
    assert kept.store(2).acquire_fencing_token().startswith("000002-")


LEFT_OF_A_SEGMENT = pytest.mark.parametrize("left", [None, "{"])


@LEFT_OF_A_SEGMENT
def test_what_was_lost_stays_in_doubt_although_later_tries_write(kept, left):
    """The later try settles one batch, so the newest segment is in its own log."""
    first = open_ledger(kept.store(1), NEW)
    for number in range(1, 9):
        first.write([IntentLogged(number, "d"), Accepted(number, "t", 1)])
    kept.lose(kept.name_of(segment_key(first._attempt, 0)), left)
    open_ledger(kept.store(2), NEW).write([Accepted(1, None, None)])
    for try_number in (3, 4):
        third = open_ledger(kept.store(try_number), NEW)
        assert set(third.records) == set(range(1, 13))
        third.write([Accepted(try_number, None, None)])


@LEFT_OF_A_SEGMENT
def test_a_segment_that_is_restored_later_counts_as_a_whole(kept, left):
    many = replace(NEW, batches=2000)
    first = open_ledger(kept.store(1), many)
    for number in range(1, 9):
        first.write([IntentLogged(number, "d"), Accepted(number, "t", 1)])
    name = kept.name_of(segment_key(first._attempt, 0))
    whole = kept.copy()
    kept.lose(name, left)
    second = open_ledger(kept.store(2), many)
    assert 2000 not in second.records
    second.write([IntentLogged(2000, "d"), Accepted(2000, "t", 1)])
    kept.restore(name, whole)
    third = open_ledger(kept.store(3), many).records
    accepted = [number for number, record in third.items() if record.state is BatchState.ACCEPTED]
    assert accepted == [*range(1, 9), 2000]


@pytest.mark.parametrize("left", [None, "null", "{"])
def test_a_decision_to_send_again_counts_once_although_the_second_request_is_lost(kept, left):
    open_ledger(kept.store(1), NEW).write([IntentLogged(1, "d")])
    decide(kept, open_ledger(kept.store(2), NEW).records[1], "resend")
    third = open_ledger(kept.store(3), NEW)
    assert third.decided_resend == {1}
    third.write([ResendLogged(1, "d"), Accepted(1, "t", 1)])
    kept.lose(kept.name_of(segment_key(third._attempt, 0)), left)
    for try_number in (4, 5):
        later = open_ledger(kept.store(try_number), NEW)
        assert later.decided_resend == frozenset()
        assert 1 in later.in_doubt()


def test_a_decision_that_people_were_called_survives_the_loss_of_its_event(kept):
    """The decision is stored next to the log, and counts again."""
    open_ledger(kept.store(1), NEW).write([IntentLogged(1, "d")])
    decide(kept, open_ledger(kept.store(2), NEW).records[1], "accept")
    third = open_ledger(kept.store(3), NEW)
    assert third.accepted(1)
    kept.lose(kept.name_of(segment_key(third._attempt, 0)), None)
    for try_number in (4, 5):
        later = open_ledger(kept.store(try_number), NEW)
        assert later.accepted(1)
        assert later.decided_resend == frozenset()


@pytest.mark.parametrize("choice", ["accept", "resend"])
def test_the_last_decision_counts_also_after_the_lost_part_is_restored(kept, choice):
    open_ledger(kept.store(1), NEW).write([IntentLogged(1, "d")])
    decide(kept, open_ledger(kept.store(2), NEW).records[1], "resend")
    third = open_ledger(kept.store(3), NEW)
    third.write([IntentLogged(3, "d")])
    name, whole = kept.name_of(segment_key(third._attempt, 0)), kept.copy()
    kept.lose(name, None)
    decide(kept, read_content(kept.store(4)).records[1], choice)
    kept.restore(name, whole)
    fourth = open_ledger(kept.store(4), NEW)
    is_resent = choice == "resend"
    assert (1 in fourth.decided_resend, bool(fourth.accepted(1))) == (is_resent, not is_resent)


def test_one_read_that_fails_leaves_no_lasting_damage(kept, monkeypatch):
    first = open_ledger(kept.store(1), NEW)
    first.write([IntentLogged(1, "d"), Accepted(1, "t", 1)])
    second = kept.store(2)
    get, failures = second.get, iter([DamagedValueError("half read")])

    def get_once_badly(key):
        if key == segment_key(first._attempt, 0) and (error := next(failures, None)):
            raise error
        return get(key)

    monkeypatch.setattr(second, "get", get_once_badly)
    assert set(open_ledger(second, NEW).records) == {1}
    assert set(open_ledger(kept.store(3), NEW).records) == {1}


@pytest.mark.parametrize("lost", [NEWEST_SEGMENT_KEY, None])
def test_a_run_that_dies_before_its_document_leaves_no_gap_that_hides_a_later_run(lost):
    kept = InTaskState()
    open_ledger(kept.store(1), NEW).write([IntentLogged(1, "d")])
    kept.store(1).acquire_fencing_token()
    open_ledger(kept.store(1), NEW).write([IntentLogged(2, "d")])
    if lost:
        kept.lose(lost, None)
    assert set(open_ledger(kept.store(2), NEW).records) == {1, 2}


def test_a_run_of_a_try_never_takes_the_name_of_a_run_whose_document_is_lost():
    """Its successor names it, with no event."""
    kept = InTaskState()
    open_ledger(kept.store(1), NEW).write([IntentLogged(1, "d")])
    for _ in range(2):
        open_ledger(kept.store(1), NEW)  # dies after its document
    kept.lose(attempt_key("000001-1"), None)
    for try_number in (1, 2):
        assert open_ledger(kept.store(try_number), NEW).in_doubt() == list(range(1, 13))
    assert attempt_key("000001-1") not in kept.names()


LAST = [Accepted(4, "t", 1), Rejected(4, "no"), Withdrawn(4)]
THEN = {Accepted: ("u", 1), Rejected: ("no",), Withdrawn: ()}


@pytest.mark.parametrize("choice", ["accept", "resend"])
@pytest.mark.parametrize(
    "then", [Accepted, *(pytest.param(one, marks=pytest.mark.long) for one in (Rejected, Withdrawn))]
)
@pytest.mark.parametrize("last", LAST, ids=str)
@pytest.mark.parametrize("lost", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_part_that_is_restored_after_it_was_settled_does_not_stop_the_task(
    kept, lost, last, choice, then, monkeypatch
):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", 1)
    first = open_ledger(kept.store(1), NEW)
    first.write([IntentLogged(1, "d"), IntentLogged(2, "d"), Accepted(1, "t", 1), Accepted(2, "t", 1)])
    first.write([IntentLogged(3, "d"), Withdrawn(3), IntentLogged(4, "d")])
    first.write([last])
    whole, name = kept.copy(), kept.name_of(segment_key(first._attempt, lost))
    kept.lose(name, None)
    second = open_ledger(kept.store(2), NEW)
    doubtful = second.in_doubt()
    assert doubtful
    for number in doubtful:
        decide(kept, second.records[number], choice)
    third = open_ledger(kept.store(3), NEW)
    for number in sorted(third.decided_resend):
        third.write([ResendLogged(number, "d"), then(number, *THEN[then])])
    kept.restore(name, whole)
    fourth = open_ledger(kept.store(4), NEW)
    assert all(fourth.accepted(number) for number in (1, 2))
    assert fourth.accepted(4) or last != LAST[0]
    settled_as_called = doubtful if choice == "accept" or then is Accepted else []
    assert all(fourth.accepted(number) for number in settled_as_called)
    assert fourth.decided_resend == frozenset()


class DiesError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("segment_bytes", [1, 4096])
@pytest.mark.parametrize("dies_at", range(1, 12))
def test_a_try_that_is_killed_at_any_write_leaves_a_ledger_without_damage(
    kept, dies_at, segment_bytes, monkeypatch
):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes)
    first, second = kept.store(1), kept.store(2)
    open_ledger(first, NEW).write([IntentLogged(1, "d")])
    write, writes = second.set, iter(range(1, 100))

    def write_until_the_end(key, value):
        if next(writes) > dies_at:
            raise DiesError
        write(key, value)

    monkeypatch.setattr(second, "set", write_until_the_end)
    confirmed = {1}
    with contextlib.suppress(DiesError):
        ledger = open_ledger(second, NEW)
        for number in range(2, 12):
            ledger.write([IntentLogged(number, "d")])
            confirmed.add(number)
    found = read_content(kept.store(3))
    assert not found.is_damaged
    assert confirmed <= set(found.records) <= {*confirmed, max(confirmed) + 1}


def test_a_newest_segment_that_arrives_late_looks_like_no_damage(kept):
    ledger = open_ledger(kept.store(1), NEW)
    ledger.write([IntentLogged(1, "d")])
    late = kept.store(1).get(NEWEST_SEGMENT_KEY)
    second = kept.store(2)
    ledger = open_ledger(second, NEW)
    ledger.write([IntentLogged(2, "d")])
    second.set(NEWEST_SEGMENT_KEY, late)
    found = read_content(kept.store(3))
    assert (set(found.records), found.is_damaged) == ({1, 2}, False)


@pytest.mark.parametrize(
    "value", ["x", {}, {"attempt": "x", "number": 1}, {"attempt": "../000001", "number": 0}]
)
def test_a_newest_segment_of_another_form_proves_nothing(kept, value):
    store = kept.store(1)
    open_ledger(store, NEW).write([IntentLogged(1, "d")])
    store.set(NEWEST_SEGMENT_KEY, value)
    assert set(open_ledger(kept.store(2), NEW).records) == {1}


def test_the_runs_of_one_try_are_found_although_the_document_of_an_earlier_run_is_lost():
    kept = InTaskState()
    for number in range(1, 13):
        open_ledger(kept.store(1), NEW).write([IntentLogged(number, "d")])
    for run in range(12):
        name = attempt_key(f"000001-{run}")
        damaged = kept.copy()
        damaged.lose(name, None)
        if run == 11:
            with pytest.raises(DamagedHeaderError):
                open_ledger(damaged.store(1), NEW)
        else:
            assert set(open_ledger(damaged.store(1), NEW).records) == set(range(1, 13)), name


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    segment_bytes=st.sampled_from([1, 60, 4096]),
    which=st.floats(0, 1, exclude_max=True),
    left=st.sampled_from([None, "null", "{"]),
)
@pytest.mark.parametrize("place", ["task state", "files"])
def test_of_any_ledger_any_one_value_can_be_lost(place, seed, segment_bytes, which, left, tmp_path_factory):
    draw = random.Random(seed)
    folder = tmp_path_factory.mktemp("ledgers")
    kept = InTaskState() if place == "task state" else InFiles(folder / "one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes)
        tries = draw.randint(1, 3)
        for try_number in range(1, tries + 1):
            send_a_little(open_ledger(kept.store(try_number), NEW), draw)
        truth = read_content(kept.store(tries)).records
        names = kept.names()
        kept.lose(names[int(which * len(names))], left)
        for try_number in range(tries + 1, tries + 4):
            try:
                ledger = open_ledger(kept.store(try_number), NEW)
            except DamagedHeaderError:
                return
            assert set(truth) <= set(ledger.records)
            for number, record in truth.items():
                if (now := ledger.records[number]).state is not BatchState.SUBMITTING:
                    assert now.state is record.state
            send_a_little(ledger, draw)
            ledger.write([Accepted(number, None, None) for number in ledger.in_doubt()[:2]])
            truth = {**truth, **ledger.records}
