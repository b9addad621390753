"""Decisions of people about batches in doubt. They are stored next to the logs of the attempts.

A decision applies to one request, and its key contains the request's name. If the batch was sent again in a
later request, the decision has no effect. Attempts never write decisions, so nothing disturbs their logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState
from airflow_provider_inforu.ledger.ledger_errors import LedgerError, describe_damage
from airflow_provider_inforu.ledger.ledger_events import Accepted, LedgerEvent
from airflow_provider_inforu.ledger.ledger_keys import decision_key

if TYPE_CHECKING:
    from collections.abc import Mapping

Choice = Literal["accept", "resend"]


class _Readable(Protocol):
    def get(self, key: str) -> Any: ...  # noqa: ANN401 - a JSON value


class DecisionStore(_Readable, Protocol):
    """A store of a ledger in which a person's decisions can be written."""

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value, without a fencing token."""


def decide(store: DecisionStore, record: BatchRecord, choice: Choice, campaign_id: int | None = None) -> None:
    """Store a decision. It holds until an attempt accepts the batch or sends it again.

    :param store: The ledger's store.
    :param record: The record of a batch in doubt.
    :param choice: ``accept`` counts its recipients as called. ``resend`` lets the next try call them again.
    :param campaign_id: With ``accept``: the campaign of the calls. None if it is unknown.
    """
    # If a lost part of the ledger is restored, the earlier request is the last one again.
    for request in filter(None, (record.request, record.earlier_request)):
        store.put(decision_key(request), {"choice": choice, "campaign_id": campaign_id})


def read_decided(store: _Readable, records: Mapping[int, BatchRecord]) -> tuple[list[LedgerEvent], set[int]]:
    """Return what a person decided about the requests in doubt.

    :param store: The ledger's store.
    :param records: The records of the batches, by batch number.
    :return: An event for each accepted batch, and the numbers of the batches to send again. To send a batch
        again is no event: the batch stays in doubt until its next request leaves.
    :raises LedgerError: A decision is damaged.
    """
    events: list[LedgerEvent] = []
    to_resend: set[int] = set()
    for number, record in records.items():
        if record.state is not BatchState.SUBMITTING:
            continue
        match _read_decision(store, record):
            case None:
                pass
            case {"choice": "accept", "campaign_id": (int() | None) as campaign_id}:
                events.append(Accepted(number, None, campaign_id))
            case {"choice": "resend"}:
                to_resend.add(number)
            case _:
                raise LedgerError(describe_damage(f"the decision about batch {number} is damaged"))
    return events, to_resend


def _read_decision(store: _Readable, record: BatchRecord) -> Any:  # noqa: ANN401 - a JSON value
    """Return the stored decision about a batch; None without one."""
    found = store.get(decision_key(record.request))
    if found is not None or not record.earlier_request:
        return found
    earlier = store.get(decision_key(record.earlier_request))
    # The lost request may be the second one that a person asked for.
    is_resend = isinstance(earlier, dict) and earlier.get("choice") == "resend"
    return None if is_resend else earlier
