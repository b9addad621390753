"""What a ledger says: counts of people and batches, as plain JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.voice import MAX_CALLS
from airflow_provider_inforu.ledger.batch_state import BatchState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_reader import Header


def summarise(header: Header, records: Mapping[int, BatchRecord]) -> dict[str, Any]:
    """Return what a ledger says, as plain JSON.

    :param header: Of the ledger.
    :param records: Of its batches, by number.
    """
    counts = Counter(record.state for record in records.values())
    people: Counter[BatchState] = Counter()
    for number, record in records.items():
        first, last = people_of_batch(header, number)
        people[record.state] += last - first + 1
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
        "campaign_ids": sorted({one.campaign_id for one in records.values() if one.campaign_id is not None}),
        "batch_people": {
            str(number): list(people_of_batch(header, number))
            for number in sorted(records)
            if records[number].state is not BatchState.ACCEPTED
        },
        "in_doubt": numbers_in(records, BatchState.SUBMITTING),
        "rejected": [
            {"batch": number, "reason": records[number].reason}
            for number in numbers_in(records, BatchState.REJECTED)
        ],
    }


def people_of_batch(header: Header, number: int) -> tuple[int, int]:
    """Return the numbers of the first and the last person of a batch, in the order of the calls, from 1.

    :param header: Of the ledger.
    :param number: Of the batch, from 1. Each batch holds 100 people, and the last one the rest.
    """
    first = MAX_CALLS * (number - 1) + 1
    return first, header.recipients if number == header.batches else first + MAX_CALLS - 1


def numbers_in(records: Mapping[int, BatchRecord], state: BatchState) -> list[int]:
    """Return the numbers of the batches in a state, in order.

    :param records: Of the batches, by number.
    :param state: The state.
    """
    return sorted(number for number, record in records.items() if record.state is state)


def list_batches(numbers: list[int]) -> str:
    """Return ``batch 3``, or ``batches 3, 5``."""
    return f"batch{'es' if len(numbers) != 1 else ''} {', '.join(map(str, numbers))}"
