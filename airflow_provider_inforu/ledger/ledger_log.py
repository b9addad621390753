"""Writes the ledger: an event before each request leaves, and an event for each result.

One write stores several events: the results since the last write, and the intents of the next requests. Each
attempt has its own document and segments. The document names the previous attempt, and the number of events
that were read from its log or may be lost there. Later events of a replaced attempt do not count.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState
from airflow_provider_inforu.ledger.changes import describe_change, has_changed
from airflow_provider_inforu.ledger.damage import MAX_SEGMENT_EVENTS, is_lost
from airflow_provider_inforu.ledger.decisions import read_decided
from airflow_provider_inforu.ledger.ledger_errors import LedgerError, LedgerStoreError
from airflow_provider_inforu.ledger.ledger_events import encode
from airflow_provider_inforu.ledger.ledger_keys import (
    attempt_key,
    begins_segment_group,
    segment_key,
    segment_marker_key,
)
from airflow_provider_inforu.ledger.ledger_reader import (
    VERSION,
    Content,
    DamagedHeaderError,
    Header,
    ReadableStore,
    read_content,
    replay,
)
from airflow_provider_inforu.ledger.newest_segment import NewestSegment, store_newest_segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.ledger.ledger_events import LedgerEvent

log = logging.getLogger(__name__)

MAX_SEGMENT_BYTES = 4 * 1024
"""Airflow's task state stores up to 64 KB in a value. A smaller value is written faster."""
MAX_WRITE_BYTES = 32 * 1024
"""One write of the sender is smaller, unless the vendor's reasons are long."""


class LedgerStore(ReadableStore, Protocol):
    """A store of a ledger, for the attempt that writes it."""

    is_durable: bool
    """Whether values survive the process."""

    @property
    def ambiguous_write_threshold(self) -> float:
        """Seconds. A slower write may have been sent twice, so an old copy may overwrite a later value."""

    def acquire_fencing_token(self) -> str:
        """Let only this attempt write. From now on, `set` of earlier attempts fails.

        :return: The attempt's name. It is unique, and sorts after the names of all earlier attempts.
        """

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value. After the return, it survives a crash, and every later attempt can read it.

        :param key: Key of the value.
        :param value: The value.
        :raises LedgerError: A later attempt has acquired a fencing token.
        """


@dataclass(frozen=True, slots=True)
class Position:
    """How far the log of an attempt was read.

    :ivar attempt: Name of the attempt.
    :ivar events: The number of events that were read or are lost. Later events of the attempt do not count.
    """

    attempt: str
    events: int


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment of an attempt's log, in the form in which it is stored.

    :ivar number: Number of the segment, from 0.
    :ivar start: Index of its first event in the log, from 0.
    :ivar events: Its events.
    :ivar size: Size of its events in bytes.
    """

    number: int
    start: int
    events: list[Any]
    size: int


class Ledger:
    """A send's ledger, opened by one attempt.

    :ivar header: The description of the send.
    :ivar records: The record of each batch that is not unsent, by batch number.
    :ivar decided_resend: The numbers of batches in doubt that a person decided to send again. They stay in
        doubt until they are sent again, because the receiver may know by then that they were called.
    """

    def __init__(
        self,
        store: LedgerStore,
        attempt: str,
        header: Header,
        records: dict[int, BatchRecord],
        after: Position | None = None,
    ) -> None:
        self.header = header
        self.records = records
        self.decided_resend: frozenset[int] = frozenset()
        self._store = store
        self._attempt = attempt
        self._after = after
        self._segment = _Segment(0, 0, [], 0)
        self._last_number = 0
        self._newest_stored = -1
        self._unwritten: list[Any] = []
        self._is_closed = False

    def begin(self) -> None:
        """Write the attempt's document. Without it, no event of the attempt counts."""
        after = self._after and [self._after.attempt, self._after.events]
        self._store.set(attempt_key(self._attempt), {**asdict(self.header), "after": after})

    def write(self, events: Sequence[LedgerEvent]) -> None:
        """Write events, usually in one write of the store. Include the events of earlier failed writes.

        :param events: The events.
        :raises LedgerError: An event is invalid in its batch's state, or a later attempt has begun.
        """
        # A timeout may interrupt any line, so the records and the unwritten events change in one assignment.
        records = dict(self.records)
        start = self._segment.start + len(self._segment.events) + len(self._unwritten)
        replay(records, events, self._attempt, start)
        unwritten = [*self._unwritten, *map(encode, events)]
        self._unwritten, self.records = unwritten, records
        while self._unwritten:
            self._write_some(_take_first(self._unwritten))

    def _write_some(self, entries: list[Any]) -> None:
        size = len(json.dumps(entries))
        now = self._segment
        if self._is_closed or (now.events and now.size + size > MAX_SEGMENT_BYTES):
            number = self._last_number + 1
            # The segment marker comes first: without it, readers do not look for the segment.
            if begins_segment_group(number):
                self._store.set(segment_marker_key(self._attempt, number), {"begun": True})
            self._last_number = number
            segment = _Segment(self._last_number, now.start + len(now.events), [*entries], size)
        else:
            segment = _Segment(now.number, now.start, [*now.events, *entries], now.size + size)
        # If this write fails or is slow, a copy of it may arrive at any later time. So the next write goes to
        # a new segment, and repeats the events whose write is not confirmed.
        self._is_closed = True
        begun = time.monotonic()
        self._store.set(
            segment_key(self._attempt, segment.number), {"start": segment.start, "events": segment.events}
        )
        seconds = time.monotonic() - begun
        if segment.number > self._newest_stored:
            store_newest_segment(self._store.set, NewestSegment(self._attempt, segment.number))
            self._newest_stored = segment.number
        self._segment, self._unwritten = segment, self._unwritten[len(entries) :]
        self._is_closed = seconds > self._store.ambiguous_write_threshold

    @property
    def is_durable(self) -> bool:
        """Whether a later attempt can read the ledger."""
        return self._store.is_durable

    def in_doubt(self) -> list[int]:
        """Return the numbers of the batches with an intent and without a result."""
        return [number for number, record in self.records.items() if record.state is BatchState.SUBMITTING]

    def accepted(self, number: int) -> BatchRecord | None:
        """Return the record of an accepted batch; None if the batch is not accepted."""
        record = self.records.get(number)
        return record if record and record.state is BatchState.ACCEPTED else None


def open_ledger(
    store: LedgerStore,
    new: Header,
    *,
    resend: bool = False,
    may_replace_damaged: bool = False,
    expected: str | None = None,
) -> Ledger:
    """Open the ledger of a task instance for this attempt, or begin a new ledger.

    :param store: The ledger's store.
    :param new: The header that this attempt writes if it begins a new send.
    :param resend: Begin a new send if the task was cleared since the last send. Default: False.
    :param may_replace_damaged: Begin a new send if the ledger's header is damaged. Default: False.
    :param expected: ID of the send that the ledger must contain. None (default): any send, or no ledger.
    :raises LedgerStoreError: The expected send is missing.
    :raises LedgerError: The ledger is damaged, was written by a newer version, or does not match ``new``.
    """
    attempt = store.acquire_fencing_token()
    try:
        found = read_content(store)
    except DamagedHeaderError:
        if not may_replace_damaged:
            raise
        found = None
    if expected and (found is None or found.header.send_id != expected):
        raise LedgerStoreError(
            f"The ledger of send {expected} is missing now, but this try has read it before. {NO_NEW_CALLS}. "
            "Check the storage of the ledger. A retry reads it again"
        )
    if found is None or (resend and new.clear_generation != found.header.clear_generation):
        ledger = Ledger(store, attempt, replace(new, attempts=1), {})
        ledger.begin()
        return ledger
    header = _same_send(found.header, new)
    _warn_of_damage(found)
    ledger = Ledger(
        store,
        attempt,
        replace(header, attempts=header.attempts + 1, version=VERSION),
        found.records,
        after=Position(found.attempt, found.events),
    )
    accepted, to_resend = read_decided(store, found.records)
    ledger.decided_resend = frozenset(to_resend)
    ledger.begin()
    ledger.write(accepted)
    return ledger


def _warn_of_damage(found: Content) -> None:
    if not found.is_damaged:
        return
    records = found.records.values()
    log.warning(
        "send %s: a part of the ledger is missing or cannot be read. So %d batches that it may contain are "
        "in doubt. Settle them as other batches in doubt",
        found.header.send_id,
        sum(record.state is BatchState.SUBMITTING and is_lost(record) for record in records),
    )


def _take_first(events: list[Any]) -> list[Any]:
    """Return the first events, as many as fit in one value."""
    while len(events) > MAX_SEGMENT_EVENTS or (len(events) > 1 and len(json.dumps(events)) > MAX_WRITE_BYTES):
        events = events[: len(events) // 2]
    return events


def _same_send(stored: Header, new: Header) -> Header:
    if stored.options_digest != new.options_digest:
        raise LedgerError(
            f"Send {stored.send_id} was not continued: the ledger belongs to a send with other arguments "
            f"(function, connection, campaign or options). {NO_NEW_CALLS}. Restore the arguments and clear "
            "the task, or call the remaining recipients in a new DAG run"
        )
    if has_changed(stored, new):
        raise LedgerError(
            f"Send {stored.send_id} was not continued: the recipients changed since the first try "
            f"({describe_change(stored, new)}). {NO_NEW_CALLS}. Pass the same recipients again and clear "
            "the task, or call the remaining recipients in a new DAG run"
        )
    return stored
