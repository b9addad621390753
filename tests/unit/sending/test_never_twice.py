"""Plan, ledger and dispatch against a model of the vendor: crashes, faults, lost writes, stale attempts.

The vendor model records every call that it accepts, whatever becomes of its answer. Over any sequence of
attempts nobody may be called twice, and everybody must be accounted for.
"""

import threading
from collections import Counter
from functools import partial
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_inforu.capi import errors
from airflow_provider_inforu.capi.voice import SendReceipt
from airflow_provider_inforu.ledger import ledger_log as ledger_module
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_keys import attempt_key
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import DamagedHeaderError, Header, read_ledger
from airflow_provider_inforu.ledger.newest_segment import read_newest_segment
from airflow_provider_inforu.recipients.batches import plan_batches
from airflow_provider_inforu.recipients.recipient_store import Recipient
from airflow_provider_inforu.sending import dispatch as dispatch_module
from airflow_provider_inforu.sending.dispatch import Dispatch
from airflow_provider_inforu.sending.limits import Limits
from airflow_provider_inforu.sending.report import lines_of_people
from airflow_provider_inforu.sending.result import SendResult
from airflow_provider_inforu.sending.retry_policy import Backoff

LIMITS = Limits(requests_per_second=0, max_in_flight=3, backoff=Backoff(first=0.001, longest=0.01))


class Crash(BaseException):
    """The process dies here."""


class StaleError(Exception):
    """The store refuses an attempt that is not the latest."""


class Values:
    """What survives a crash."""

    def __init__(self):
        self.stored = {}
        self.owner = 0
        self.frozen = []

    def thaw(self):
        """Let the writes complete that froze in the middle: their attempts are long given up."""
        for key, value in self.frozen:
            self.stored[key] = value


class Store:
    """One attempt's view of the values. ``faults`` says what happens at which write."""

    is_durable = True
    ambiguous_write_threshold = 0.5

    def __init__(self, values, faults):
        self._values = values
        self._faults = list(faults)
        self._dead = False

    def acquire_fencing_token(self):
        self._values.owner += 1
        self._mine = self._values.owner
        return f"{self._mine:06d}"

    def latest(self):
        newest = read_newest_segment(self.get)
        names = [f"{number:06d}" for number in range(self._values.owner, 0, -1)]
        found = next((name for name in names if self.get(attempt_key(name)) is not None), "")
        return max(found, newest.attempt if newest else "") or None

    def get(self, key):
        return self._values.stored.get(key)

    def set(self, key, value):
        if self._dead:
            raise Crash
        if self._mine != self._values.owner:
            raise StaleError
        fault = self._faults.pop(0) if self._faults else None
        self._dead = str(fault).startswith("crash")
        if fault == "crash before":
            raise Crash
        if fault == "freezes":
            self._dead = True
            self._values.frozen.append((key, _copy(value)))
            raise Crash
        if fault == "fails":
            raise OSError("the store is down")
        self._values.stored[key] = _copy(value)
        if fault == "crash after":
            raise Crash
        if fault == "fails late":
            raise OSError("the store's answer was lost")


def _copy(value):
    import json

    return json.loads(json.dumps(value))


def api_error(kind, status_id, retry_after=None):
    return kind(status_id=status_id, http_status=403, retry_after=retry_after)


class Vendor:
    """Accepts, refuses, or accepts and loses the answer, as scripted; accepts when the script is over."""

    def __init__(self, script):
        self._script = list(script)
        self._lock = threading.Lock()
        self.calls = Counter()
        self.on_takeover = None

    def prepare(self, batch):
        return partial(self._send, batch)

    def _send(self, batch):
        with self._lock:
            step = self._script.pop(0) if self._script else "accept"
            if step == "take over" and self.on_takeover:
                takeover, self.on_takeover = self.on_takeover, None
            else:
                takeover = None
        if takeover:
            takeover()
        with self._lock:
            return self._answer(batch, step)

    def _answer(self, batch, step):
        refusals = {
            "refused": errors.InforuConnectionError("refused"),
            "rate limit": api_error(errors.InforuRateLimitError, -429, "0"),
            "absurd rate limit": api_error(errors.InforuRateLimitError, -429, "99999"),
            "job in progress": api_error(errors.InforuJobInProgressError, -2015),
            "quota": api_error(errors.InforuQuotaError, -13),
            "rejected": api_error(errors.InforuRejectedError, -18),
            "lost before": errors.InforuOutcomeUnknownError("reset"),
        }
        if step in refusals:
            raise refusals[step]
        self.calls.update(batch.keys)
        if step == "lost after":
            raise errors.InforuOutcomeUnknownError("reset")
        if step == "bug":
            raise ZeroDivisionError
        return SendReceipt(194, f"token-{batch.number}", None, len(batch.recipients))


def batches_of(count):
    from dataclasses import replace

    recipients = [Recipient(f"k{number}", f"05{number:08}", "hi") for number in range(count)]
    whole = plan_batches(recipients)
    return [
        replace(whole[0], number=number, recipients=recipients[start : start + 2])
        for number, start in enumerate(range(0, count, 2), start=1)
    ]


def attempt(values, vendor, batches, faults=(), *, takes_over=None, resend=False):
    """Make one attempt, as the operator does; return the ledger, or None where the attempt died.

    With ``resend``, batches in doubt are sent again, unless their second request was refused for good.
    """
    vendor.on_takeover = takes_over
    try:
        header = Header("5e4d", "options_digest", len(batches), sum(len(one.keys) for one in batches), 0)
        ledger = open_ledger(Store(values, faults), header)
        result = SendResult(ledger.header, ledger.records, lambda _: None)
        numbers = {*result.unsent, *(result.resendable if resend else [])}
        unsent = [batch for batch in batches if batch.number in numbers]
        Dispatch(ledger, unsent, vendor.prepare, LIMITS).run()
    except (Crash, OSError, StaleError):
        return None
    return ledger


steps = st.sampled_from(
    [
        *("accept", "refused", "rate limit", "absurd rate limit", "job in progress", "quota", "rejected"),
        *("lost before", "lost after", "bug", "take over"),
    ]
)
store_faults = st.lists(
    st.sampled_from([None, None, None, "crash before", "crash after", "fails", "fails late", "freezes"]),
    max_size=9,
)


crashes = st.lists(st.sampled_from([None, None, "crash after", "crash before"]), max_size=9)


@pytest.fixture(autouse=True)
def no_pause_between_last_writes(monkeypatch):
    monkeypatch.setattr(dispatch_module, "SECONDS_BETWEEN_LAST_WRITES", 0.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.integers(1, 24),
    segment_bytes=st.sampled_from([64, 16 * 1024]),
    script=st.lists(steps, max_size=20),
    attempts=st.lists(store_faults, max_size=4),
    takeover=st.booleans(),
)
def test_over_any_sequence_of_attempts_nobody_is_called_twice_and_everybody_is_accounted_for(
    people, segment_bytes, script, attempts, takeover
):
    with mock.patch.object(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes):
        check_attempts(people, script, attempts, takeover=takeover)


def check_attempts(people, script, attempts, *, takeover):
    values, vendor, batches = Values(), Vendor(script), batches_of(people)
    for number, faults in enumerate(attempts):
        other = (lambda: attempt(values, vendor, batches)) if takeover and number == 0 else None
        frozen_before = len(values.frozen)
        attempt(values, vendor, batches, faults, takes_over=other)
        if frozen_before:
            values.thaw()
        assert max(vendor.calls.values(), default=0) <= 1

    vendor._script.clear()
    attempt(values, vendor, batches)
    values.thaw()
    last = attempt(values, vendor, batches)

    assert max(vendor.calls.values(), default=0) <= 1
    result = SendResult(last.header, last.records, lambda number: batches[number - 1].keys)
    assert result.unsent == []
    by_key = {key: last.records[batch.number].state for batch in batches for key in batch.keys}
    assert len(by_key) == people
    for key, state in by_key.items():
        called = vendor.calls[key]
        assert called == 1 if state is BatchState.ACCEPTED else True
        assert called == 0 if state is BatchState.REJECTED else True
    named = "\n".join(lines_of_people(result, result.in_doubt))
    in_doubt = [one for one in batches if last.records[one.number].state is BatchState.SUBMITTING]
    for batch in in_doubt:
        assert ", ".join(batch.keys) in named


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.integers(1, 24),
    segment_bytes=st.sampled_from([64, 16 * 1024]),
    script=st.lists(steps, max_size=30),
    attempts=st.lists(st.tuples(store_faults, st.booleans()), max_size=6),
)
def test_whoever_may_have_been_called_is_accepted_or_in_doubt_however_often_they_are_called_again(
    people, segment_bytes, script, attempts
):
    values, vendor, batches = Values(), Vendor(script), batches_of(people)
    allowed = 1
    with mock.patch.object(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes):
        for faults, resend in [*attempts, ([], False)]:
            attempt(values, vendor, batches, faults, resend=resend)
            values.thaw()
            values.frozen.clear()
            allowed += resend
            assert max(vendor.calls.values(), default=0) <= allowed
            check_nobody_called_counts_as_not_called(values, vendor, batches)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.integers(1, 24),
    segment_bytes=st.sampled_from([64, 16 * 1024]),
    script=st.lists(steps, max_size=20),
    attempts=st.lists(crashes, max_size=4),
    lost_after=st.integers(0, 3),
    which=st.floats(0, 1, exclude_max=True),
)
def test_over_any_sequence_of_attempts_one_value_can_be_deleted_and_nobody_is_called_twice(
    people, segment_bytes, script, attempts, lost_after, which
):
    values, vendor, batches = Values(), Vendor(script), batches_of(people)
    with mock.patch.object(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes):
        for number, faults in enumerate([*attempts, [], []]):
            try:
                attempt(values, vendor, batches, faults)
            except DamagedHeaderError:
                break
            assert max(vendor.calls.values(), default=0) <= 1
            if number == min(lost_after, len(attempts)) and values.stored:
                del values.stored[sorted(values.stored)[int(which * len(values.stored))]]


def test_a_timeout_between_the_choice_of_a_batch_in_doubt_and_its_intent_leaves_the_doubt(monkeypatch):
    values, vendor, batches = Values(), Vendor(["lost after"]), batches_of(2)
    attempt(values, vendor, batches)
    ledger = open_ledger(Store(values, ()), Header("5e4d", "options_digest", 1, 2, 0))
    again = Dispatch(ledger, batches, vendor.prepare, LIMITS)

    def time_is_over(_):
        raise Crash

    monkeypatch.setattr(again._requests, "make_ready", time_is_over)
    with pytest.raises(Crash):
        again.run()
    check_nobody_called_counts_as_not_called(values, vendor, batches)


def check_nobody_called_counts_as_not_called(values, vendor, batches):
    found = read_ledger(Store(values, ()))
    records = found[1] if found else {}
    for batch in batches:
        if any(vendor.calls[key] for key in batch.keys):
            assert records[batch.number].state in (BatchState.ACCEPTED, BatchState.SUBMITTING)


class CountingStore(Store):
    writes = 0

    def set(self, key, value):
        super().set(key, value)
        self.writes += 1


@pytest.mark.parametrize("width", [1, 10])
def test_a_round_costs_one_write_of_the_ledger_at_most(width):
    """An answer shares the write of a later round: never two writes a batch. A new segment costs one more."""
    values, batches, vendor = Values(), batches_of(40), Vendor([])
    store = CountingStore(values, ())
    ledger = open_ledger(store, Header("5e4d", "options_digest", 20, 40, 0))
    opening = store.writes
    Dispatch(ledger, batches, vendor.prepare, Limits(requests_per_second=0, max_in_flight=width)).run()
    assert store.writes - opening <= len(batches) + 1 + 1


def test_an_intent_is_durable_before_its_request_leaves():
    values, batches = Values(), batches_of(20)
    seen = []

    def send(batch):
        events = [event for value in values.stored.values() if "events" in value for event in value["events"]]
        seen.append(["s", batch.number, batch.digest] in events)
        return SendReceipt(1, "t", None, 2)

    ledger = open_ledger(Store(values, ()), Header("5e4d", "options_digest", 10, 20, 0))
    Dispatch(ledger, batches, lambda batch: partial(send, batch), LIMITS).run()
    assert seen == [True] * 10


def test_a_failing_store_lets_nothing_leave_after_it_and_what_was_answered_is_written_when_it_comes_back():
    values, vendor, batches = Values(), Vendor([]), batches_of(20)
    assert attempt(values, vendor, batches, [None, None, None, "fails"]) is None
    called = sum(vendor.calls.values())
    ledger = open_ledger(Store(values, ()), Header("5e4d", "options_digest", 10, 20, 0))
    assert ledger.in_doubt() == []
    assert sum(len(batches[number - 1].keys) for number in ledger.records) == called


@pytest.mark.parametrize("segment_bytes", [64, 16 * 1024])
@pytest.mark.parametrize("fails_at", range(2, 12))
def test_one_failing_write_leaves_nobody_in_doubt_whose_answer_came(fails_at, segment_bytes, monkeypatch):
    monkeypatch.setattr(ledger_module, "MAX_SEGMENT_BYTES", segment_bytes)
    values, vendor, batches = Values(), Vendor([]), batches_of(20)
    attempt(values, vendor, batches, [*[None] * fails_at, "fails"])
    _, records = read_ledger(Store(values, ()))
    assert BatchState.SUBMITTING not in {record.state for record in records.values()}
    assert sum(len(batches[number - 1].keys) for number in records) == sum(vendor.calls.values())


def test_a_store_that_comes_back_after_some_time_leaves_nobody_in_doubt():
    values, vendor, batches = Values(), Vendor([]), batches_of(20)
    attempt(values, vendor, batches, [None, None, None, "fails", "fails", "fails"])
    _, records = read_ledger(Store(values, ()))
    assert BatchState.SUBMITTING not in {record.state for record in records.values()}
    assert sum(len(batches[number - 1].keys) for number in records) == sum(vendor.calls.values())


def test_segments_stay_below_64_kb_and_a_long_ledger_is_read_back():
    import json

    values, batches = Values(), batches_of(5000)
    vendor = Vendor([])
    assert attempt(values, vendor, batches) is not None
    sizes = [len(json.dumps(value)) for value in values.stored.values()]
    assert max(sizes) <= 64 * 1024
    assert len(sizes) > 4
    assert attempt(values, vendor, batches).in_doubt() == []
    assert max(vendor.calls.values()) == 1
