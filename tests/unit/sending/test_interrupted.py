"""A failure strikes in the middle of a send: its ledger can be read, and says no more than what happened."""

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_inforu.capi.errors import InforuError, InforuRateLimitError
from airflow_provider_inforu.capi.voice import SendReceipt
from airflow_provider_inforu.ledger import ledger_log as ledger_module
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header, read_ledger
from airflow_provider_inforu.ledger.task_state_store import MemoryStore
from airflow_provider_inforu.recipients.batches import Batch
from airflow_provider_inforu.recipients.recipient_store import Recipient
from airflow_provider_inforu.sending import dispatch as dispatch_module
from airflow_provider_inforu.sending import request_pool
from airflow_provider_inforu.sending.dispatch import Dispatch
from airflow_provider_inforu.sending.limits import Limits

FILES = {dispatch_module.__file__, ledger_module.__file__}


class TaskTimeout(BaseException):
    """As Airflow's own, which a signal raises wherever the task is."""


class Send:
    """A send of three batches; the first is refused once, and sent again at once."""

    def __init__(self, *, stops):
        self.requested = set()
        self.called = set()
        self._refused = False
        self._stops = stops
        self.store = MemoryStore()
        batches = [Batch(number, [Recipient(str(number), "0589995551", "hello")]) for number in (1, 2, 3)]
        ledger = open_ledger(self.store, Header("5e4d", "options_digest", 3, 3, 0))
        self.dispatch = Dispatch(
            ledger, batches, self._prepare, Limits(requests_per_second=0, max_in_flight=2)
        )

    def _prepare(self, batch):
        return lambda: self._send(batch)

    def _send(self, batch):
        self.requested.add(batch.number)
        if batch.number == 1 and not self._refused:
            self._refused = True
            raise InforuRateLimitError(status_id=-429, http_status=429, retry_after="0")
        self.called.add(batch.number)
        if batch.number == 2 and self._stops:
            self.dispatch.stop(InforuError("killed"))
        return SendReceipt(1, f"token-{batch.number}", None, 1)

    def run_until(self, line):
        """Return whether the timeout struck, at a line of dispatch or ledger that has this number in the run.

        In a thread of its own: what a trace function raises may leave a disorder in the thread.
        """
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._run_until, line).result()

    def _run_until(self, line):
        lines = itertools.count(1)

        def trace(frame, event, _):
            if frame.f_code.co_filename not in FILES:
                return None
            if event == "line" and next(lines) == line:
                raise TaskTimeout
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            self.dispatch.run()
        except TaskTimeout:
            return True
        finally:
            sys.settrace(before)
        return False


@pytest.mark.parametrize("stops", [False, True])
def test_wherever_a_timeout_strikes_only_those_are_in_doubt_whose_request_left(monkeypatch, stops):
    monkeypatch.setattr(dispatch_module, "SECONDS_BETWEEN_LAST_WRITES", 0.0)
    monkeypatch.setattr(dispatch_module, "ANSWERS_AFTER_KILL_SECONDS", 0.1)
    monkeypatch.setattr(dispatch_module, "ANSWERS_AFTER_SEVERING_SECONDS", 0.1)
    for line in itertools.count(1):
        send = Send(stops=stops)
        struck = send.run_until(line)
        _, records = read_ledger(send.store)
        accepted = {number for number, one in records.items() if one.state is BatchState.ACCEPTED}
        assert accepted == send.called <= set(records), f"line {line}: an answer that came is lost"
        assert set(records) <= send.requested, f"line {line}: in doubt, and no request left"
        if not struck:
            break
    assert line > 100


class PoolThatBreaks(ThreadPoolExecutor):
    """Starts no more threads after the two requests of the first round."""

    submitted = 0

    def submit(self, function, *arguments):
        self.submitted += 1
        if self.submitted > 4:
            raise RuntimeError("can't start new thread")
        return super().submit(function, *arguments)


def test_a_pool_that_breaks_leaves_nobody_in_doubt_whose_answer_came(monkeypatch):
    monkeypatch.setattr(dispatch_module, "SECONDS_BETWEEN_LAST_WRITES", 0.0)
    monkeypatch.setattr(request_pool, "ThreadPoolExecutor", PoolThatBreaks)
    send = Send(stops=False)
    with pytest.raises(RuntimeError, match="new thread"):
        send.dispatch.run()
    _, records = read_ledger(send.store)
    assert {number: one.state for number, one in records.items()} == dict.fromkeys(
        send.called, BatchState.ACCEPTED
    )
    # The second may not have begun when the pool broke: then it did not leave.
    assert send.requested <= {1, 2}
