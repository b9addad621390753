"""Reading a ledger: the logs of all its attempts, replayed in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_inforu.sending.batch_state import DAMAGED, BatchRecord, LedgerError, apply
from airflow_provider_inforu.sending.decisions import read_decided
from airflow_provider_inforu.sending.ledger_keys import attempt_key, begins_parts, opening_key, segment_key

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 2
"""1 had a mark for each segment; it is read as well."""


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
    :ivar people: Digest of who they are and what they hear.
    :ivar life: What changes with a clear of the task, and with nothing else.
    :ivar began_at: When it began, ISO 8601 in UTC; empty where the ledger does not say.
    :ivar skipped: How many rows were skipped.
    :ivar checksums: Short checksums of the keys, the phones, the texts and the skipped keys, in any order.
    :ivar attempts: How many attempts there were.
    :ivar version: Of the ledger's form.
    """

    send_id: str
    plan: str
    batches: int
    recipients: int
    life: int
    people: str = ""
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
    """

    header: Header
    records: dict[int, BatchRecord]
    attempt: str
    events: int


def read_ledger(store: ReadableStore) -> tuple[Header, dict[int, BatchRecord]] | None:
    """Return what a ledger says of its send and its batches, or None where there is no ledger.

    :param store: Where it is kept.
    :raises LedgerError: It cannot be read, or was written by a newer version.
    """
    try:
        found = read_content(store)
    except LedgerError:
        found = read_content(store)  # a send that goes on meanwhile may begin a part between two looks
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


def _read_chain(store: ReadableStore, name: str) -> Content:
    """Return what an attempt has written, on top of what it had read of those before it."""
    attempts: list[tuple[str, dict[str, Any], int | None]] = []
    position: list[Any] | None = [name, None]
    while position is not None:
        attempt, events = position
        if attempt in (known for known, _, _ in attempts):
            raise LedgerError(f"{DAMAGED}: attempt {attempt} comes before itself")
        document = _read_document(store, attempt)
        attempts.append((attempt, document, events))
        position = document.pop("after")
    records: dict[int, BatchRecord] = {}
    read: list[Any] = []
    for attempt, _, events in reversed(attempts):
        read = _read_events(store, attempt, events)
        replay(records, read, attempt, 0)
    try:
        return Content(Header(**attempts[0][1]), records, name, len(read))
    except TypeError:
        raise LedgerError(f"{DAMAGED}: its header is none") from None


def _read_document(store: ReadableStore, attempt: str) -> dict[str, Any]:
    value = store.get(attempt_key(attempt))
    if not isinstance(value, dict) or not isinstance(value.get("version"), int):
        raise LedgerError(f"{DAMAGED}: attempt {attempt} is missing")
    if value["version"] > VERSION:
        raise LedgerError("the ledger was written by a newer version of airflow-provider-inforu")
    if not _is_position(value.get("after", "")):
        raise LedgerError(f"{DAMAGED}: attempt {attempt} is damaged")
    return dict(value)


def _is_position(value: object) -> bool:
    match value:
        case None | [str(), int()]:
            return True
    return False


def _read_events(store: ReadableStore, attempt: str, wanted: int | None) -> list[Any]:
    """Return the events of an attempt; with a number wanted, so many of them and no fewer.

    A part of the log that failed to be written, or was written slowly, is followed by one that begins where
    the last sure one ended.
    """
    events: list[Any] = []
    number = 0
    while number == 0 or not begins_parts(number) or store.get(opening_key(attempt, number)) is not None:
        stored = store.get(segment_key(attempt, number))
        match stored:
            case None:
                pass  # not written yet; or that failed, so a later one repeats it, or nothing came of it
            case {"start": int(start), "events": list(more)} if start <= len(events):
                events[start:] = more
            case _:
                raise LedgerError(f"{DAMAGED}: part {number} of attempt {attempt} does not fit")
        number += 1
    if store.get(segment_key(attempt, number)) is not None:
        raise LedgerError(f"{DAMAGED}: part {number} of attempt {attempt} was never begun")
    if wanted is not None and len(events) < wanted:
        raise LedgerError(f"{DAMAGED}: attempt {attempt} has lost events that a later one had read")
    return events[:wanted]


def replay(records: dict[int, BatchRecord], events: Sequence[list[Any]], attempt: str, start: int) -> None:
    """Apply events to records, in place.

    :param records: Of the batches, by number.
    :param events: As an attempt wrote them.
    :param attempt: Its name.
    :param start: The place of the first of them in its log.
    :raises LedgerError: An event cannot follow on what was before.
    """
    for place, event in enumerate(events, start):
        if not isinstance(event, list) or len(event) < 2 or not isinstance(event[1], int):
            raise LedgerError(f"{DAMAGED}: an entry is no event")
        record = apply(records.get(event[1]), event, f"{attempt}.{place}")
        if record is None:
            del records[event[1]]
        else:
            records[event[1]] = record
