"""A dry run: log which recipients a send would call, and their texts. It sends no request."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.recipients.batches import plan_batches
from airflow_provider_inforu.sending.completion import no_calls
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
    """Log the first texts and the counts of a send, and return its manifest with ``would_call``.

    :param function: The function of Inforu's API that a send would use.
    :param people: The recipients that a send would call.
    :param window: The sending window; None for always.
    :param conn_id: The ID of the connection.
    :param waits: Whether a send would wait for its calls.
    """
    for recipient in people.recipients[:TEXTS_SHOWN]:
        if recipient.text is not None:
            log.info("dry run: %s would hear: %s", recipient.key, hide_phones(recipient.text))
    requests = len(plan_batches(people.recipients))
    log.info(
        "dry run: %d recipients would be called in %d requests. Nobody was called",
        len(people.recipients),
        requests,
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
