"""How rows become recipients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_inforu.recipients.choices import InvalidRecipients, OnDuplicate
    from airflow_provider_inforu.recipients.texts import TextTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientRules:
    """How rows are read.

    :ivar phone_field: The field of a row that holds the phone.
    :ivar key_field: The field that names the person, or None for the row's number, from 1.
    :ivar template: What is read out; None where rows bring their own text.
    :ivar message_field: The field of a row's own text, which wins over the template.
    :ivar speaks: Whether recipients need a text: true for text-to-speech, false for a campaign.
    :ivar invalid_recipients: What to do about a row that cannot be called.
    :ivar on_duplicate: What to do about a repeated phone.
    :ivar limit: The most people; rows after them are not read. None for no limit.
    """

    phone_field: str = "phone"
    key_field: str | None = None
    template: TextTemplate | None = None
    message_field: str = "message"
    speaks: bool = True
    invalid_recipients: InvalidRecipients = "fail"
    on_duplicate: OnDuplicate = "skip"
    limit: int | None = None
