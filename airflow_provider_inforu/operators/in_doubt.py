"""Batches in doubt, settled by what the vendor pushed: a call that ended proves its batch accepted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.sending.ledger import Ledger
    from airflow_provider_inforu.sending.plan import Batch

log = logging.getLogger(__name__)


def find_accepted(hook: InforuHook, ledger: Ledger, batches: Sequence[Batch]) -> dict[int, int | None]:
    """Ask the receiver about batches in doubt; return those of which a call has ended, with its campaign.

    Silence proves nothing. A connection without a receiver is not asked. The first batch gets no campaign:
    it may have made the copy to which all others are sent, and a forged push must not choose that.

    :param hook: Of the connection that sent.
    :param ledger: Of the send.
    :param batches: All batches of the send.
    :raises InforuError: The receiver cannot be asked.
    """
    from airflow_provider_inforu.sending.dispatch import FIRST

    in_doubt = set(ledger.in_doubt())
    if not in_doubt or not hook.settings.has_receiver:
        return {}
    send_id = ledger.header.send_id
    batch_of = {key: batch.number for batch in batches if batch.number in in_doubt for key in batch.keys}
    accepted: dict[int, int | None] = {}
    for call in hook.iter_call_results(send_id):
        if call.key in batch_of:
            number = batch_of[call.key]
            accepted.setdefault(number, None if number == FIRST else call.campaign_id)
        if len(accepted) == len(in_doubt):
            break
    if accepted:
        numbers = ", ".join(map(str, sorted(accepted)))
        log.info("send %s: calls of batches in doubt have ended, so they were accepted: %s", send_id, numbers)
    return accepted
