"""What an operator wants to send: the arguments of one send, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.ledger.ledger_log import Ledger
    from airflow_provider_inforu.recipients.choices import InDoubt, QuotaCheck
    from airflow_provider_inforu.recipients.recipient_reader import RecipientList
    from airflow_provider_inforu.sending.request_pool import PrepareBatch
    from airflow_provider_inforu.sending.window import SendingWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSpec:
    """The specification of a send: what to send, and how.

    :ivar function: The function of Inforu's API.
    :ivar arguments: The arguments that define the send. A retry with other values is refused.
    :ivar people: Reads the rows and returns the recipients.
    :ivar preparer: Returns the function that prepares the request of a batch.
    :ivar first_batch_creates_campaign: Whether the other batches need the campaign ID of the first batch's
        response.
    :ivar in_doubt: What to do with recipients in doubt.
    :ivar resend: Whether to call everybody again after a clear.
    :ivar max_in_flight: The most requests that wait for a reply at the same time.
    :ivar quota_check: What to do if the quota is too small or unknown; None for no check.
    :ivar window: The sending window; None for always.
    """

    function: str
    arguments: list[Any]
    people: Callable[[], RecipientList]
    preparer: Callable[[InforuHook, Ledger], PrepareBatch]
    first_batch_creates_campaign: bool
    in_doubt: InDoubt
    resend: bool
    max_in_flight: int
    quota_check: QuotaCheck | None
    window: SendingWindow | None
