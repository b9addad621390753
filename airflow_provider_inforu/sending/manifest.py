"""The manifest of a send: what downstream tasks learn of it. Counts and receipts, no phones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.dispatch import Outcome

MAX_REQUESTS_LISTED = 200
"""A manifest goes through XCom, so beyond this many requests it counts them and lists none."""


def build_manifest(*, send_id: str, function: str, outcome: Outcome, skipped: int) -> dict[str, Any]:
    """Return the manifest, as plain JSON. Its counts add up: accepted, rejected, in doubt, skipped.

    :param send_id: The send.
    :param function: The vendor's function that was called.
    :param outcome: What became of its batches.
    :param skipped: How many rows were left out before the first request.
    """
    manifest: dict[str, Any] = {
        "send_id": send_id,
        "function": function,
        "recipients": outcome.calls_accepted + outcome.calls_rejected + skipped,
        "accepted": outcome.calls_accepted,
        "rejected": outcome.calls_rejected,
        "in_doubt": 0,
        "skipped": skipped,
        "campaign_ids": sorted(
            {receipt.campaign_id for receipt in outcome.accepted if receipt.campaign_id is not None}
        ),
        "calls": None,
    }
    if len(outcome.accepted) <= MAX_REQUESTS_LISTED:
        manifest["requests"] = [
            {
                "request_token": receipt.request_token,
                "campaign_id": receipt.campaign_id,
                "calls": receipt.calls,
            }
            for receipt in outcome.accepted
        ]
    return manifest
