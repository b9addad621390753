"""Settle batches in doubt by notifications: an ended call proves that Inforu accepted its batch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_inforu.sending.dispatch import FIRST

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.gateway import VendorGateway
    from airflow_provider_inforu.sending.result import SendResult

log = logging.getLogger(__name__)


def find_accepted(gateway: VendorGateway, result: SendResult) -> dict[int, int | None]:
    """Return the batches in doubt that have an ended call, with the campaign ID of the call.

    A batch without an ended call stays in doubt. Without a receiver, all stay in doubt. The first batch gets
    no campaign ID: it may have created the campaign of all other batches, and a forged notification must not
    choose this campaign.

    :param gateway: The connection of the send.
    :param result: The result so far. A batch whose keys are unknown stays in doubt.
    :raises InforuError: The request to the receiver failed.
    """
    keys = {number: result.read_keys(number) or () for number in result.in_doubt}
    batch_of = {key: number for number, names in keys.items() for key in names}
    if not batch_of or not gateway.settings.has_receiver:
        return {}
    accepted: dict[int, int | None] = {}
    for call in gateway.iter_call_results(result.send_id):
        if call.key in batch_of:
            number = batch_of[call.key]
            accepted.setdefault(number, None if number == FIRST else call.campaign_id)
        if len(accepted) == len(keys):
            break
    if accepted:
        numbers = ", ".join(map(str, sorted(accepted)))
        log.info(
            "send %s: calls of batches in doubt have ended. So Inforu accepted these batches: %s",
            result.send_id,
            numbers,
        )
    return accepted
