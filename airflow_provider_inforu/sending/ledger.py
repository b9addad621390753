"""The ledger: the durable record of a send's batches, written before a request and after its answer.

It is a log of events, so that one write carries all that a round has to say: the answers since the last write
and the intents of the requests that leave next. Each attempt has a document and segments of events of its
own, under a name that no other attempt has. Its document names the attempt before it, and how much of that
one's log it has read. So what an attempt writes that was given up meanwhile changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_inforu.sending.batch_state import (
    DAMAGED,
    BatchRecord,
    BatchState,
    LedgerError,
    apply,
)
from airflow_provider_inforu.sending.decisions import applicable, read_decisions
from airflow_provider_inforu.sending.ledger_keys import attempt_key, segment_key

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 1
MAX_SEGMENT_BYTES = 4 * 1024
"""Airflow keeps up to 64 KB in one value of its state store; a smaller one is written faster."""


class ReadableStore(Protocol):
    """Where a ledger is kept, for who reads it. A method that fails raises an error of the store's own."""

    def latest(self) -> str | None:
        """Return the name of the last attempt that wrote its document; None where there is no ledger."""

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""


class LedgerStore(ReadableStore, Protocol):
    """Where a ledger is kept, for the attempt that writes it."""

    is_durable: bool
    """Whether what is written survives the process."""

    def claim(self) -> str:
        """Make this attempt the one that may write; earlier ones fail in `set` from here on.

        :return: The attempt's name, which no other attempt has and which sorts after all earlier ones.
        """

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
    :ivar attempts: How many attempts there were.
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
class Position:
    """How far the log of an attempt was read.

    :ivar attempt: Its name.
    :ivar events: How many of its events; what it writes later does not count.
    """

    attempt: str
    events: int


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
        self._store = store
        self._attempt = attempt
        self._after = after
        self._segment = _Segment(0, [], 0)
        self._announced = 1
        self._is_behind = False

    def begin(self) -> None:
        """Write the attempt's document. Before it, nothing of the attempt counts."""
        self._write_document(segments=1)

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
        _replay(records, events, self._attempt)
        self._segment = self._segment_with(events)
        self._is_behind = True
        self.records = records
        if self._segment.number == self._announced:
            self._write_document(segments=self._segment.number + 1)
            self._announced = self._segment.number + 1
        self._store.set(segment_key(self._attempt, self._segment.number), {"events": self._segment.events})
        self._is_behind = False

    def _write_document(self, *, segments: int) -> None:
        after = self._after and [self._after.attempt, self._after.events]
        document = {**asdict(self.header), "after": after, "segments": segments}
        self._store.set(attempt_key(self._attempt), document)

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
    attempt = store.claim()
    name = store.latest()
    found = _read_chain(store, name) if name else None
    if name is None or found is None or (resend and new.life != found.header.life):
        ledger = Ledger(store, attempt, replace(new, attempts=1), {})
        ledger.begin()
        return ledger
    header = _same_send(found.header, new)
    ledger = Ledger(
        store,
        attempt,
        replace(header, attempts=header.attempts + 1),
        found.records,
        after=Position(name, found.events),
    )
    decided = applicable(read_decisions(store, header.send_id), found.records)
    ledger.begin()
    ledger.write(decided)
    return ledger


def read_ledger(store: ReadableStore) -> tuple[Header, dict[int, BatchRecord]] | None:
    """Return what a ledger says of its send and its batches, or None where there is no ledger.

    :param store: Where it is kept.
    :raises LedgerError: It cannot be read, or was written by a newer version.
    """
    name = store.latest()
    if name is None:
        return None
    found = _read_chain(store, name)
    _replay(found.records, applicable(read_decisions(store, found.header.send_id), found.records), name)
    return found.header, found.records


@dataclass(frozen=True, slots=True)
class _Content:
    header: Header
    records: dict[int, BatchRecord]
    events: int


def _read_chain(store: ReadableStore, name: str) -> _Content:
    """Return what an attempt has written, on top of what it had read of those before it."""
    attempts: list[tuple[str, dict[str, Any], int | None]] = []
    position: list[Any] | None = [name, None]
    while position is not None:
        attempt, events = position
        document = _read_document(store, attempt)
        attempts.append((attempt, document, events))
        position = document.pop("after")
    records: dict[int, BatchRecord] = {}
    read: list[Any] = []
    for attempt, document, events in reversed(attempts):
        read = _read_events(store, attempt, document.pop("segments"), events)
        _replay(records, read, attempt)
    try:
        return _Content(Header(**attempts[0][1]), records, len(read))
    except TypeError:
        raise LedgerError(f"{DAMAGED}: its header is none") from None


def _read_document(store: ReadableStore, attempt: str) -> dict[str, Any]:
    value = store.get(attempt_key(attempt))
    if not isinstance(value, dict) or not isinstance(value.get("version"), int):
        raise LedgerError(f"{DAMAGED}: attempt {attempt} is missing")
    if value["version"] > VERSION:
        raise LedgerError("the ledger was written by a newer version of airflow-provider-inforu")
    after = value.get("after", "")
    if not isinstance(value.get("segments"), int) or not _is_position(after):
        raise LedgerError(f"{DAMAGED}: attempt {attempt} is damaged")
    return dict(value)


def _is_position(value: object) -> bool:
    match value:
        case None | [str(), int()]:
            return True
    return False


def _read_events(store: ReadableStore, attempt: str, segments: int, wanted: int | None) -> list[Any]:
    """Return the events of an attempt; with a number wanted, so many of them and no fewer."""
    events: list[Any] = []
    for segment in range(segments):
        if wanted is not None and len(events) >= wanted:
            break
        stored = store.get(segment_key(attempt, segment))
        if stored is None and segment == segments - 1:
            break  # the attempt ended before it wrote there
        if not isinstance(stored, dict) or not isinstance(stored.get("events"), list):
            raise LedgerError(f"{DAMAGED}: segment {segment} of attempt {attempt} is missing")
        events += stored["events"]
    if wanted is not None and len(events) < wanted:
        raise LedgerError(f"{DAMAGED}: attempt {attempt} has lost events that a later one had read")
    return events[:wanted]


def _replay(records: dict[int, BatchRecord], events: Sequence[list[Any]], attempt: str) -> None:
    for event in events:
        if not isinstance(event, list) or len(event) < 2 or not isinstance(event[1], int):
            raise LedgerError(f"{DAMAGED}: an entry is no event")
        record = apply(records.get(event[1]), event, attempt)
        if record is None:
            del records[event[1]]
        else:
            records[event[1]] = record


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
