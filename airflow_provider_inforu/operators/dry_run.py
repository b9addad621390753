"""Everything but the requests: who would be called, and what they would hear."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.operators.completion import no_calls
from airflow_provider_inforu.recipients.batches import plan_batches
from airflow_provider_inforu.sending.manifest import build_dry_manifest
from airflow_provider_inforu.sending.window import now

if TYPE_CHECKING:
    from airflow_provider_inforu.recipients.recipient_reader import RecipientList
    from airflow_provider_inforu.sending.window import SendingWindow

log = logging.getLogger(__name__)

TEXTS_SHOWN = 5


def try_dry(
    function: str, people: RecipientList, window: SendingWindow | None, *, conn_id: str, waits: bool
) -> dict[str, Any]:
    """Log what a send would do, and return a manifest in which nobody was called.

    :param function: The vendor's function that would be called.
    :param people: The recipients who would be called.
    :param window: When they may be called; None for always.
    :param conn_id: The connection that would send.
    :param waits: Whether the send would wait for its calls.
    """
    for recipient in people.recipients[:TEXTS_SHOWN]:
        if recipient.text is not None:
            log.info("dry run: %s would hear: %s", recipient.key, hide_phones(recipient.text))
    requests = len(plan_batches(people.recipients))
    log.info(
        "dry run: %d people would be called in %d requests, and nobody was", len(people.recipients), requests
    )
    if window and not window.is_open(moment := now()):
        opens_at = f"{window.opens_at(moment):%Y-%m-%d %H:%M %Z}"
        log.info("dry run: the sending window is closed until %s", opens_at)
    return build_dry_manifest(
        function,
        conn_id=conn_id,
        would_call=len(people.recipients),
        would_request=requests,
        skipped=len(people.skipped),
        calls=no_calls("", is_complete=True) if waits else None,
    )
