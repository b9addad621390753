"""The manifest of a send: what downstream tasks learn of it. Counts and receipts, no phones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sending.batch_state import BatchState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_inforu.sending.batch_state import BatchRecord
    from airflow_provider_inforu.sending.plan import Batch

MAX_REQUESTS_LISTED = 200
"""A manifest goes through XCom, so beyond this many requests it counts them and lists none."""


def build_manifest(
    *,
    send_id: str,
    function: str,
    batches: Sequence[Batch],
    records: Mapping[int, BatchRecord],
    skipped: int,
) -> dict[str, Any]:
    """Return the manifest, as plain JSON. Its counts add up: accepted, rejected, in doubt, skipped.

    :param send_id: The send.
    :param function: The vendor's function that was called.
    :param batches: All batches of the send; each has a record.
    :param records: What became of them, by number.
    :param skipped: How many rows were left out before the first request.
    """
    calls = dict.fromkeys(BatchState, 0)
    for batch in batches:
        calls[records[batch.number].state] += len(batch.recipients)
    accepted = [
        (batch, records[batch.number])
        for batch in batches
        if records[batch.number].state is BatchState.ACCEPTED
    ]
    manifest: dict[str, Any] = {
        "send_id": send_id,
        "function": function,
        "recipients": sum(calls.values()) + skipped,
        "accepted": calls[BatchState.ACCEPTED],
        "rejected": calls[BatchState.REJECTED],
        "in_doubt": calls[BatchState.SUBMITTING],
        "skipped": skipped,
        "campaign_ids": sorted({one.campaign_id for _, one in accepted if one.campaign_id is not None}),
        "calls": None,
    }
    if len(accepted) <= MAX_REQUESTS_LISTED:
        manifest["requests"] = [
            {
                "request_token": record.request_token,
                "campaign_id": record.campaign_id,
                "calls": len(batch.recipients),
            }
            for batch, record in accepted
        ]
    return manifest
