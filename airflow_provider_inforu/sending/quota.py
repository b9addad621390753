"""Check before the first call that the account's quota is enough for a send."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.capi.admin import Quota
    from airflow_provider_inforu.recipients.choices import QuotaCheck
    from airflow_provider_inforu.sending.gateway import VendorGateway

log = logging.getLogger(__name__)


class NotEnoughQuotaError(InforuError):
    """The account's quota is smaller than the number of recipients, or is unknown."""

    safe_to_resend = True


def check_quota(gateway: VendorGateway, people: int, quota_check: QuotaCheck) -> None:
    """Compare the account's quota for voice calls with the number of remaining recipients.

    :param gateway: The connection of the send.
    :param people: The number of recipients that are still to be called.
    :param quota_check: What to do if the quota is too small or unknown: ``fail`` or ``warn``.
    :raises NotEnoughQuotaError: ``fail`` is set, and the quota is too small, or the response names no number.
    :raises InforuError: ``fail`` is set, and the request for the quota failed.
    """
    try:
        left = calls_left(gateway.get_quota())
    except InforuError as error:
        if quota_check == "fail":
            raise
        log.warning("The quota could not be read: %s. The send continues without the check", error)
        return
    if left is not None and left >= people:
        return
    known = "an unknown number of calls" if left is None else f"{left:.0f} calls"
    problem = f"The account's quota has {known} left, and {people} recipients are still to be called"
    if quota_check == "fail":
        raise NotEnoughQuotaError(
            f"{problem}. {NO_NEW_CALLS}. Increase the quota and clear the task, or set quota_check='warn'"
        )
    log.warning("%s. The send continues", problem)


def calls_left(quotas: Sequence[Quota]) -> float | None:
    """Return the number of remaining calls, which may be infinite; None if it is unknown.

    :param quotas: The rows of Inforu's response. Several packages are added up.
    """
    numbers = [math.inf if quota.kind.casefold() == "unlimited" else quota.remaining for quota in quotas]
    known = [number for number in numbers if number is not None]
    if math.inf in known:
        return math.inf
    return sum(known) if known and len(known) == len(numbers) else None
