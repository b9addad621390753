"""What a task sends, and which of its tries this is. Both are plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_inforu.recipients.choices import InDoubt, QuotaCheck
    from airflow_provider_inforu.sending.limits import Limits
    from airflow_provider_inforu.sending.request_builder import RequestBuilder


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSpec:
    """The specification of a send: what to send, and how.

    :ivar requests: Builds the requests.
    :ivar options_digest: A digest of the account and the arguments that define the send. A retry with
        another digest is refused.
    :ivar limits: The rate, the requests in flight and the sending window.
    :ivar in_doubt: What to do with recipients in doubt.
    :ivar resend: Whether to call everybody again after a clear.
    :ivar quota_check: What to do if the quota is too small or unknown; None for no check.
    """

    requests: RequestBuilder
    options_digest: str
    limits: Limits
    in_doubt: InDoubt
    resend: bool
    quota_check: QuotaCheck | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTry:
    """One try of the task.

    :ivar clear_generation: A number that changes only when the task is cleared.
    :ivar is_first: Whether no earlier try may have begun a send.
    :ivar may_begin_again: Whether the try may call everybody again, because ``resend`` is set and the task
        was cleared.
    """

    clear_generation: int
    is_first: bool
    may_begin_again: bool
