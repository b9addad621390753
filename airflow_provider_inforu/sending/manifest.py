"""Builds the manifest of a send for the next tasks: counts and receipts, no phones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.result import SendResult

MAX_REQUESTS_LISTED = 200
"""A manifest is stored as an XCom. If a send has more requests, the manifest has no list of requests."""


def build_manifest(
    function: str,
    result: SendResult,
    *,
    conn_id: str,
    calls: dict[str, Any] | None = None,
    already_sent_at: str | None = None,
) -> dict[str, Any]:
    """Return the manifest, as plain JSON. ``recipients`` is the sum of the four counts after it.

    :param function: The vendor's function, such as ``Voice/Message/Send``.
    :param result: The send. Each of its batches must have a record.
    :param conn_id: ID of the connection.
    :param calls: The summary of the calls. None (default): the task does not wait for calls.
    :param already_sent_at: The start of the send, if this try had nothing to send. Default: None.
    """
    accepted = [(number, result.records[number]) for number in result.accepted]
    campaign_ids = {record.campaign_id for _, record in accepted if record.campaign_id is not None}
    manifest: dict[str, Any] = {
        "send_id": result.send_id,
        "function": function,
        "inforu_conn_id": conn_id,
        "recipients": result.header.recipients + result.header.skipped,
        "accepted": result.count(result.accepted),
        "rejected": result.count(result.rejected),
        "in_doubt": result.count(result.in_doubt),
        "skipped": result.header.skipped,
        "campaign_ids": sorted(campaign_ids),
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
    """Return the number of recipients in each state, as plain JSON. Skipped rows are counted separately.

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
    """Return the manifest of a dry run: the keys of a manifest, with the counts of a real send added.

    :param function: The vendor's function of a real send.
    :param conn_id: ID of the connection of a real send.
    :param would_call: The number of recipients that a real send would call.
    :param would_request: The number of requests of a real send.
    :param skipped: The number of rows that a real send would skip.
    :param calls: An empty summary of calls. None: the task does not wait for calls.
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
