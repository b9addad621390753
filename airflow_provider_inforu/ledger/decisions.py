"""What a person decides about batches in doubt, beside the log of the attempts.

A decision is about one request, and kept under its name. So it settles that request or nothing: one that
comes late, after the batch was sent again, has no effect. Only who decides writes here, so no attempt of the
task is disturbed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState
from airflow_provider_inforu.ledger.ledger_errors import DAMAGED, LedgerError
from airflow_provider_inforu.ledger.ledger_events import Accepted, LedgerEvent, Withdrawn
from airflow_provider_inforu.ledger.ledger_keys import decision_key

if TYPE_CHECKING:
    from collections.abc import Mapping

Choice = Literal["accept", "resend"]


class _Readable(Protocol):
    def get(self, key: str) -> Any: ...  # noqa: ANN401 - a JSON value


class DecisionStore(_Readable, Protocol):
    """Where decisions are kept: in the ledger's store."""

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value, whoever may write the ledger."""


def decide(store: DecisionStore, record: BatchRecord, choice: Choice, campaign_id: int | None = None) -> None:
    """Write a decision down. Of two about one request the later one holds, until an attempt has seen one.

    :param store: Where the ledger is kept.
    :param record: Of the batch, which is in doubt.
    :param choice: ``accept`` takes its people as called; ``resend`` lets the next try call them again.
    :param campaign_id: With ``accept``: the campaign to which they belong, where that is known.
    """
    store.put(decision_key(record.request), {"choice": choice, "campaign_id": campaign_id})


def read_decided(store: _Readable, records: Mapping[int, BatchRecord]) -> list[LedgerEvent]:
    """Return the events that follow from what was decided about the requests that are in doubt.

    :param store: Where the ledger is kept.
    :param records: Of the batches, by number.
    :raises LedgerError: A decision cannot be read.
    """
    events: list[LedgerEvent] = []
    for number, record in records.items():
        if record.state is not BatchState.SUBMITTING:
            continue
        match store.get(decision_key(record.request)):
            case None:
                pass
            case {"choice": "accept", "campaign_id": (int() | None) as campaign_id}:
                events.append(Accepted(number, None, campaign_id))
            case {"choice": "resend"}:
                events.append(Withdrawn(number))
            case _:
                raise LedgerError(f"{DAMAGED}: the decision about batch {number} is damaged")
    return events
