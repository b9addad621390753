"""Sends many batches at a time, at the account's rate. The ledger stores an intent before its request leaves.

One thread decides and writes the ledger. A pool of threads makes the requests. In each round, the deciding
thread takes the new results and acquires slots for the next batches. It writes the results and the new
intents in one write. The pool prepares the requests during this write, and sends them only after it.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import time
from collections import deque
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError, InforuRateLimitError
from airflow_provider_inforu.capi.voice import SendReceipt
from airflow_provider_inforu.ledger.ledger_events import IntentLogged, LedgerEvent, ResendLogged, Withdrawn
from airflow_provider_inforu.sending.in_flight_limit import InFlightLimit
from airflow_provider_inforu.sending.rate_limiter import BackoffGate, RateLimiter
from airflow_provider_inforu.sending.request_pool import PrepareBatch, RequestPool
from airflow_provider_inforu.sending.retry_policy import RetryDecision, classify_error, to_event
from airflow_provider_inforu.sending.send_progress import Progress
from airflow_provider_inforu.sending.window import WindowClosedError, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.ledger.ledger_log import Ledger
    from airflow_provider_inforu.recipients.batches import Batch
    from airflow_provider_inforu.sending.limits import Limits

log = logging.getLogger(__name__)

FIRST = 1
"""The number of the first batch of a send."""
MAX_IN_DOUBT_IN_A_ROW = 3
"""After this number of unknown outcomes without an acceptance between them, the send stops."""
COPY_UNKNOWN = (
    "the first batch should have duplicated the campaign, but Inforu returned no ID of the copy. The "
    "remaining batches were not sent. Check in the Inforu portal whether the copy exists"
)
"""The reason of a `FirstBatchError`, as a clause: the report of the send embeds it."""

ANSWERS_AFTER_FAILURE_SECONDS = 60.0
"""The deadlines of the requests in flight are usually earlier."""
ANSWERS_AFTER_KILL_SECONDS = 3.0
"""Also after a timeout of the task. Airflow sends SIGKILL five seconds after SIGTERM."""
ANSWERS_AFTER_SEVERING_SECONDS = 1.0
LAST_WRITES = 3
SECONDS_BETWEEN_LAST_WRITES = 2.0
"""In addition, the store has its own timeouts and retries for each write."""
STILL_IN_DOUBT = "An earlier request for the batch is in doubt, so the batch stays in doubt"
TOO_MANY_IN_DOUBT = (
    f"The batch is in doubt. The send stops, because {MAX_IN_DOUBT_IN_A_ROW} outcomes in a row are unknown"
)
LONGEST_WAIT_SECONDS = 0.25
"""The longest delay until a stop or the end of the sending window has an effect."""


class FirstBatchError(InforuError):
    """The ID of the campaign's copy is unknown. Without it, only the first batch can be sent."""

    safe_to_resend = True


class Dispatch:
    """Sends batches for the first time, and batches in doubt again.

    :param ledger: The ledger of the send.
    :param batches: The batches to send, in ascending order.
    :param prepare: Prepares the request of a batch, and returns a function that sends it. Several threads
        call both. A prepared request may never be sent.
    :param limits: The rate, the requests in flight and the sending window.
    :param first_batch_creates_campaign: Whether the other batches wait until the first batch is accepted.
        Default: False.
    """

    def __init__(
        self,
        ledger: Ledger,
        batches: Sequence[Batch],
        prepare: PrepareBatch,
        limits: Limits,
        *,
        first_batch_creates_campaign: bool = False,
    ) -> None:
        self.stopped_by: InforuError | None = None
        """The reason for unsent batches. None: the send was not stopped."""
        self._ledger = ledger
        self._waiting = deque(batches)
        # The names of earlier requests, by the number of their batch.
        self._in_doubt_before = {
            batch.number: ledger.records[batch.number].request
            for batch in batches
            if batch.number in ledger.records
        }
        self._limits = limits
        self._first_batch_creates_campaign = first_batch_creates_campaign
        self._answers: queue.SimpleQueue[tuple[Batch, SendReceipt | InforuError, float]] = queue.SimpleQueue()
        self._requests = RequestPool(limits.max_in_flight, prepare, self._answer)
        self._to_submit: list[Batch] = []
        self._killed_at: float | None = None
        self._answered: list[LedgerEvent] = []
        self._in_flight_limit = InFlightLimit(limits.requests_per_second, limits.max_in_flight)
        # The time at which each request left, by batch number.
        self._in_flight: dict[int, float] = {}
        self._in_doubt_in_a_row = 0
        self._backoff_gate = BackoffGate(limits.backoff)
        self._rate_limiter = RateLimiter(limits.requests_per_second, limits.shared)
        self._progress = Progress(len(batches))

    @property
    def remaining(self) -> list[int]:
        """The numbers of the batches that were left unsent, or in doubt and not sent again."""
        return sorted(batch.number for batch in self._waiting)

    def stop(self, reason: InforuError) -> None:
        """Stop the send, because the task was killed. Safe to call from a signal handler.

        No more requests leave. Results within `ANSWERS_AFTER_KILL_SECONDS` still count.

        :param reason: The value of `stopped_by`, unless the send has already stopped.
        """
        self._requests.stop()
        self._killed_at = self._killed_at or time.monotonic()
        self._stop(reason)

    def _stop(self, reason: InforuError) -> None:
        self.stopped_by = self.stopped_by or reason

    def run(self) -> None:
        """Send all batches, or stop at the first reason to stop. Then every known result is in the ledger.

        :raises InforuError: The rate limiter failed, or the ledger has a newer attempt.
        :raises Exception: The ledger's store failed. No request was sent after the failure.
        """
        wait = 0.0
        try:
            while self._awaits_answers() or (self._waiting and not self.stopped_by):
                self._take_answers(wait)
                self._to_submit, wait = self._acquire_batches()
                ready = deque(self._requests.make_ready(batch) for batch in self._to_submit)
                if self._to_submit or self._answered:
                    self._write(self._to_submit)
                self._rate_limiter.mark_sent()
                self._withdraw_unsubmitted(self._to_submit)
                while self._to_submit:
                    self._in_flight[self._to_submit[0].number] = time.monotonic()
                    self._requests.send(self._to_submit.pop(0), ready.popleft())
                self._progress.say(len(self._in_flight))
            if self._in_flight:
                self._flush_results_on_failure(0.0)
            self._write([])
        except BaseException as error:
            is_timeout = not isinstance(error, Exception)
            self._flush_results_on_failure(
                ANSWERS_AFTER_KILL_SECONDS if is_timeout else ANSWERS_AFTER_FAILURE_SECONDS
            )
            raise
        finally:
            self._requests.close()

    def _awaits_answers(self) -> bool:
        """Return whether requests are in flight, and the time to wait for their results is not over."""
        is_over = self._killed_at and time.monotonic() > self._killed_at + ANSWERS_AFTER_KILL_SECONDS
        return bool(self._in_flight) and not is_over

    def _write(self, to_submit: Sequence[Batch]) -> None:
        for batch in to_submit:
            self._requests.results.pop(batch.number, None)  # the result of an earlier, refused request
        self._ledger.write([*self._answered, *map(self._to_intent, to_submit)])
        self._answered = []

    def _to_intent(self, batch: Batch) -> IntentLogged | ResendLogged:
        """Return the event that the batch is about to leave, for the first time or while it is in doubt."""
        is_in_doubt = batch.number in self._in_doubt_before
        return (ResendLogged if is_in_doubt else IntentLogged)(batch.number, batch.digest)

    def _flush_results_on_failure(self, seconds: float) -> None:
        """Write all known results after a failure, a timeout or a kill, to leave few recipients in doubt.

        :param seconds: How long to wait for more results. After this time, the connections are closed.
        """
        self._requests.stop()
        self._requests.wait_for([*self._in_flight], seconds)
        self._requests.sever()
        self._requests.wait_for([*self._in_flight], ANSWERS_AFTER_SEVERING_SECONDS)
        unsent = (Withdrawn(batch.number) for batch in self._to_submit if self._has_intent(batch.number))
        results = (to_event(number, result) for number, result in [*self._requests.results.items()])
        # A failure may interrupt any line. So an event may be listed twice, or may already be in the ledger.
        # Of two events of a batch, the later one in the list counts: a result is listed last.
        known = [*unsent, *self._answered, *(event for event in results if event)]
        in_doubt = set(self._ledger.in_doubt())
        events = list({event.number: event for event in known if event.number in in_doubt}.values())
        for _ in range(LAST_WRITES):
            with contextlib.suppress(Exception):
                self._ledger.write(events)
                return
            events = []  # the ledger has kept them for its next write
            time.sleep(SECONDS_BETWEEN_LAST_WRITES)

    def _has_intent(self, number: int) -> bool:
        """Return whether the intent of this attempt is in the ledger. An earlier request may be in doubt."""
        if number not in self._in_doubt_before:
            return True
        record = self._ledger.records.get(number)
        return record is not None and record.request != self._in_doubt_before[number]

    def _answer(self, batch: Batch, answer: SendReceipt | InforuError) -> None:
        self._answers.put((batch, answer, time.monotonic()))

    def _take_answers(self, wait: float) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                batch, answer, at = self._answers.get(timeout=wait) if wait else self._answers.get_nowait()
                wait = 0.0
                seconds = at - self._in_flight.pop(batch.number)
                if event := to_event(batch.number, answer):
                    self._answered.append(event)
                if isinstance(answer, SendReceipt):
                    self._in_flight_limit.add_answer(seconds)
                    self._in_doubt_in_a_row = 0
                    self._backoff_gate.release()
                    self._progress.done += 1
                else:
                    self._handle_error(batch, answer)

    def _handle_error(self, batch: Batch, error: InforuError) -> None:
        decision = classify_error(error)
        is_rejected = decision is RetryDecision.REJECTED
        what_next = decision.value
        if is_rejected and batch.number in self._in_doubt_before:
            what_next = STILL_IN_DOUBT
        elif decision is RetryDecision.IN_DOUBT:
            self._in_doubt_in_a_row += 1
            if self._in_doubt_in_a_row >= MAX_IN_DOUBT_IN_A_ROW:
                what_next = TOO_MANY_IN_DOUBT
                self._stop(error)
        log.warning("send %s: batch %d: %s. %s", self._ledger.header.send_id, batch.number, error, what_next)
        if decision not in (RetryDecision.IN_DOUBT, RetryDecision.REJECTED):
            self._waiting.appendleft(batch)
            if decision is RetryDecision.STOP or not self._backoff_gate.after(error):
                self._stop(error)
            if isinstance(error, InforuRateLimitError):
                self._rate_limiter.slow_down()

    def _acquire_batches(self) -> tuple[list[Batch], float]:
        """Return the batches that may leave now, and the seconds to wait if no batch may leave."""
        to_submit: list[Batch] = []
        wait = LONGEST_WAIT_SECONDS
        while self._may_leave(len(to_submit)):
            wait = self._rate_limiter.acquire()
            if wait:
                break
            to_submit.append(self._waiting.popleft())
        if to_submit:
            return to_submit, 0.0
        return [], min(self._backoff_gate.seconds_left() or wait, LONGEST_WAIT_SECONDS)

    def _may_leave(self, to_submit: int) -> bool:
        self._stop_where_the_window_closes()
        if self.stopped_by or not self._waiting or not self._backoff_gate.is_over():
            return False
        if self._waiting_for_campaign:
            if self._waiting[0].number == FIRST:
                return True
            if not (self._in_flight or to_submit or self._answered):
                self._stop(FirstBatchError(COPY_UNKNOWN))
            return False
        return len(self._in_flight) + to_submit < self._in_flight_limit.current()

    @property
    def _waiting_for_campaign(self) -> bool:
        """Whether the other batches must wait, because the ledger has no acceptance of the first batch."""
        return self._first_batch_creates_campaign and self._ledger.accepted(FIRST) is None

    def _withdraw_unsubmitted(self, to_submit: list[Batch]) -> None:
        """Withdraw the batches if the send was stopped or the window closed after they got their slots."""
        if to_submit and (self.stopped_by or self._is_window_closed()):
            self._answered += (Withdrawn(batch.number) for batch in to_submit)
            self._waiting.extendleft(reversed(to_submit))
            to_submit.clear()
            self._write([])

    def _is_window_closed(self) -> bool:
        return self._limits.window is not None and not self._limits.window.is_open(now())

    def _stop_where_the_window_closes(self) -> None:
        window, moment = self._limits.window, now()
        if window and self._waiting and not self.stopped_by and not window.is_open(moment):
            self._stop(WindowClosedError(window.opens_at(moment), begun=bool(self._ledger.records)))
