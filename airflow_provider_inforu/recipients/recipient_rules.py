"""The rules for making recipients of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_inforu.recipients.choices import InvalidRecipients, OnDuplicate
    from airflow_provider_inforu.recipients.texts import TextTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientRules:
    """The rules for making recipients of rows.

    :ivar phone_field: The field with the phone. Default: ``phone``.
    :ivar key_field: The field with the key. None (default): the key is the number of the row, from 1.
    :ivar template: The template of the text. None (default): the rows contain their texts.
    :ivar message_field: The field with a row's own text. It replaces the template. Default: ``message``.
    :ivar speaks: Whether recipients need a text: True (default) for text-to-speech, False for a campaign.
    :ivar invalid_recipients: ``fail`` (default) or ``skip``: what happens with an invalid row.
    :ivar on_duplicate: ``skip`` (default), ``send`` or ``fail``: what happens with a repeated phone.
    :ivar limit: The most recipients. Later rows are not read. None (default): no limit.
    """

    phone_field: str = "phone"
    key_field: str | None = None
    template: TextTemplate | None = None
    message_field: str = "message"
    speaks: bool = True
    invalid_recipients: InvalidRecipients = "fail"
    on_duplicate: OnDuplicate = "skip"
    limit: int | None = None
