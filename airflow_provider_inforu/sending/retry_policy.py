"""What an answer means for its batch and for the rest of the send: one decision, with no input or output."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

from airflow_provider_inforu.capi.errors import (
    InforuApiError,
    InforuConnectionError,
    InforuError,
    InforuJobInProgressError,
    InforuRateLimitError,
    InforuRejectedError,
    InforuTooManyRecordsError,
)
from airflow_provider_inforu.capi.voice import SendReceipt
from airflow_provider_inforu.ledger.ledger_events import Accepted, LedgerEvent, Rejected, Withdrawn

LONGEST_REASON = 300
"""So much of a refusal goes into the ledger."""


class RetryDecision(Enum):
    """What to do after a request that was not accepted."""

    REJECTED = "rejected, the others go on"
    """The vendor refused this batch; the others go on."""
    WAIT = "to be sent again after a while, unless nothing is accepted for five minutes"
    """Nobody was called; the batch is sent again after a while."""
    STOP = "the send stops"
    """Nobody was called, and sending more would be refused as well."""
    IN_DOUBT = "in doubt, the others go on"
    """Whether anybody was called is not known; the others go on."""


def classify_error(error: InforuError) -> RetryDecision:
    """Return what an error means."""
    if isinstance(error, InforuRejectedError | InforuTooManyRecordsError):
        return RetryDecision.REJECTED
    if isinstance(error, InforuRateLimitError | InforuJobInProgressError | InforuConnectionError):
        return RetryDecision.WAIT
    return RetryDecision.STOP if error.safe_to_resend else RetryDecision.IN_DOUBT


def to_event(number: int, result: SendReceipt | InforuError) -> LedgerEvent | None:
    """Return the event of a request's result; None if the result is unknown.

    :param number: Of the batch.
    :param result: What the request came to.
    """
    if isinstance(result, SendReceipt):
        return Accepted(number, result.request_token, result.campaign_id)
    decision = classify_error(result)
    if decision is RetryDecision.REJECTED:
        return Rejected(number, str(result)[:LONGEST_REASON])
    return None if decision is RetryDecision.IN_DOUBT else Withdrawn(number)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the same batch is sent again.

    :ivar first: Seconds after the first failure; each further one doubles it.
    :ivar longest: The most seconds; a Retry-After beyond it counts as a reason to stop.
    """

    first: float = 1.0
    longest: float = 300.0

    def seconds(self, error: InforuError, failures: int, now: float) -> float | None:
        """Return how long to wait, or None where the vendor asks for more than is sensible.

        :param error: What happened.
        :param failures: How many failures came in a row, this one included.
        :param now: Seconds since the epoch, to read a Retry-After that is a date.
        """
        asked = read_retry_after(error.retry_after, now) if isinstance(error, InforuApiError) else None
        if asked is None:
            return min(self.first * 2.0 ** (min(failures, 16) - 1), self.longest)
        return asked if asked <= self.longest else None


def read_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds of a ``Retry-After`` header: a number or an HTTP date; None for anything else.

    :param value: The header, or None.
    :param now: Seconds since the epoch.
    """
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
