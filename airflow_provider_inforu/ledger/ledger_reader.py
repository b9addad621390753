"""Reads a ledger: replays the logs of its attempts in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.ledger.batch_state import BatchRecord, apply
from airflow_provider_inforu.ledger.damage import (
    LOST,
    MAX_SEGMENT_EVENTS,
    LogEntry,
    are_readable,
    replay_damaged,
)
from airflow_provider_inforu.ledger.decisions import read_decided
from airflow_provider_inforu.ledger.ledger_errors import DamagedValueError, LedgerError, describe_damage
from airflow_provider_inforu.ledger.ledger_events import decode
from airflow_provider_inforu.ledger.ledger_keys import (
    attempt_key,
    begins_segment_group,
    segment_key,
    segment_marker_key,
)
from airflow_provider_inforu.ledger.newest_segment import read_newest_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_inforu.ledger.ledger_events import LedgerEvent

VERSION = 3
"""The version of the format that this package writes. It reads no newer one."""


class ReadableStore(Protocol):
    """A store of a ledger, for readers. If it fails, its methods raise the store's own errors."""

    def latest(self) -> str | None:
        """Return the name of the last attempt that wrote its document; None without a ledger.

        If the document is lost, the newest segment still names the attempt.
        """

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return the value of a key; None if it is missing."""


@dataclass(frozen=True, slots=True)
class Header:
    """The description of a send in its ledger.

    :ivar send_id: Random ID, made in the first try.
    :ivar options_digest: Digest of the function, the connection and the options, without the recipients.
    :ivar batches: The number of batches.
    :ivar recipients: The number of recipients in these batches.
    :ivar clear_generation: A number that changes only when the task instance is cleared.
    :ivar recipients_digest: Digest of the recipients' keys, phones and texts.
    :ivar attempts: The number of attempts.
    :ivar version: Version of the ledger's format.
    :ivar began_at: Start of the send, ISO 8601 in UTC. Empty if it is unknown.
    :ivar skipped: The number of skipped rows.
    :ivar checksums: Short checksums of the keys, the phones, the texts and the keys of skipped rows. They do
        not depend on the order of the rows.
    """

    send_id: str
    options_digest: str
    batches: int
    recipients: int
    clear_generation: int
    recipients_digest: str = ""
    attempts: int = 0
    version: int = VERSION
    began_at: str = ""
    skipped: int = 0
    checksums: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a ledger, without decisions that no attempt has read yet.

    :ivar header: The description of the send.
    :ivar records: The records of its batches, by batch number.
    :ivar attempt: Name of the last attempt.
    :ivar events: The number of events of the last attempt, with all that may be lost.
    :ivar is_damaged: Whether a part is unreadable. Each batch that may be in this part is in doubt.
    """

    header: Header
    records: dict[int, BatchRecord]
    attempt: str
    events: int
    is_damaged: bool = False


_HOW_TO_BEGIN_AGAIN = (
    "Earlier tries may have called people: look at the send in the Inforu portal. Restore the ledger and "
    "clear the task. If everybody was called, mark the task as success. To call everybody again, set "
    "resend=True and clear the task"
)


class DamagedHeaderError(LedgerError):
    """The document of the last attempt is damaged, so the header of the send is unknown."""


def read_ledger(store: ReadableStore) -> tuple[Header, dict[int, BatchRecord]] | None:
    """Return the header and the records of a ledger, with all decisions; None without a ledger.

    :param store: The ledger's store.
    :raises LedgerError: The ledger is damaged, or was written by a newer version.
    """
    found = read_content(store)
    if found is None:
        return None
    accepted, to_resend = read_decided(store, found.records)
    replay(found.records, accepted, found.attempt, found.events)
    for number in to_resend:
        del found.records[number]
    return found.header, found.records


def read_content(store: ReadableStore) -> Content | None:
    """Return the content of a ledger, without new decisions; None without a ledger.

    :param store: The ledger's store.
    :raises LedgerError: The ledger is damaged, or was written by a newer version.
    """
    found = None
    for _ in range(2):
        if (name := store.latest()) is None:
            return None
        # A segment that a running send begins between two reads looks like damage. And a read may fail once.
        if not (found := _read_chain(store, name)).is_damaged:
            break
    return found


@dataclass(frozen=True, slots=True)
class _Link:
    """An attempt in the chain of attempts.

    :ivar attempt: Name of the attempt.
    :ivar wanted: The number of its events that the next attempt has read or found lost. None: all count.
    :ivar is_orphan: Whether the previous attempts are unknown, because its document is damaged.
    :ivar is_first: Whether its document names no previous attempt.
    """

    attempt: str
    wanted: int | None
    is_orphan: bool
    is_first: bool


def _read_chain(store: ReadableStore, name: str) -> Content:
    """Return the content of a ledger whose last attempt has this name."""
    header, links = _read_links(store, name)
    newest = read_newest_segment(store.get)
    records: dict[int, BatchRecord] = {}
    is_damaged = False
    read: list[LogEntry] = []
    for link in links:
        written = newest.number if newest and newest.attempt == link.attempt else -1
        read = _read_events(store, link.attempt, link.wanted, written)
        is_damaged = is_damaged or link.is_orphan or not _replay_whole(records, read, link)
        if is_damaged:
            replay_damaged(records, read, link.attempt, header.batches, is_orphan=link.is_orphan)
    return Content(header, records, name, len(read), is_damaged)


def _replay_whole(records: dict[int, BatchRecord], events: Sequence[LogEntry], link: _Link) -> bool:
    """Apply the events of an attempt, and return whether all are readable and match the logs before them.

    They may not match if the attempt ran while a part of an earlier log was lost that is restored now.
    """
    if not are_readable(events):
        return False
    result = dict(records)
    try:
        replay(result, events, link.attempt, 0)
    except LedgerError:
        if link.is_first:
            raise
        return False
    records.clear()
    records.update(result)
    return True


def _read_links(store: ReadableStore, name: str) -> tuple[Header, list[_Link]]:
    """Return the header of the last attempt, and the chain of attempts from the first to the last."""
    try:
        newest = _read_document(store, name)
        position = newest.pop("after")
        header = Header(**newest)
    except (DamagedValueError, TypeError) as error:
        problem = f"the document of attempt {name} is missing or damaged"
        raise DamagedHeaderError(describe_damage(problem, advice=_HOW_TO_BEGIN_AGAIN)) from error
    links = [_Link(name, None, is_orphan=False, is_first=position is None)]
    while position is not None:
        attempt, events = position
        if attempt in (link.attempt for link in links):
            raise LedgerError(describe_damage(f"attempt {attempt} is its own predecessor"))
        try:
            position, is_orphan = _read_document(store, attempt)["after"], False
        except DamagedValueError:
            position, is_orphan = None, True
        links.append(_Link(attempt, events, is_orphan, is_first=position is None))
    return header, links[::-1]


def _read_document(store: ReadableStore, attempt: str) -> dict[str, Any]:
    value = store.get(attempt_key(attempt))
    if not isinstance(value, dict) or not isinstance(value.get("version"), int):
        raise DamagedValueError(f"The document of attempt {attempt} is missing")
    if value["version"] > VERSION:
        raise LedgerError(
            f"The ledger was written by a newer version of airflow-provider-inforu. {NO_NEW_CALLS}. Install "
            "this version on all workers, then clear the task"
        )
    match value.get("after", ""):
        case None | [str(), int()]:
            return dict(value)
    raise DamagedValueError(f"The document of attempt {attempt} is damaged")


def _read_events(store: ReadableStore, attempt: str, wanted: int | None, written: int) -> list[LogEntry]:
    """Return the events of an attempt.

    After a failed or slow write, the next segment begins at the first event whose write was not confirmed. So
    each segment shows how many events before it are lost. After the last one, this number is unknown: then
    each lost segment counts as the largest possible number of lost events.

    :param store: The ledger's store.
    :param attempt: Name of the attempt.
    :param wanted: Return exactly this number of events. None: return all events.
    :param written: Number of the last segment that was surely written; -1 if it is unknown.
    """
    events: list[Any] = []
    number = lost_segments = 0
    while number <= max(written, 0) or not begins_segment_group(number) or _is_begun(store, attempt, number):
        try:
            stored = store.get(segment_key(attempt, number))
        except DamagedValueError:
            stored = LOST
        match stored:
            case None if number > written:
                # Not written yet, or its write failed: then a later segment repeats its events.
                pass
            case {"start": int(start), "events": list(more)}:
                lost_segments = 0
                events.extend([LOST] * (start - len(events)))
                events[start:] = more
            case _:
                lost_segments += 1
        number += 1
    events.extend([LOST] * (lost_segments * MAX_SEGMENT_EVENTS))
    if wanted is not None:
        events = [*events[:wanted], *[LOST] * (wanted - len(events))]
    return [entry if entry == LOST else decode(entry) for entry in events]


def _is_begun(store: ReadableStore, attempt: str, segment: int) -> bool:
    """Return whether the group of a segment was begun: its segment marker or the segment exists."""
    return exists(store.get, segment_marker_key(attempt, segment)) or exists(
        store.get, segment_key(attempt, segment)
    )


def exists(get: Callable[[str], Any], key: str) -> bool:
    """Return whether a value exists, readable or damaged.

    :param get: Reads a value of the ledger's store.
    :param key: Key of the value.
    """
    try:
        return get(key) is not None
    except DamagedValueError:
        return True


def replay(records: dict[int, BatchRecord], events: Sequence[LedgerEvent], attempt: str, start: int) -> None:
    """Apply events to the records of batches, in place.

    :param records: The records, by batch number.
    :param events: Events of an attempt, in the order of its log.
    :param attempt: Name of the attempt.
    :param start: Index of the first event in the attempt's log, from 0.
    :raises LedgerError: An event is invalid in the batch's state.
    """
    for index, event in enumerate(events, start):
        number = event.number
        record = apply(records.get(number), event, f"{attempt}.{index}")
        if record is None:
            del records[number]
        else:
            records[number] = record
