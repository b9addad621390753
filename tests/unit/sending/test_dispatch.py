"""In which order a round of the dispatch takes answers, writes them down and lets requests go."""

import datetime as dt
import sqlite3
import threading
import time
from functools import partial
from types import SimpleNamespace

import pytest

from airflow_provider_inforu.capi.errors import (
    InforuError,
    InforuInputError,
    InforuOutcomeUnknownError,
    InforuRejectedError,
)
from airflow_provider_inforu.capi.voice import SendReceipt
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.ledger.task_state_store import MemoryStore
from airflow_provider_inforu.recipients.batches import Batch
from airflow_provider_inforu.recipients.recipient_store import Recipient
from airflow_provider_inforu.sending import dispatch as dispatch_module
from airflow_provider_inforu.sending.dispatch import Dispatch, FirstBatchError
from airflow_provider_inforu.sending.in_flight_limit import LEAST_IN_FLIGHT, InFlightLimit
from airflow_provider_inforu.sending.limits import Limits
from airflow_provider_inforu.sending.request_pool import NotReadyError
from airflow_provider_inforu.sending.window import WindowClosedError


class Rounds(MemoryStore):
    """Remembers what each write of the ledger added."""

    def __init__(self):
        super().__init__()
        self.added = []
        self._known = 0

    def set(self, key, value):
        super().set(key, value)
        if "events" in value:
            self.added.append(value["events"][self._known :])
            self._known = len(value["events"])


@pytest.fixture
def store():
    return Rounds()


def dispatch(store, send, *, batches, width, window=None, prepare=None, first_batch_creates_campaign=False):
    ledger = open_ledger(store, Header("5e4d", "options_digest", batches, batches, 0))
    people = [
        Batch(number, [Recipient(str(number), "0589995551", "hello")]) for number in range(1, batches + 1)
    ]
    limits = Limits(requests_per_second=0, max_in_flight=width, window=window)
    prepare = prepare or (lambda batch: partial(send, batch))
    return Dispatch(
        ledger, people, prepare, limits, first_batch_creates_campaign=first_batch_creates_campaign
    )


def receipt(batch):
    return SendReceipt(1, f"token-{batch.number}", None, 1)


@pytest.mark.parametrize("answered", [0, 100])
def test_a_vendor_that_stops_answering_leaves_at_most_20_requests_in_doubt(store, answered):
    enough_left, may_end, unanswered = threading.Event(), threading.Event(), []

    def send(batch):
        if batch.number <= answered:
            return receipt(batch)
        unanswered.append(batch.number)
        if len(unanswered) == LEAST_IN_FLIGHT:
            enough_left.set()
        may_end.wait(10)
        raise InforuOutcomeUnknownError("no reply")

    sending = dispatch(store, send, batches=300, width=128)
    sending._in_flight_limit = InFlightLimit(30, 128)
    for _ in range(50 if answered else 0):
        sending._in_flight_limit.add_answer(0.2)
    thread = threading.Thread(target=sending.run)
    thread.start()
    assert enough_left.wait(10)
    time.sleep(0.2)  # time enough for more
    may_end.set()
    thread.join(20)
    assert not thread.is_alive()
    assert len(unanswered) <= 20


def test_the_log_says_that_the_send_stops_after_the_third_unknown_outcome_in_a_row(store, caplog):
    def send(_batch):
        raise InforuOutcomeUnknownError("no reply")

    sending = dispatch(store, send, batches=5, width=1)
    with caplog.at_level("WARNING"):
        sending.run()
    assert sending.remaining == [4, 5]
    steps = [line.rpartition("in doubt. ")[2] for line in caplog.messages if "in doubt" in line]
    assert ["continues" in step for step in steps] == [True, True, False]
    assert "The send stops" in steps[-1]


def test_a_request_is_told_to_leave_when_its_intent_is_written(store, monkeypatch):
    order = []
    sending = dispatch(store, lambda batch: order.append("request") or receipt(batch), batches=1, width=1)
    monkeypatch.setattr(sending._rate_limiter, "mark_sent", lambda: store.added and order.append("mark_sent"))
    sending.run()
    assert order.index("mark_sent") < order.index("request")


def test_a_request_is_made_ready_while_its_intent_is_written_and_leaves_after_that(store):
    is_ready, order, write = threading.Event(), [], store.set

    def prepare(batch):
        order.append("ready")
        is_ready.set()
        return lambda: order.append("request") or receipt(batch)

    def write_slowly(key, value):
        assert is_ready.wait(5)
        time.sleep(0.02)  # time enough for a request that would not wait
        write(key, value)
        order.append("written")

    sending = dispatch(store, None, batches=1, width=1, prepare=prepare)
    store.set = write_slowly
    sending.run()
    # The intent, the newest segment, and the result.
    assert order == ["ready", "written", "written", "request", "written"]


def test_a_request_that_was_made_ready_does_not_leave_when_its_intent_cannot_be_written(store, monkeypatch):
    monkeypatch.setattr(dispatch_module, "SECONDS_BETWEEN_LAST_WRITES", 0.0)
    is_ready, requests = threading.Event(), []

    def prepare(batch):
        is_ready.set()
        return lambda: requests.append(batch.number)

    def fail(*_):
        assert is_ready.wait(5)
        raise OSError("no space left")

    sending = dispatch(store, None, batches=3, width=2, prepare=prepare)
    store.set = fail
    with pytest.raises(OSError, match="no space"):
        sending.run()
    assert requests == []


def test_a_batch_that_cannot_be_made_ready_stops_the_send_and_leaves_nobody_in_doubt(store):
    def prepare(_):
        raise InforuInputError("a value that JSON cannot hold")

    sending = dispatch(store, None, batches=2, width=1, prepare=prepare)
    sending.run()
    assert "JSON" in str(sending.stopped_by)
    assert sending._ledger.records == {}


def test_where_a_batch_cannot_be_read_nobody_is_in_doubt(store):
    def prepare(_):
        raise sqlite3.OperationalError("disk I/O error")

    sending = dispatch(store, None, batches=4, width=2, prepare=prepare)
    sending.run()
    assert isinstance(sending.stopped_by, NotReadyError)
    assert "OperationalError" in str(sending.stopped_by)
    assert sending._ledger.records == {}


def test_the_others_are_made_ready_when_the_answer_to_the_first_is_in_the_ledger(store):
    known = {}

    def prepare(batch):
        first = sending._ledger.accepted(1)
        known[batch.number] = first and first.campaign_id
        return partial(receipt, batch)

    sending = dispatch(store, None, batches=4, width=3, prepare=prepare, first_batch_creates_campaign=True)
    sending.run()
    assert known == {1: None, 2: 1, 3: 1, 4: 1}


def test_when_the_first_of_all_is_refused_the_others_are_not_even_made_ready(store):
    ready = []

    def prepare(batch):
        ready.append(batch.number)
        return partial(refuse, batch)

    def refuse(_):
        raise InforuRejectedError(
            status_id=-18,
            http_status=403,
            description="no valid phone",
            detailed_description="",
            function="f",
        )

    sending = dispatch(store, None, batches=3, width=3, prepare=prepare, first_batch_creates_campaign=True)
    sending.run()
    assert ready == [1]
    assert isinstance(sending.stopped_by, FirstBatchError)
    assert [record.state for record in sending._ledger.records.values()] == [BatchState.REJECTED]


def test_where_the_shared_limit_fails_after_an_intent_was_written_nobody_is_left_in_doubt(store, monkeypatch):
    requests = []
    sending = dispatch(store, requests.append, batches=3, width=2)

    def fail():
        raise InforuError("the shared rate limit cannot be asked")

    monkeypatch.setattr(sending._rate_limiter, "mark_sent", fail)
    with pytest.raises(InforuError, match="cannot be asked"):
        sending.run()
    assert requests == []
    assert sending._ledger.records == {}
    assert [event[0] for added in store.added for event in added] == ["s", "s", "w", "w"]


def test_a_stop_while_intents_are_written_keeps_their_requests_back(store):
    requests = []
    sending = dispatch(store, requests.append, batches=3, width=2)
    write, killed = store.set, InforuError("killed")

    def write_and_be_killed(key, value):
        write(key, value)
        sending.stop(killed)

    store.set = write_and_be_killed
    sending.run()
    assert requests == []
    assert sending.stopped_by is killed
    assert sending._ledger.records == {}
    assert [batch.number for batch in sending._waiting] == [1, 2, 3]


def test_a_window_that_closes_while_intents_are_written_keeps_their_requests_back(store):
    requests = []
    opens = dt.datetime(2026, 11, 29, 6, tzinfo=dt.UTC)
    window = SimpleNamespace(is_open=lambda _: not store.added, opens_at=lambda _: opens)
    sending = dispatch(store, requests.append, batches=2, width=2, window=window)
    sending.run()
    assert requests == []
    assert sending._ledger.records == {}
    assert isinstance(sending.stopped_by, WindowClosedError)
    assert not sending.stopped_by.begun
