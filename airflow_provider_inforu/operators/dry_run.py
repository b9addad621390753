"""Everything but the requests: who would be called, and what they would hear."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.sending.plan import plan_batches

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.recipients import RecipientList

log = logging.getLogger(__name__)

TEXTS_SHOWN = 5


def try_dry(function: str, people: RecipientList) -> dict[str, Any]:
    """Show who would be called, and return what a dry run returns in the manifest's place.

    It has no send_id and no counts of what the vendor did, since nothing was sent.

    :param function: The vendor's function that would be called.
    :param people: Who would be.
    """
    for recipient in people.recipients[:TEXTS_SHOWN]:
        if recipient.text is not None:
            log.info("dry run: %s would hear: %s", recipient.key, hide_phones(recipient.text))
    requests = len(plan_batches(people.recipients))
    log.info(
        "dry run: %d people would be called in %d requests, and nobody was", len(people.recipients), requests
    )
    return {
        "dry_run": True,
        "function": function,
        "recipients": len(people.recipients) + len(people.skipped),
        "would_call": len(people.recipients),
        "would_request": requests,
        "skipped": len(people.skipped),
    }
