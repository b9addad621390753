"""Whether the account's quota is enough for a send, asked before the first call."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.capi.admin import Quota
    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.recipients.choices import QuotaCheck

log = logging.getLogger(__name__)


class NotEnoughQuotaError(InforuError):
    """The account has fewer calls left than people are to be called, as far as the vendor says."""

    safe_to_resend = True


def check_quota(hook: InforuHook, people: int, quota_check: QuotaCheck) -> None:
    """Compare the quota for voice calls with the people who are still to be called.

    :param hook: Of the connection.
    :param people: How many are to be called.
    :param quota_check: What to do when there is less, or when the vendor does not say: ``fail`` or ``warn``.
    :raises NotEnoughQuotaError: There is less, or the vendor's answer does not say how much.
    :raises InforuError: The quota cannot be read.
    """
    try:
        left = calls_left(hook.get_quota())
    except InforuError as error:
        if quota_check == "fail":
            raise
        log.warning("The quota could not be read, and the send goes on: %s", error)
        return
    if left is not None and left >= people:
        return
    known = "an unknown number of calls" if left is None else f"{left:.0f} calls"
    problem = f"The account's quota has {known} left, and {people} recipients are still to be called"
    if quota_check == "fail":
        raise NotEnoughQuotaError(
            f"{problem}. None of them was called. Fill the quota and clear the task, or set "
            "quota_check='warn'"
        )
    log.warning("%s. The send goes on", problem)


def calls_left(quotas: Sequence[Quota]) -> float | None:
    """Return how many calls are left, which may be infinite; None where the vendor does not say.

    :param quotas: The vendor's rows; several packages add up.
    """
    numbers = [math.inf if one.kind.casefold() == "unlimited" else one.remaining for one in quotas]
    known = [number for number in numbers if number is not None]
    if math.inf in known:
        return math.inf
    return sum(known) if known and len(known) == len(numbers) else None
