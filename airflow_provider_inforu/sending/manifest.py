"""The manifest of a send: what downstream tasks learn of it. Counts and receipts, no phones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.result import SendResult

MAX_REQUESTS_LISTED = 200
"""A manifest goes through XCom, so beyond this many requests it counts them and lists none."""


def build_manifest(
    function: str,
    result: SendResult,
    *,
    conn_id: str,
    calls: dict[str, Any] | None = None,
    already_sent_at: str | None = None,
) -> dict[str, Any]:
    """Return the manifest, as plain JSON. Its counts add up: accepted, rejected, in doubt, skipped.

    :param function: The vendor's function that was called.
    :param result: The send; each of its batches has a record.
    :param conn_id: The connection that sends.
    :param calls: The summary of the calls; None where nobody waits for them.
    :param already_sent_at: When the send began, where this try found nothing to send; else None.
    """
    accepted = [(number, result.records[number]) for number in result.accepted]
    manifest: dict[str, Any] = {
        "send_id": result.send_id,
        "function": function,
        "inforu_conn_id": conn_id,
        "recipients": result.header.recipients + result.header.skipped,
        "accepted": result.count(result.accepted),
        "rejected": result.count(result.rejected),
        "in_doubt": result.count(result.in_doubt),
        "skipped": result.header.skipped,
        "campaign_ids": sorted({one.campaign_id for _, one in accepted if one.campaign_id is not None}),
        "calls": calls,
        "already_sent_at": already_sent_at,
    }
    if len(accepted) <= MAX_REQUESTS_LISTED:
        manifest["requests"] = [
            {
                "request_token": record.request_token,
                "campaign_id": record.campaign_id,
                "calls": result.count([number]),
            }
            for number, record in accepted
        ]
    return manifest


def count_people(result: SendResult) -> dict[str, Any]:
    """Return how many recipients are in each state, as plain JSON. Skipped rows are no recipients.

    :param result: The send so far.
    """
    return {
        "send_id": result.send_id,
        "recipients": result.header.recipients,
        "accepted": result.count(result.accepted),
        "rejected": result.count(result.rejected),
        "in_doubt": result.count(result.in_doubt),
        "not_sent": result.count(result.unsent),
        "skipped": result.header.skipped,
    }


def build_dry_manifest(
    function: str,
    *,
    conn_id: str,
    would_call: int,
    would_request: int,
    skipped: int,
    calls: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return what a dry run returns: the keys of a manifest, and what a real send would do.

    :param function: The vendor's function that would be called.
    :param conn_id: The connection that would send.
    :param would_call: How many recipients would be called.
    :param would_request: How many requests that would take.
    :param skipped: How many rows would be skipped.
    :param calls: The summary of no calls; None where nobody waits for calls.
    """
    return {
        "dry_run": True,
        "send_id": None,
        "function": function,
        "inforu_conn_id": conn_id,
        "recipients": would_call + skipped,
        "accepted": 0,
        "rejected": 0,
        "in_doubt": 0,
        "skipped": skipped,
        "campaign_ids": [],
        "calls": calls,
        "already_sent_at": None,
        "requests": [],
        "would_call": would_call,
        "would_request": would_request,
    }
