"""Whether the account's quota is enough for a send, asked before the first call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from airflow_provider_inforu.capi.errors import InforuError

if TYPE_CHECKING:
    from airflow_provider_inforu.capi.admin import Quota
    from airflow_provider_inforu.hooks.inforu import InforuHook

log = logging.getLogger(__name__)

QuotaCheck = Literal["fail", "warn"]


class NotEnoughQuotaError(InforuError):
    """The account has fewer calls left than people are to be called."""

    safe_to_resend = True


def check_quota(hook: InforuHook, people: int, quota_check: QuotaCheck) -> None:
    """Compare the quota for voice calls with the people of a send.

    :param hook: Of the connection.
    :param people: How many are to be called.
    :param quota_check: What to do when there is less, or when the vendor does not say: ``fail`` or ``warn``.
    :raises NotEnoughQuotaError: There is less.
    :raises InforuError: The quota cannot be read.
    """
    try:
        left = calls_left(hook.get_quota())
        if left is None or left >= people:
            return
        raise NotEnoughQuotaError(
            f"the account has {left} calls left and {people} people are to be called, so nobody was called. "
            "Fill the quota and let the task run again, call fewer people, or set quota_check='warn'"
        )
    except InforuError as error:
        if quota_check == "fail":
            raise
        log.warning("the quota may not be enough: %s. The send goes on", error)


def calls_left(quotas: list[Quota]) -> int | None:
    """Return how many calls are left; None where there is no end, or where no number was given.

    :param quotas: The vendor's rows; several packages add up.
    """
    numbers = [quota.remaining for quota in quotas if quota.kind.casefold() != "unlimited"]
    if len(numbers) < len(quotas) or not numbers:
        return None
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
