"""The ledger: the durable record of a send's batches, written before a request and after its answer.

It is a log of events, so that one write carries all that a round has to say: the answers since the last write
and the intents of the requests that leave next. Each attempt has a document and segments of events of its
own, under a name that no other attempt has. Its document names the attempt before it, and how much of that
one's log it has read. So what an attempt writes that was given up meanwhile changes nothing.
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
from airflow_provider_inforu.ledger.damage import UNREADABLE
from airflow_provider_inforu.ledger.decisions import read_decided
from airflow_provider_inforu.ledger.ledger_errors import LedgerError, LedgerStoreError
from airflow_provider_inforu.ledger.ledger_events import Withdrawn, encode
from airflow_provider_inforu.ledger.ledger_keys import attempt_key, begins_parts, opening_key, segment_key
from airflow_provider_inforu.ledger.ledger_reader import (
    VERSION,
    Content,
    DamagedHeaderError,
    Header,
    ReadableStore,
    read_content,
    replay,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.ledger.ledger_events import LedgerEvent

log = logging.getLogger(__name__)

MAX_SEGMENT_BYTES = 4 * 1024
"""Airflow keeps up to 64 KB in one value of its state store; a smaller one is written faster."""
MAX_WRITE_BYTES = 32 * 1024
"""More than one round says, unless the vendor's reasons are long."""


class LedgerStore(ReadableStore, Protocol):
    """Where a ledger is kept, for the attempt that writes it."""

    is_durable: bool
    """Whether what is written survives the process."""

    @property
    def ambiguous_write_threshold(self) -> float:
        """A write that took longer may have been sent more than once. Its first copy may then land late."""

    def acquire_fencing_token(self) -> str:
        """Make this attempt the one that may write; earlier ones fail in `set` from here on.

        :return: The attempt's name, which no other attempt has and which sorts after all earlier ones.
        """

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value.

        When this returns, the value survives a crash, and no later attempt has claimed the ledger before it
        was written: a later attempt will see it.
        """


@dataclass(frozen=True, slots=True)
class Position:
    """How far the log of an attempt was read.

    :ivar attempt: Its name.
    :ivar events: How many of its events; what it writes later does not count.
    """

    attempt: str
    events: int


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of an attempt's log, as it is kept.

    :ivar number: Counts from 0.
    :ivar start: The place of its first event in the log.
    :ivar events: Its events.
    :ivar size: Of the events, in bytes.
    """

    number: int
    start: int
    events: list[Any]
    size: int


class Ledger:
    """A send's ledger, opened for one attempt.

    :ivar header: What it says of the send.
    :ivar records: What it knows of each batch that was ever submitted, by number.
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
        self._unwritten: list[Any] = []
        self._is_closed = False

    def begin(self) -> None:
        """Write the attempt's document. Before it, nothing of the attempt counts."""
        after = self._after and [self._after.attempt, self._after.events]
        self._store.set(attempt_key(self._attempt), {**asdict(self.header), "after": after})

    def write(self, events: Sequence[LedgerEvent]) -> None:
        """Write events down: in one write of the store, as a rule.

        What an earlier write failed to write goes along.

        :param events: The events.
        :raises LedgerError: An event cannot follow on what was written before.
        """
        # A timeout may strike between any two lines: what is known and what is to be written change in one.
        records = dict(self.records)
        start = self._segment.start + len(self._segment.events) + len(self._unwritten)
        replay(records, events, self._attempt, start)
        unwritten = [*self._unwritten, *map(encode, events)]
        self._unwritten, self.records = unwritten, records
        while self._unwritten:
            self._write_part(_first_part(self._unwritten))

    def _write_part(self, part: list[Any]) -> None:
        size = len(json.dumps(part))
        now = self._segment
        if self._is_closed or (now.events and now.size + size > MAX_SEGMENT_BYTES):
            number = self._last_number + 1
            # In this order: a part of the log that was not begun is not looked for.
            if begins_parts(number):
                self._store.set(opening_key(self._attempt, number), {"begun": True})
            self._last_number = number
            segment = _Segment(self._last_number, now.start + len(now.events), [*part], size)
        else:
            segment = _Segment(now.number, now.start, [*now.events, *part], now.size + size)
        # Unless this works, and quickly, a copy of it may land at any time. So the next write goes elsewhere
        # then, and says again what may not have landed.
        self._is_closed = True
        begun = time.monotonic()
        self._store.set(
            segment_key(self._attempt, segment.number), {"start": segment.start, "events": segment.events}
        )
        self._segment, self._unwritten = segment, self._unwritten[len(part) :]
        self._is_closed = time.monotonic() - begun > self._store.ambiguous_write_threshold

    @property
    def is_durable(self) -> bool:
        """Whether a later attempt will be able to read it."""
        return self._store.is_durable

    def in_doubt(self) -> list[int]:
        """Return the numbers of batches whose request left and whose answer is not known."""
        return [number for number, one in self.records.items() if one.state is BatchState.SUBMITTING]

    def accepted(self, number: int) -> BatchRecord | None:
        """Return the record of a batch that was accepted, or None."""
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
    """Open the ledger of a task instance for this attempt, or begin it.

    :param store: Where it is kept.
    :param new: The send as this attempt would begin it.
    :param resend: Begin a new send where the task was cleared since the send that the ledger holds.
    :param may_replace_damaged: Whether a new send may begin next to a ledger whose header is damaged.
    :param expected: The ID of the send that the ledger must hold; None for any, or for no ledger.
    :raises LedgerStoreError: The expected send is not there.
    :raises LedgerError: It cannot be read, was written by a newer version, or does not fit ``new``.
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
            f"The ledger of send {expected} was readable a moment ago and is missing now. {NO_NEW_CALLS}. "
            "Check its storage. A retry looks again"
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
    decided = read_decided(store, found.records)
    ledger.decided_resend = frozenset(event.number for event in decided if isinstance(event, Withdrawn))
    ledger.begin()
    ledger.write([event for event in decided if event.number not in ledger.decided_resend])
    return ledger


def _warn_of_damage(found: Content) -> None:
    if not found.is_damaged:
        return
    lost = sum(record.digest == UNREADABLE for record in found.records.values())
    log.warning(
        "send %s: a part of the ledger cannot be read. %d batches may be in it, so they are in doubt",
        found.header.send_id,
        lost,
    )


def _first_part(events: list[Any]) -> list[Any]:
    """Return as many events as fit in one value."""
    while len(events) > 1 and len(json.dumps(events)) > MAX_WRITE_BYTES:
        events = events[: len(events) // 2]
    return events


def _same_send(stored: Header, new: Header) -> Header:
    if stored.options_digest != new.options_digest:
        raise LedgerError(
            f"Send {stored.send_id} was not continued: the ledger belongs to a send with other arguments "
            "(function, connection, campaign or options). No more calls were placed. Restore the arguments "
            "and clear the task, or send in a new DAG run"
        )
    if has_changed(stored, new):
        raise LedgerError(
            f"Send {stored.send_id} was not continued: the recipients changed since the first try "
            f"({describe_change(stored, new)}). No more calls were placed. Give the same recipients again "
            "and clear the task, or call the remaining recipients in a new DAG run"
        )
    return stored
