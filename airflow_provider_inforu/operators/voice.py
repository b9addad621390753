"""Operators that phone each recipient of an upstream task once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_inforu.capi import voice
from airflow_provider_inforu.operators.arguments import MISSING, check_given, read_flag, text_or_none
from airflow_provider_inforu.operators.checks import (
    EXISTING_CAMPAIGN_CHECKS,
    SEND_CHECKS,
    TEXT_TO_SPEECH_CHECKS,
    Check,
    run_checks,
)
from airflow_provider_inforu.operators.send import InforuSendOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.recipients.recipient_rules import RecipientRules
    from airflow_provider_inforu.sending.request_builder import RequestBuilder


class InforuSendTextToSpeechOperator(InforuSendOperator):
    """Phone each recipient and read a text aloud (``Voice/Message/Send``).

    It also takes the arguments of `InforuSendOperator`. By default the task ends when Inforu has accepted the
    calls. To wait until the calls have ended, set ``wait_for_calls=True``.

    :param message: The text to read aloud. Airflow renders it once for the task. Then the operator replaces
        ``{name}`` by the field ``name`` of each row. ``{due:date}`` is the field ``due`` as a date is said in
        Hebrew. The formats are ``date``, ``day``, ``time``, ``money`` (in shekels) and ``digits``. None
        (default): each row needs its own text.
    :param message_field: The field with a row's own text (default ``message``). If a row has this field, the
        operator reads it instead of ``message``.
    :param campaign_name: The name of a new campaign. Inforu reports all calls of the send under it. None
        (default): no name.
    :param campaign_ref_id: Your own ID of a campaign. An ID that Inforu does not know creates a new campaign.
        If you set only ``campaign_name``, the operator uses the ``send_id``. If you set neither, Inforu
        reports the calls under its campaign of the month.
    """

    template_fields: Sequence[str] = (
        "message",
        "campaign_name",
        "campaign_ref_id",
        *InforuSendOperator.template_fields,
    )
    function = voice.SEND_TEXT_TO_SPEECH
    _checks: ClassVar[tuple[Check, ...]] = (*SEND_CHECKS, *TEXT_TO_SPEECH_CHECKS)

    def __init__(
        self,
        *,
        message: str | None = None,
        message_field: str = "message",
        campaign_name: str | None = None,
        campaign_ref_id: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - to InforuSendOperator
    ) -> None:
        super().__init__(**kwargs)
        self.message = message
        self.message_field = message_field
        self.campaign_name = campaign_name
        self.campaign_ref_id = campaign_ref_id
        run_checks(self, TEXT_TO_SPEECH_CHECKS, only_constants=True)

    def _rules(self) -> RecipientRules:
        from airflow_provider_inforu.recipients.texts import TextTemplate
        from airflow_provider_inforu.sending.window import read_zone

        message = text_or_none(self.message)
        if message is None:
            self.log.info("message is not set: each row needs a text in its field %r", self.message_field)
        template = None if message is None else TextTemplate(message, read_zone(self.timezone))
        return replace(super()._rules(), speaks=True, template=template, message_field=self.message_field)

    def _requests(self) -> RequestBuilder:
        from airflow_provider_inforu.sending.request_builder import TextToSpeechRequests

        return TextToSpeechRequests(
            campaign_name=text_or_none(self.campaign_name),
            campaign_ref_id=text_or_none(self.campaign_ref_id),
            **self._shared_options(),
        )


class InforuSendExistingCampaignOperator(InforuSendOperator):
    """Phone each recipient and play an existing campaign (``Voice/Campaign/SendExisting``).

    It also takes the arguments of `InforuSendOperator`. By default the task ends when Inforu has accepted the
    calls. To wait until the calls have ended, set ``wait_for_calls=True``.

    :param campaign_id: The ID of the campaign in the Inforu portal, as text or a whole number.
    :param duplicate: Copy the campaign and send the copy (default False). A send creates one copy, for all
        its requests.
    :param duplicate_name: The name of the copy. It needs ``duplicate=True``. None (default): Inforu names
        the copy.
    """

    template_fields: Sequence[str] = (
        "campaign_id",
        "duplicate",
        "duplicate_name",
        *InforuSendOperator.template_fields,
    )
    function = voice.SEND_EXISTING_CAMPAIGN
    _checks: ClassVar[tuple[Check, ...]] = (*SEND_CHECKS, *EXISTING_CAMPAIGN_CHECKS)

    def __init__(
        self,
        *,
        campaign_id: str | int = MISSING,
        duplicate: bool | str = False,
        duplicate_name: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - to InforuSendOperator
    ) -> None:
        check_given("campaign_id", campaign_id, kwargs)
        super().__init__(**kwargs)
        self.campaign_id = campaign_id
        self.duplicate = duplicate
        self.duplicate_name = duplicate_name
        run_checks(self, EXISTING_CAMPAIGN_CHECKS, only_constants=True)

    def _requests(self) -> RequestBuilder:
        from airflow_provider_inforu.sending.request_builder import ExistingCampaignRequests

        return ExistingCampaignRequests(
            campaign_id=voice.read_campaign_id(self.campaign_id),
            duplicate=read_flag("duplicate", self.duplicate),
            duplicate_name=text_or_none(self.duplicate_name),
            **self._shared_options(),
        )
