"""Summarizes a ledger: counts of recipients and batches, as plain JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.batch_places import batch_places, batch_size
from airflow_provider_inforu.ledger.batch_state import BatchState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_reader import Header


def summarise(header: Header, records: Mapping[int, BatchRecord]) -> dict[str, Any]:
    """Return the summary of a ledger, as plain JSON.

    :param header: The ledger's header.
    :param records: The records of its batches, by batch number.
    """
    counts = Counter(record.state for record in records.values())
    people: Counter[BatchState] = Counter()
    for number, record in records.items():
        people[record.state] += batch_size(number, header.recipients)
    return {
        "send_id": header.send_id,
        "recipients": header.recipients,
        "requests": header.batches,
        "attempts": header.attempts,
        "batches": {
            "accepted": counts[BatchState.ACCEPTED],
            "rejected": counts[BatchState.REJECTED],
            "in_doubt": counts[BatchState.SUBMITTING],
            "not_sent": header.batches - len(records),
        },
        "people": {
            "accepted": people[BatchState.ACCEPTED],
            "rejected": people[BatchState.REJECTED],
            "in_doubt": people[BatchState.SUBMITTING],
            "not_sent": header.recipients - people.total(),
        },
        "campaign_ids": sorted(
            {record.campaign_id for record in records.values() if record.campaign_id is not None}
        ),
        "batch_people": {
            str(number): list(batch_places(number, header.recipients))
            for number in sorted(records)
            if records[number].state is not BatchState.ACCEPTED
        },
        "in_doubt": numbers_in(records, BatchState.SUBMITTING),
        "rejected": [
            {"batch": number, "reason": records[number].reason}
            for number in numbers_in(records, BatchState.REJECTED)
        ],
    }


def numbers_in(records: Mapping[int, BatchRecord], state: BatchState) -> list[int]:
    """Return the numbers of the batches in a state, in ascending order.

    :param records: The records of the batches, by batch number.
    :param state: The state.
    """
    return sorted(number for number, record in records.items() if record.state is state)


def list_batches(numbers: list[int]) -> str:
    """Return text such as ``batch 3`` or ``batches 3, 5``."""
    return f"batch{'es' if len(numbers) != 1 else ''} {', '.join(map(str, numbers))}"
