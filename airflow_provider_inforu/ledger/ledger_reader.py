"""Reading a ledger: the logs of all its attempts, replayed in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_inforu.ledger.batch_state import BatchRecord, apply
from airflow_provider_inforu.ledger.damage import LOST, LOST_SEGMENT, LogEntry, are_readable, replay_damaged
from airflow_provider_inforu.ledger.decisions import read_decided
from airflow_provider_inforu.ledger.ledger_errors import DAMAGED, DamagedValueError, LedgerError
from airflow_provider_inforu.ledger.ledger_events import decode
from airflow_provider_inforu.ledger.ledger_keys import attempt_key, begins_parts, opening_key, segment_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_inforu.ledger.ledger_events import LedgerEvent

VERSION = 3
"""The version of the format that this package writes. It reads no newer one."""


class ReadableStore(Protocol):
    """Where a ledger is kept, for who reads it. A method that fails raises an error of the store's own."""

    def latest(self) -> str | None:
        """Return the name of the last attempt that wrote its document; None where there is no ledger."""

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a ledger says of its send.

    :ivar send_id: Random, minted on the first try.
    :ivar plan: Digest of what is sent and how, but for the people.
    :ivar batches: How many batches the send has.
    :ivar recipients: How many people they hold.
    :ivar recipients_digest: Digest of their keys, phones and texts.
    :ivar life: What changes with a clear of the task, and with nothing else.
    :ivar began_at: When it began, ISO 8601 in UTC; empty where the ledger does not say.
    :ivar skipped: How many rows were skipped.
    :ivar checksums: Short checksums of the keys, the phones, the texts and the skipped keys, in any order.
    :ivar attempts: How many attempts there were.
    :ivar version: Of the ledger's form.
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
    """What a ledger says, without what people decided since.

    :ivar header: Of the send.
    :ivar records: Of its batches, by number.
    :ivar attempt: The attempt that began last.
    :ivar events: How many events it has written.
    :ivar is_damaged: Whether a part of it cannot be read. Each batch that may be in it is in doubt.
    """

    header: Header
    records: dict[int, BatchRecord]
    attempt: str
    events: int
    is_damaged: bool = False


class DamagedHeaderError(LedgerError):
    """The document of the last attempt cannot be read, and without it nothing is known of the send."""


def read_ledger(store: ReadableStore) -> tuple[Header, dict[int, BatchRecord]] | None:
    """Return what a ledger says of its send and its batches, or None where there is no ledger.

    :param store: Where it is kept.
    :raises LedgerError: It cannot be read, or was written by a newer version.
    """
    found = read_content(store)
    if found is not None and found.is_damaged:
        found = read_content(store)  # a send that still runs may have begun a part between two looks
    if found is None:
        return None
    replay(found.records, read_decided(store, found.records), found.attempt, found.events)
    return found.header, found.records


def read_content(store: ReadableStore) -> Content | None:
    """Return what the attempts have written, or None where there is no ledger.

    :param store: Where it is kept.
    :raises LedgerError: It cannot be read, or was written by a newer version.
    """
    name = store.latest()
    return None if name is None else _read_chain(store, name)


@dataclass(frozen=True, slots=True)
class _Link:
    """An attempt in the chain of attempts.

    :ivar attempt: Its name.
    :ivar wanted: How many of its events the next attempt had read; None for all.
    :ivar is_orphan: Whether the attempts before it are unknown, because its document cannot be read.
    """

    attempt: str
    wanted: int | None
    is_orphan: bool


def _read_chain(store: ReadableStore, name: str) -> Content:
    """Return what an attempt has written, on top of what it had read of those before it."""
    header, links = _read_links(store, name)
    records: dict[int, BatchRecord] = {}
    is_damaged = False
    read: list[LogEntry] = []
    for link in links:
        read = _read_events(store, link.attempt, link.wanted)
        if not is_damaged and not link.is_orphan and are_readable(read):
            replay(records, read, link.attempt, 0)
        else:
            is_damaged = True
            replay_damaged(records, read, link.attempt, header.batches, is_orphan=link.is_orphan)
    return Content(header, records, name, len(read), is_damaged)


def _read_links(store: ReadableStore, name: str) -> tuple[Header, list[_Link]]:
    """Return the header of the last attempt, and the chain of attempts, the first one first."""
    try:
        newest = _read_document(store, name)
        position = newest.pop("after")
        header = Header(**newest)
    except (DamagedValueError, TypeError) as error:
        raise DamagedHeaderError(f"{DAMAGED}: the document of attempt {name} is damaged") from error
    links = [_Link(name, None, is_orphan=False)]
    while position is not None:
        attempt, events = position
        if attempt in (link.attempt for link in links):
            raise LedgerError(f"{DAMAGED}: attempt {attempt} comes before itself")
        try:
            position, is_orphan = _read_document(store, attempt)["after"], False
        except DamagedValueError:
            position, is_orphan = None, True
        links.append(_Link(attempt, events, is_orphan=is_orphan))
    return header, links[::-1]


def _read_document(store: ReadableStore, attempt: str) -> dict[str, Any]:
    value = store.get(attempt_key(attempt))
    if not isinstance(value, dict) or not isinstance(value.get("version"), int):
        raise DamagedValueError(f"{DAMAGED}: the document of attempt {attempt} is missing")
    if value["version"] > VERSION:
        raise LedgerError("the ledger was written by a newer version of airflow-provider-inforu")
    match value.get("after", ""):
        case None | [str(), int()]:
            return dict(value)
    raise DamagedValueError(f"{DAMAGED}: the document of attempt {attempt} is damaged")


def _read_events(store: ReadableStore, attempt: str, wanted: int | None) -> list[LogEntry]:
    """Return the events of an attempt; with a number wanted, so many of them and no fewer.

    A part of the log that failed to be written, or was written slowly, is followed by one that begins where
    the last sure one ended.
    """
    events: list[Any] = []
    number = 0
    while number == 0 or not begins_parts(number) or _is_begun(store, attempt, number):
        try:
            stored = store.get(segment_key(attempt, number))
        except DamagedValueError:
            stored = LOST_SEGMENT
        match stored:
            case None:
                pass  # not written yet; or that failed, so a later one repeats it, or nothing came of it
            case {"start": int(start), "events": list(more)}:
                while events and events[-1] == LOST_SEGMENT:
                    events.pop()  # this segment says how many events are lost
                events.extend([LOST] * (start - len(events)))
                events[start:] = more
            case _:
                events.append(LOST_SEGMENT)
        number += 1
    if wanted is not None:
        events = [*events[:wanted], *[LOST] * (wanted - len(events))]
    return [entry if entry in (LOST, LOST_SEGMENT) else decode(entry) for entry in events]


def _is_begun(store: ReadableStore, attempt: str, segment: int) -> bool:
    """Return whether a group of segments was begun. Its mark may be lost, and the segment still there."""
    return exists(store.get, opening_key(attempt, segment)) or exists(
        store.get, segment_key(attempt, segment)
    )


def exists(get: Callable[[str], Any], key: str) -> bool:
    """Return whether there is a value, readable or not.

    :param get: Reads a value.
    :param key: Of the value.
    """
    try:
        return get(key) is not None
    except DamagedValueError:
        return True


def replay(records: dict[int, BatchRecord], events: Sequence[LedgerEvent], attempt: str, start: int) -> None:
    """Apply events to records, in place.

    :param records: Of the batches, by number.
    :param events: As an attempt wrote them.
    :param attempt: Its name.
    :param start: The place of the first of them in its log.
    :raises LedgerError: An event cannot follow on what was before.
    """
    for place, event in enumerate(events, start):
        number = event.number
        record = apply(records.get(number), event, f"{attempt}.{place}")
        if record is None:
            del records[number]
        else:
            records[number] = record
