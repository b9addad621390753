"""The states of a batch, as a state machine without input or output.

A batch without a record was not sent. Each record begins with an intent, before the request leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from airflow_provider_inforu.ledger.ledger_errors import NO_MORE_CALLS, LedgerError, describe_damage
from airflow_provider_inforu.ledger.ledger_events import (
    Accepted,
    IntentLogged,
    LedgerEvent,
    Rejected,
    ResendLogged,
    Withdrawn,
    encode,
)


class BatchState(StrEnum):
    """The state of a batch that has a record."""

    SUBMITTING = "submitting"
    """The intent is logged, and the result is unknown: the request is in flight, or the batch is in doubt."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """The ledger's record of a batch.

    :ivar state: State of the batch.
    :ivar digest: Digest of the batch's calls. It tells whether the recipients changed.
    :ivar request: Name of the request: the attempt that logged the intent, and the intent's index in its log.
    :ivar request_token: The vendor's receipt, after it accepted the batch.
    :ivar campaign_id: The campaign of the calls, after the vendor accepted the batch.
    :ivar reason: The vendor's reason, after it refused the batch.
    :ivar was_in_doubt: Whether the batch was in doubt when this request left. Then a refusal of this request
        does not prove that nobody was called, and the batch is in doubt again.
    :ivar earlier_request: Name of the request before this one, if this one may be lost. A decision that the
        recipients of the earlier request were called still counts.
    """

    state: BatchState
    digest: str
    request: str = ""
    request_token: str | None = None
    campaign_id: int | None = None
    reason: str | None = None
    was_in_doubt: bool = False
    earlier_request: str = ""


def apply(record: BatchRecord | None, event: LedgerEvent, request: str = "") -> BatchRecord | None:
    """Return the record of a batch after an event; None means that the batch was not sent.

    :param record: The record before the event; None means that the batch was not sent.
    :param event: The event.
    :param request: Name of the request, if the event is its intent.
    :raises LedgerError: The event is invalid in the batch's state, so the ledger is damaged.
    """
    match event, record:
        case IntentLogged(_, digest), None:
            return BatchRecord(BatchState.SUBMITTING, digest, request)
        case ResendLogged(_, digest), BatchRecord(BatchState.SUBMITTING):
            return BatchRecord(BatchState.SUBMITTING, digest, request, was_in_doubt=True)
        case Accepted(_, token, campaign), BatchRecord(BatchState.SUBMITTING):
            return replace(record, state=BatchState.ACCEPTED, request_token=token, campaign_id=campaign)
        case Rejected(_, reason), BatchRecord(BatchState.SUBMITTING, was_in_doubt=True):
            return replace(record, reason=reason)
        case Withdrawn(), BatchRecord(BatchState.SUBMITTING, was_in_doubt=True):
            return record
        case Rejected(_, reason), BatchRecord(BatchState.SUBMITTING):
            return replace(record, state=BatchState.REJECTED, reason=reason)
        case Withdrawn(), BatchRecord(BatchState.SUBMITTING):
            return None
    state = "without a record" if record is None else f"in state {record.state}"
    problem = f"the entry {encode(event)!r} is invalid for a batch {state}"
    raise LedgerError(describe_damage(problem, happened=NO_MORE_CALLS))
