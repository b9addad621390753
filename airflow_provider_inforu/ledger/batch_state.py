"""What can become of a batch: one small state machine, with no input or output.

A batch without a record was not sent. Every other state was written down before, or because of, a request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from airflow_provider_inforu.capi.errors import InforuError

DAMAGED = "the ledger cannot be read"


class LedgerError(InforuError):
    """The ledger cannot be read, or does not fit the send: nothing is sent on a guess."""


class DamagedValueError(LedgerError):
    """A value of the ledger is there and cannot be read."""


class LedgerStoreError(InforuError):
    """The store of the ledger failed, or contradicts itself. A retry may find it working."""


class BatchState(StrEnum):
    """The state of a batch that has a record."""

    SUBMITTING = "submitting"
    """Its request was about to leave; without an answer it is in doubt."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Event(StrEnum):
    """What is written down. One letter each: a ledger holds thousands."""

    SUBMIT = "s"
    """The request is about to leave: number, digest."""
    ACCEPT = "a"
    """The vendor accepted it, or a person says so: number, RequestToken, campaign."""
    REJECT = "r"
    """The vendor refused it for good: number, reason."""
    WITHDRAW = "w"
    """It is proven, or a person says, that nobody was called: number. It may be sent (again)."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """What the ledger knows of a batch.

    :ivar state: Its state.
    :ivar digest: Of its calls, to tell whether the recipients changed.
    :ivar request: Names its request: the attempt that wrote the intent down, and where in its log.
    :ivar request_token: The vendor's receipt, once accepted.
    :ivar campaign_id: The campaign, once accepted.
    :ivar reason: The vendor's, once rejected.
    """

    state: BatchState
    digest: str
    request: str = ""
    request_token: str | None = None
    campaign_id: int | None = None
    reason: str | None = None


def apply(record: BatchRecord | None, event: list[Any], request: str = "") -> BatchRecord | None:
    """Return what an event makes of a batch's record; None is "not sent".

    :param record: The record before.
    :param event: A letter of `Event`, the batch's number, and what belongs to it.
    :param request: Names the request, where the event is its intent.
    :raises LedgerError: The event cannot follow on that state: the ledger is damaged.
    """
    match event, record:
        case [Event.SUBMIT, _, str(digest)], None:
            return BatchRecord(BatchState.SUBMITTING, digest, request)
        case [Event.ACCEPT, _, token, campaign], BatchRecord(BatchState.SUBMITTING):
            return replace(record, state=BatchState.ACCEPTED, request_token=token, campaign_id=campaign)
        case [Event.REJECT, _, str(reason)], BatchRecord(BatchState.SUBMITTING):
            return replace(record, state=BatchState.REJECTED, reason=reason)
        case [Event.WITHDRAW, _], BatchRecord(BatchState.SUBMITTING):
            return None
    state = "no record" if record is None else f"state {record.state}"
    raise LedgerError(f"{DAMAGED}: the entry {event!r} cannot follow on a batch with {state}")


def read_batch_number(event: object) -> int:
    """Return the number of the batch that an event is about.

    :param event: As it is stored.
    :raises LedgerError: It is not an event.
    """
    if isinstance(event, list) and len(event) >= 2 and isinstance(event[1], int):
        return event[1]
    raise LedgerError(f"{DAMAGED}: an entry is not an event")
