"""Decides what a result means for its batch and for the send. It has no input or output."""

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
"""Characters of a rejection's reason in the ledger."""


class RetryDecision(Enum):
    """The decision after an error. Its value is a sentence for the log."""

    REJECTED = "The batch is rejected. The send continues with the other batches"
    """The vendor would refuse this batch again. Other batches may be accepted."""
    WAIT = "The batch is sent again later, unless the vendor accepts no batch for five minutes"
    """No call was placed. The same batch may be accepted later."""
    STOP = "The send stops"
    """No call was placed, and the vendor would refuse every other batch, too."""
    IN_DOUBT = "The batch is in doubt. The send continues with the other batches"
    """The calls may have been placed. Other batches may be accepted."""


def classify_error(error: InforuError) -> RetryDecision:
    """Return the decision after an error."""
    if isinstance(error, InforuRejectedError | InforuTooManyRecordsError):
        return RetryDecision.REJECTED
    if isinstance(error, InforuRateLimitError | InforuJobInProgressError | InforuConnectionError):
        return RetryDecision.WAIT
    return RetryDecision.STOP if error.safe_to_resend else RetryDecision.IN_DOUBT


def to_event(number: int, result: SendReceipt | InforuError) -> LedgerEvent | None:
    """Return the ledger event of a request's result; None if the outcome is unknown.

    :param number: Number of the batch.
    :param result: The vendor's receipt, or the error of the request.
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

    :ivar first: Seconds after the first failure. Each further failure doubles them. Default: 1.
    :ivar longest: The longest wait in seconds. A longer ``Retry-After`` stops the send. Default: 300.
    """

    first: float = 1.0
    longest: float = 300.0

    def seconds(self, error: InforuError, failures: int, now: float) -> float | None:
        """Return the seconds to wait, or None if the vendor asks for a longer wait than `longest`.

        :param error: The error of the last request.
        :param failures: The number of failures in a row, from 1 for the first failure.
        :param now: Seconds since 1970. They convert a ``Retry-After`` with a date.
        """
        asked = read_retry_after(error.retry_after, now) if isinstance(error, InforuApiError) else None
        if asked is None:
            return min(self.first * 2.0 ** (min(failures, 16) - 1), self.longest)
        return asked if asked <= self.longest else None


def read_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds of a ``Retry-After`` header with a number or an HTTP date; None if it is invalid.

    :param value: The header's value. None: the response has no such header.
    :param now: Seconds since 1970.
    """
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
