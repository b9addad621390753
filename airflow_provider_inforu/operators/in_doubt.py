"""Batches in doubt, settled by what the vendor pushed: a call that ended proves its batch accepted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.sending.result import SendResult

log = logging.getLogger(__name__)


def find_accepted(hook: InforuHook, result: SendResult) -> dict[int, int | None]:
    """Ask the receiver about batches in doubt; return those of which a call has ended, with its campaign.

    Silence proves nothing. A connection without a receiver is not asked. The first batch gets no campaign:
    it may have made the copy to which all others are sent, and a forged push must not choose that.

    :param hook: Of the connection that sent.
    :param result: The send so far. A batch whose keys are not known stays in doubt.
    :raises InforuError: The receiver cannot be asked.
    """
    from airflow_provider_inforu.sending.dispatch import FIRST

    keys = {number: result.read_keys(number) or () for number in result.in_doubt}
    batch_of = {key: number for number, names in keys.items() for key in names}
    if not batch_of or not hook.settings.has_receiver:
        return {}
    accepted: dict[int, int | None] = {}
    for call in hook.iter_call_results(result.send_id):
        if call.key in batch_of:
            number = batch_of[call.key]
            accepted.setdefault(number, None if number == FIRST else call.campaign_id)
        if len(accepted) == len(keys):
            break
    if accepted:
        numbers = ", ".join(map(str, sorted(accepted)))
        log.info(
            "send %s: calls of batches in doubt have ended, so these batches were accepted: %s",
            result.send_id,
            numbers,
        )
    return accepted
