"""The ledger: the durable record of a send's batches, written before a request and after its answer.

It is a log of events in segments, so that one write carries all that a round has to say: the answers since
the last write and the intents of the requests that leave next. Each attempt writes segments of its own; the
record of a batch is what all of them say in order.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_inforu.sending.batch_state import BatchRecord, BatchState, LedgerError, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 1
MAX_SEGMENT_BYTES = 4 * 1024
"""Airflow keeps up to 64 KB in one value of its state store; a smaller one is written faster."""

HEADER = "inforu_ledger"
DAMAGED = "the ledger cannot be read"


class LedgerStore(Protocol):
    """Where a ledger is kept. A method that cannot do its work raises an error of the store's own."""

    is_durable: bool
    """Whether what is written survives the process."""

    def claim(self) -> None:
        """Make this attempt the one that may write; earlier ones fail in `set` from here on."""

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value.

        When this returns, the value survives a crash, and no later attempt has claimed the ledger before it
        was written: a later attempt will see it.
        """


@dataclass(frozen=True, slots=True)
class Header:
    """What a ledger says of its send.

    :ivar send_id: Random, minted on the first try.
    :ivar plan: Digest of what is sent and how, but for the people.
    :ivar batches: How many batches the send has.
    :ivar recipients: How many people they hold.
    :ivar life: What changes with a clear of the task, and with nothing else.
    :ivar attempts: How many attempts there were; each writes segments of its own.
    :ivar version: Of the ledger's form.
    """

    send_id: str
    plan: str
    batches: int
    recipients: int
    life: int
    attempts: int = 0
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class _Segment:
    number: int
    events: list[Any]
    size: int


class Ledger:
    """A send's ledger, opened for one attempt.

    :ivar header: What it says of the send.
    :ivar records: What it knows of each batch that was ever submitted, by number.
    """

    def __init__(self, store: LedgerStore, header: Header, records: dict[int, BatchRecord]) -> None:
        self.header = header
        self.records = records
        self._store = store
        self._segment = _Segment(0, [], 0)
        self._announced = 1
        self._is_behind = False

    def write(self, events: Sequence[list[Any]]) -> None:
        """Write events down, in one write of the store; when a segment is full, in two.

        What an earlier write failed to write goes along.

        :param events: See `Event`.
        :raises LedgerError: An event cannot follow on what was written before.
        """
        if not events and not self._is_behind:
            return
        # A timeout may strike between any two lines; in this order it does no damage.
        records = dict(self.records)
        _replay(records, events)
        self._segment = self._segment_with(events)
        self._is_behind = True
        self.records = records
        if self._segment.number == self._announced:
            self._store.set(_attempt_key(self.header), {"segments": self._segment.number + 1})
            self._announced = self._segment.number + 1
        self._store.set(_segment_key(self.header, self._segment.number), {"events": self._segment.events})
        self._is_behind = False

    def _segment_with(self, events: Sequence[list[Any]]) -> _Segment:
        size = len(json.dumps(events))
        now = self._segment
        # A segment that could not be written yet is not left behind: the next one would come after a gap.
        if not self._is_behind and now.events and now.size + size > MAX_SEGMENT_BYTES:
            return _Segment(now.number + 1, [*events], size)
        return _Segment(now.number, [*now.events, *events], now.size + size)

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


def open_ledger(store: LedgerStore, new: Header, *, resend: bool = False) -> Ledger:
    """Open the ledger of a task instance for this attempt, or begin it.

    :param store: Where it is kept.
    :param new: The send as this attempt would begin it.
    :param resend: Begin a new send where the task was cleared since the send that the ledger holds.
    :raises LedgerError: It cannot be read, was written by a newer version, or does not fit ``new``.
    """
    store.claim()
    found = read_ledger(store)
    if found is None or (resend and new.life != found[0].life):
        return begin_attempt(store, new, {})
    stored, records = found
    return begin_attempt(store, _same_send(stored, new), records)


def read_ledger(store: LedgerStore) -> tuple[Header, dict[int, BatchRecord]] | None:
    """Return what a ledger says of its send and its batches, or None where there is no ledger.

    :param store: Where it is kept.
    :raises LedgerError: It cannot be read, or was written by a newer version.
    """
    header = _read_header(store.get(HEADER))
    if header is None:
        return None
    records: dict[int, BatchRecord] = {}
    for attempt in range(1, header.attempts + 1):
        _replay(records, _read_attempt(store, replace(header, attempts=attempt)))
    return header, records


def begin_attempt(store: LedgerStore, header: Header, records: dict[int, BatchRecord]) -> Ledger:
    """Open a ledger for writing, with segments that no earlier attempt wrote.

    :param store: Where it is kept; it must be claimed.
    :param header: What it says of the send.
    :param records: What it knows of the batches.
    """
    header = replace(header, attempts=header.attempts + 1)
    # In this order: a header promises that its attempts can be read.
    store.set(_attempt_key(header), {"segments": 1})
    store.set(HEADER, asdict(header))
    return Ledger(store, header, records)


def _replay(records: dict[int, BatchRecord], events: Sequence[list[Any]]) -> None:
    for event in events:
        if not isinstance(event, list) or len(event) < 2 or not isinstance(event[1], int):
            raise LedgerError(f"{DAMAGED}: an entry is no event")
        record = apply(records.get(event[1]), event)
        if record is None:
            del records[event[1]]
        else:
            records[event[1]] = record


def _read_header(value: object) -> Header | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("version"), int):
        raise LedgerError(f"{DAMAGED}: its header is none")
    if value["version"] > VERSION:
        raise LedgerError("the ledger was written by a newer version of airflow-provider-inforu")
    try:
        return Header(**value)
    except TypeError:
        raise LedgerError(f"{DAMAGED}: its header is none") from None


def _read_attempt(store: LedgerStore, header: Header) -> list[Any]:
    value = store.get(_attempt_key(header))
    if not isinstance(value, dict) or not isinstance(value.get("segments"), int):
        raise LedgerError(f"{DAMAGED}: attempt {header.attempts} is missing")
    events: list[Any] = []
    for segment in range(value["segments"]):
        stored = store.get(_segment_key(header, segment))
        if stored is None and segment == value["segments"] - 1:
            break  # the attempt ended before it wrote there
        if not isinstance(stored, dict) or not isinstance(stored.get("events"), list):
            raise LedgerError(f"{DAMAGED}: segment {segment} of attempt {header.attempts} is missing")
        events += stored["events"]
    return events


def _same_send(stored: Header, new: Header) -> Header:
    if stored.plan != new.plan:
        raise LedgerError(
            "the ledger belongs to a send with other arguments: function, connection or campaign changed "
            "since the first try, so nothing was sent"
        )
    if (stored.batches, stored.recipients) != (new.batches, new.recipients):
        raise LedgerError(
            f"the recipients changed since the first try: there were {stored.recipients}, and now there are "
            f"{new.recipients}, so nothing was sent"
        )
    return stored


def _attempt_key(header: Header) -> str:
    return f"{HEADER}.{header.send_id}.{header.attempts}"


def _segment_key(header: Header, segment: int) -> str:
    return f"{_attempt_key(header)}.{segment}"
