"""The two voice functions: what is sent for a batch of calls, and what comes back.

Both take at most 100 calls in one request (guide, StatusId -2010).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_inforu.capi.envelope import Reply, as_int, as_printable_text, build_body, get_field
from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.redact import hide

SEND_TEXT_TO_SPEECH = "Voice/Message/Send"
SEND_EXISTING_CAMPAIGN = "Voice/Campaign/SendExisting"

MAX_CALLS = 100
"""The most calls that one request may carry (guide)."""

_DATA_FIELDS = (
    "CampaignId",
    "CampaignName",
    "CampaignRefId",
    "Duplicate",
    "DuplicateName",
    "IgnorePossibleSendingTime",
    "List",
)
_CALL_FIELDS = ("CustomerMessageID", "Phone", "TextToSpeech")


@dataclass(frozen=True, slots=True)
class Call:
    """What the vendor is asked to place. Its repr shows neither phone nor text.

    :ivar phone: The number to call, in local form such as ``0589995551`` (guide).
    :ivar text: What is read out; only for text-to-speech.
    :ivar message_id: The vendor's CustomerMessageID, which comes back with the outcome.
    """

    phone: str = field(repr=False)
    text: str | None = field(default=None, repr=False)
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class SendReceipt:
    """The vendor's answer to one accepted request. It says nothing of single calls.

    :ivar campaign_id: The campaign under which the calls are reported.
    :ivar request_token: The vendor's RequestToken.
    :ivar request_id: The vendor's RequestId; not unique (inferred).
    :ivar calls: How many calls the request carried.
    """

    campaign_id: int | None
    request_token: str | None
    request_id: str | None = field(repr=False)
    calls: int


def text_to_speech_data(
    calls: Sequence[Call],
    *,
    campaign_name: str | None = None,
    campaign_ref_id: str | None = None,
    ignore_possible_sending_time: bool | None = None,
    data_options: Mapping[str, Any] | None = None,
    call_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return ``Data`` of ``Voice/Message/Send``. What is None is left out: the vendor's default holds.

    :param calls: 1 to 100 calls, each with a text.
    :param campaign_name: The name of a new campaign.
    :param campaign_ref_id: Your id of the campaign; one that was not used before makes a new campaign.
    :param ignore_possible_sending_time: Ignore the sending hours that are set on the system.
    :param data_options: Fields that this package does not name, put beside ``List``.
    :param call_options: Fields that this package does not name, put into each item of ``List``.
    :raises InforuInputError: No call, more than 100, a call without phone or text, or an option that
        would overwrite a field that this package sets.
    """
    _check(calls, text_needed=True)
    return _data(
        {
            "CampaignName": campaign_name,
            "CampaignRefId": campaign_ref_id,
            "IgnorePossibleSendingTime": ignore_possible_sending_time,
        },
        calls,
        data_options,
        call_options,
    )


def existing_campaign_data(
    campaign_id: str | int,
    calls: Sequence[Call],
    *,
    duplicate: bool | None = None,
    duplicate_name: str | None = None,
    ignore_possible_sending_time: bool | None = None,
    data_options: Mapping[str, Any] | None = None,
    call_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return ``Data`` of ``Voice/Campaign/SendExisting``. What is None is left out.

    :param campaign_id: The campaign to send; the vendor takes it as a string (guide).
    :param calls: 1 to 100 calls; the campaign holds what is heard, so their text must be None.
    :param duplicate: Copy the campaign first and send the copy.
    :param duplicate_name: The name of the copy.
    :param ignore_possible_sending_time: Ignore the sending hours that are set on the system.
    :param data_options: Fields that this package does not name, put beside ``List``.
    :param call_options: Fields that this package does not name, put into each item of ``List``.
    :raises InforuInputError: No campaign, no call, more than 100, a call without a phone or with a text,
        or an option that would overwrite a field that this package sets.
    """
    _check(calls, text_needed=False)
    return _data(
        {
            "CampaignId": read_campaign_id(campaign_id),
            "Duplicate": duplicate,
            "DuplicateName": duplicate_name,
            "IgnorePossibleSendingTime": ignore_possible_sending_time,
        },
        calls,
        data_options,
        call_options,
    )


def read_campaign_id(campaign_id: object) -> str:
    """Return a campaign's id as the vendor takes it, as text.

    :param campaign_id: Text or a whole number.
    :raises InforuInputError: It is empty or something else.
    """
    if isinstance(campaign_id, float) and campaign_id.is_integer():
        campaign_id = int(campaign_id)
    text = str(campaign_id).strip() if isinstance(campaign_id, str | int) else ""
    if isinstance(campaign_id, bool) or text in ("", "None"):
        raise InforuInputError(
            "campaign_id is empty or no id: which campaign of the vendor's should be sent?"
        )
    return text


def read_receipt(reply: Reply, calls: int) -> SendReceipt:
    """Return what an accepted request is known by.

    :param reply: The vendor's answer.
    :param calls: How many calls the request carried.
    """
    return SendReceipt(
        campaign_id=as_int(get_field(reply.data, "CampaignID")),
        request_token=as_printable_text(get_field(reply.data, "RequestToken")),
        request_id=reply.request_id,
        calls=calls,
    )


def check_options(data_options: Mapping[str, Any] | None, call_options: Mapping[str, Any] | None) -> None:
    """Refuse options that are no JSON object, or would overwrite a field that this package sets itself.

    :raises InforuInputError: Names the argument and the field.
    """
    for argument, options, ours in (
        ("data_options", data_options, _DATA_FIELDS),
        ("call_options", call_options, _CALL_FIELDS),
    ):
        if options is not None and not isinstance(options, Mapping):
            raise InforuInputError(f"{argument} must be a mapping, not {type(options).__name__}")
        build_body(options or {})
        taken = {name.casefold() for name in ours}
        for name in options or {}:
            if str(name).casefold() in taken:
                raise InforuInputError(f"{argument} may not set {name}: the provider sets that field itself")


def _check(calls: Sequence[Call], *, text_needed: bool) -> None:
    if not 1 <= len(calls) <= MAX_CALLS:
        raise InforuInputError(f"one request takes 1 to {MAX_CALLS} calls, and this one has {len(calls)}")
    for number, call in enumerate(calls, start=1):
        name = f"call {number} ({hide(str(call.message_id))})" if call.message_id else f"call {number}"
        if not isinstance(call.phone, str) or not call.phone.isdecimal():
            raise InforuInputError(f"{name} has no phone in local form, digits only")
        if text_needed and not (isinstance(call.text, str) and call.text.strip()):
            raise InforuInputError(f"{name} has no text to speak")
        if not text_needed and call.text is not None:
            raise InforuInputError(f"{name} has a text, but an existing campaign speaks its own")


def _data(
    fields: Mapping[str, Any],
    calls: Iterable[Call],
    data_options: Mapping[str, Any] | None,
    call_options: Mapping[str, Any] | None,
) -> dict[str, Any]:
    check_options(data_options, call_options)
    return {
        **{name: value for name, value in fields.items() if value is not None},
        **(data_options or {}),
        "List": [_item(call, call_options) for call in calls],
    }


def _item(call: Call, call_options: Mapping[str, Any] | None) -> dict[str, Any]:
    item = {"TextToSpeech": call.text, "Phone": call.phone, "CustomerMessageID": call.message_id}
    return {**{name: value for name, value in item.items() if value is not None}, **(call_options or {})}
