"""Replays a damaged log. No batch counts as unsent if a lost event may have submitted it.

1. Events that are readable count as they are, whatever state the lost events may have left.
2. One of the lost events can have submitted a withdrawn batch again. So only a withdrawal after the last lost
   event proves that a batch was not sent.
3. An attempt submits batches for the first time in ascending order. So lost events can only be about the next
   batches after the highest one submitted before them, as many as there are lost events.
4. Every batch that a lost event may have submitted is in doubt.
5. A lost part may be restored after a person settled its batches. Then later events may not match the state
   of a batch. An accepted batch stays accepted. A rejected batch can become accepted, or be sent again.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, TypeGuard

from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState, apply
from airflow_provider_inforu.ledger.ledger_events import (
    Accepted,
    IntentLogged,
    LedgerEvent,
    ResendLogged,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LOST: Final = "lost"
"""Replaces one unreadable event in a log."""
LogEntry = LedgerEvent | Literal["lost"]
MAX_SEGMENT_EVENTS = 32 * 1024 // 27
"""The most events in one segment. So many of the shortest intents have 32 KB."""
UNREADABLE = "unreadable"
"""The digest of a batch that a lost event may have submitted."""


def are_readable(events: Sequence[LogEntry]) -> TypeGuard[Sequence[LedgerEvent]]:
    """Return whether all events of a log are readable.

    :param events: The log.
    """
    return not any(isinstance(event, str) for event in events)


def replay_damaged(
    records: dict[int, BatchRecord],
    events: Sequence[LogEntry],
    attempt: str,
    batches: int,
    *,
    is_orphan: bool = False,
) -> None:
    """Apply the readable events of an attempt. Mark each batch in doubt that a lost event may have submitted.

    :param records: The records of the batches, by batch number. They change in place.
    :param events: The attempt's log, with `LOST` for unreadable events.
    :param attempt: Name of the attempt.
    :param batches: The number of batches of the send.
    :param is_orphan: Whether the earlier attempts are lost, with an unknown number of events.
    :raises LedgerError: An event is invalid in the batch's state.
    """
    unsent: set[int] = set()
    inherited = [number for number, record in records.items() if record.state is BatchState.SUBMITTING]
    highest, lost = 0, batches if is_orphan else 0
    highest_before_loss = 0 if is_orphan else None
    is_after_loss = False
    for position, event in enumerate(events):
        if isinstance(event, str):
            lost += 1
            if is_after_loss:
                continue
            is_after_loss = True
            unsent.clear()
            _doubt_again(records, inherited, attempt)
            highest_before_loss = highest if highest_before_loss is None else highest_before_loss
            continue
        is_after_loss = False
        number = event.number
        highest = max(highest, number)
        _apply_after_loss(records, event, f"{attempt}.{position}")
        if number in records:
            unsent.discard(number)
        else:
            unsent.add(number)
    if highest_before_loss is None:
        return
    candidates = [n for n in range(1, batches + 1) if n not in records and n not in unsent]
    beyond = (n for n in candidates if n > highest_before_loss)
    doubtful = [*(n for n in candidates if n <= highest_before_loss), *islice(beyond, lost)]
    for number in doubtful:
        records[number] = BatchRecord(BatchState.SUBMITTING, UNREADABLE, _lost_request(attempt, number))


def _doubt_again(records: dict[int, BatchRecord], inherited: Sequence[int], attempt: str) -> None:
    """Mark that a lost event may have sent each batch again that was in doubt before this attempt.

    That may be a new request. So a decision to send the earlier one again does not count for it.
    """
    for number in inherited:
        if number in records and records[number].state is BatchState.SUBMITTING:
            known = records[number]
            records[number] = replace(
                known,
                was_in_doubt=True,
                request=_lost_request(attempt, number),
                earlier_request=known.request,
            )


def _lost_request(attempt: str, number: int) -> str:
    """Return the name of a request that a lost event of an attempt may have logged."""
    return f"{attempt}.{LOST}.{number}"


def is_lost(record: BatchRecord) -> bool:
    """Return whether a lost event may have logged the intent of a batch.

    :param record: The record of the batch.
    """
    return record.digest == UNREADABLE or f".{LOST}." in record.request


def _apply_after_loss(records: dict[int, BatchRecord], event: LedgerEvent, request: str) -> None:
    """Apply an event, although a lost event may have changed the batch's state before it."""
    known = records.get(event.number) or BatchRecord(BatchState.SUBMITTING, UNREADABLE, request)
    before: BatchRecord | None = known
    match event:
        case IntentLogged() if known.state is BatchState.SUBMITTING:
            before = None
        case IntentLogged():
            pass
        case _ if known.state is BatchState.ACCEPTED:
            return
        case Accepted() | ResendLogged():
            before = replace(known, state=BatchState.SUBMITTING)
    after = apply(before, event, request)
    if after is not None and known.was_in_doubt:
        after = replace(after, was_in_doubt=True)
    if after is None:
        records.pop(event.number, None)
    else:
        records[event.number] = after
