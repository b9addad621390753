"""Batches become requests, at the account's rate, and stop where going on would be a guess."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from airflow_provider_inforu.capi.errors import (
    InforuApiError,
    InforuError,
    InforuRejectedError,
    InforuTooManyRecordsError,
)
from airflow_provider_inforu.capi.voice import SendReceipt
from airflow_provider_inforu.sending.plan import Batch
from airflow_provider_inforu.sending.recipients import list_keys

log = logging.getLogger(__name__)

SendBatch = Callable[[Batch], SendReceipt]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the batches that were sent.

    :ivar accepted: The receipts, in order.
    :ivar rejected: The batches that the vendor refused, and its reason.
    """

    accepted: list[SendReceipt] = field(default_factory=list)
    rejected: list[tuple[Batch, InforuApiError]] = field(default_factory=list)

    @property
    def calls_accepted(self) -> int:
        """How many calls the vendor accepted."""
        return sum(receipt.calls for receipt in self.accepted)

    @property
    def calls_rejected(self) -> int:
        """How many calls the vendor refused."""
        return sum(len(batch.recipients) for batch, _ in self.rejected)

    def describe_rejected(self) -> str:
        """Return the refused batches with keys and reason, or an empty string."""
        return "; ".join(
            f"{len(batch.recipients)} were rejected ({error}): {list_keys(batch.keys, shown=len(batch.keys))}"
            for batch, error in self.rejected
        )


class SendStoppedError(InforuError):
    """A send that stopped before its end. The message says who was called, who not, and who perhaps.

    :param send_id: The send.
    :param outcome: What was sent before.
    :param batch: The batch at which it stopped.
    :param left: The batches behind it, which were not sent.
    :param error: Why it stopped.
    """

    def __init__(
        self, send_id: str, outcome: Outcome, batch: Batch, left: Sequence[Batch], error: InforuError
    ) -> None:
        self.outcome = outcome
        self.error = error
        self.safe_to_resend = error.safe_to_resend and not outcome.accepted
        unsent = [*([batch] if error.safe_to_resend else []), *left]
        parts = [f"the send {send_id} stopped at batch {batch.number}: {error}"]
        parts.append(f"{outcome.calls_accepted} calls were accepted before")
        if outcome.rejected:
            parts.append(outcome.describe_rejected())
        if not error.safe_to_resend:
            keys = list_keys(batch.keys, shown=len(batch.keys))
            parts.append(f"{len(batch.recipients)} are in doubt, they may ring or not: {keys}")
        if unsent:
            count = sum(len(one.recipients) for one in unsent)
            parts.append(
                f"{count} were not sent: all from key {unsent[0].keys[0]} on, in the order of the rows"
            )
        super().__init__(". ".join(parts))


def dispatch(send_id: str, batches: Sequence[Batch], send: SendBatch, requests_per_second: int) -> Outcome:
    """Send batches one after the other.

    A batch that the vendor rejects does not keep the others from being sent. Whatever speaks of the account
    (rate limit, quota, authentication), of the transport, or of an unknown outcome stops the send.

    :param send_id: The send, for the log.
    :param batches: What to send.
    :param send: Makes the request of a batch.
    :param requests_per_second: The most requests in a second; 0 is no limit.
    :raises SendStoppedError: The send stopped before its end.
    """
    wait = _pace(requests_per_second)
    outcome = Outcome()
    for index, batch in enumerate(batches):
        wait()
        try:
            receipt = send(batch)
        except (InforuRejectedError, InforuTooManyRecordsError) as error:
            log.warning(
                "send %s: batch %d of %d was rejected: %s", send_id, batch.number, len(batches), error
            )
            outcome.rejected.append((batch, error))
        except InforuError as error:
            raise SendStoppedError(send_id, outcome, batch, batches[index + 1 :], error) from error
        else:
            outcome.accepted.append(receipt)
            log.info(
                "send %s: batch %d of %d accepted, %d calls, campaign %s, RequestToken %s",
                *(
                    send_id,
                    batch.number,
                    len(batches),
                    receipt.calls,
                    receipt.campaign_id,
                    receipt.request_token,
                ),
            )
    return outcome


def _pace(requests_per_second: int) -> Callable[[], object]:
    """Return what waits for its turn before a request: evenly spaced, with no burst at the start."""
    if requests_per_second == 0:
        return lambda: None
    from pyrate_limiter import GCRA, InMemoryStateStore, Limiter, MonotonicClock, Rate, StateBucket

    rate = Rate(requests_per_second, 1000, burst=1)
    limiter = Limiter(StateBucket([rate], GCRA(), InMemoryStateStore(), MonotonicClock()), buffer_ms=0)
    return limiter.try_acquire
