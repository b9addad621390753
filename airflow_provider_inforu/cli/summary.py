"""What a ledger says, as a person or a program reads it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sending.batch_state import BatchState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.sending.batch_state import BatchRecord
    from airflow_provider_inforu.sending.ledger_reader import Header


def summarise(header: Header, records: Mapping[int, BatchRecord]) -> dict[str, Any]:
    """Return what a ledger says, as plain JSON.

    :param header: Of the ledger.
    :param records: Of its batches, by number.
    """
    counts = Counter(record.state for record in records.values())
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
        "in_doubt": numbers_in(records, BatchState.SUBMITTING),
        "rejected": [
            {"batch": number, "reason": records[number].reason}
            for number in numbers_in(records, BatchState.REJECTED)
        ],
    }


def numbers_in(records: Mapping[int, BatchRecord], state: BatchState) -> list[int]:
    """Return the numbers of the batches in a state, in order.

    :param records: Of the batches, by number.
    :param state: The state.
    """
    return sorted(number for number, record in records.items() if record.state is state)


def header_rows(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the summary's totals as rows of a table."""
    totals = {
        "send": summary["send_id"],
        "recipients": summary["recipients"],
        "requests": summary["requests"],
        "attempts": summary["attempts"],
        **{f"batches {name.replace('_', ' ')}": count for name, count in summary["batches"].items()},
    }
    return [{"what": name, "value": str(value)} for name, value in totals.items()]


def batch_rows(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the batches that need a person as rows of a table."""
    in_doubt = [(number, "in doubt", "its answer is not known") for number in summary["in_doubt"]]
    rejected = [(one["batch"], "rejected", one["reason"]) for one in summary["rejected"]]
    return [
        {"batch": str(number), "state": state, "reason": reason}
        for number, state, reason in sorted(in_doubt + rejected)
    ]


def list_batches(numbers: list[int]) -> str:
    """Return ``batch 3``, or ``batches 3, 5``."""
    return f"batch{'es' if len(numbers) != 1 else ''} {', '.join(map(str, numbers))}"
