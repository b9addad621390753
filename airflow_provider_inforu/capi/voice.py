"""The requests and responses of the two voice functions.

Both accept at most 100 calls in one request (guide, StatusId -2010).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.envelope import Reply, as_int, as_printable_text, build_body, get_field
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError
from airflow_provider_inforu.capi.redact import hide

if TYPE_CHECKING:
    from airflow_provider_inforu.capi.client import InforuClient

SEND_TEXT_TO_SPEECH = "Voice/Message/Send"
SEND_EXISTING_CAMPAIGN = "Voice/Campaign/SendExisting"

MAX_CALLS = 100
"""The maximum number of calls in one request (guide)."""

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
    """A call for the vendor to place. Its repr shows neither phone nor text.

    :ivar phone: The phone number in local form, such as ``0589995551`` (guide).
    :ivar text: The text to read out, for text-to-speech only; default: None.
    :ivar message_id: The CustomerMessageID, which the notification of the outcome repeats; default: None.
    """

    phone: str = field(repr=False)
    text: str | None = field(default=None, repr=False)
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class SendReceipt:
    """The vendor's receipt for one accepted request. It contains no result for single calls.

    :ivar campaign_id: The campaign of the calls; None if the response has no valid ID.
    :ivar request_token: The vendor's RequestToken; None if the response has none.
    :ivar request_id: The vendor's RequestId. It is not unique (inferred).
    :ivar calls: The number of calls in the request.
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
    """Return the field ``Data`` of ``Voice/Message/Send``.

    An argument that is None is omitted, so the vendor's default applies.

    :param calls: 1 to 100 calls, each with a text.
    :param campaign_name: The name of a new campaign.
    :param campaign_ref_id: Your ID of the campaign. An ID that was never used creates a new campaign.
    :param ignore_possible_sending_time: Whether to ignore the sending hours set in the vendor's system.
    :param data_options: Fields without an argument of their own, placed next to ``List``.
    :param call_options: Fields without an argument of their own, placed in each item of ``List``.
    :raises InforuInputError: The number of calls is not 1 to 100. A call lacks a phone or text. An option
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
    """Return the field ``Data`` of ``Voice/Campaign/SendExisting``.

    An argument that is None is omitted, so the vendor's default applies.

    :param campaign_id: The ID of the campaign. The vendor expects a string (guide).
    :param calls: 1 to 100 calls. Their text must be None, because the campaign has its own recording.
    :param duplicate: Whether to copy the campaign and send the copy.
    :param duplicate_name: The name of the copy.
    :param ignore_possible_sending_time: Whether to ignore the sending hours set in the vendor's system.
    :param data_options: Fields without an argument of their own, placed next to ``List``.
    :param call_options: Fields without an argument of their own, placed in each item of ``List``.
    :raises InforuInputError: The campaign ID is missing, or the number of calls is not 1 to 100. A call lacks
        a phone or has a text. An option would overwrite a field that this package sets.
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
    """Return a campaign ID as text, which the vendor expects.

    :param campaign_id: Text or a whole number.
    :raises InforuInputError: The ID is empty or has another type.
    """
    if isinstance(campaign_id, float) and campaign_id.is_integer():
        campaign_id = int(campaign_id)
    text = str(campaign_id).strip() if isinstance(campaign_id, str | int) else ""
    if isinstance(campaign_id, bool) or text in ("", "None"):
        raise InforuInputError(
            f"campaign_id is empty or invalid. {NO_NEW_CALLS}. Set it to the ID of a campaign from the "
            "Inforu portal"
        )
    return text


def read_receipt(reply: Reply, calls: int) -> SendReceipt:
    """Return the receipt of an accepted request.

    :param reply: The vendor's response.
    :param calls: The number of calls in the request.
    """
    campaign_id = as_int(get_field(reply.data, "CampaignID"))
    return SendReceipt(
        campaign_id=campaign_id if campaign_id and campaign_id > 0 else None,
        request_token=as_printable_text(get_field(reply.data, "RequestToken")),
        request_id=reply.request_id,
        calls=calls,
    )


def prepare_send(client: InforuClient, function: str, data: Mapping[str, Any]) -> Callable[[], SendReceipt]:
    """Prepare a request that places calls, and return a function that sends it. This sends nothing yet.

    :param client: The client of the API.
    :param function: The function of the API.
    :param data: The content of ``Data`` in the request, with the calls in ``List``.
    :return: A function. Each time you call it, it sends the request once.
    """
    calls = len(data["List"])
    prepared = client.prepare(function, data)
    return lambda: read_receipt(client.send(prepared), calls)


def check_options(data_options: Mapping[str, Any] | None, call_options: Mapping[str, Any] | None) -> None:
    """Check that options are JSON objects and do not overwrite a field that this package sets.

    :raises InforuInputError: An option is invalid; the message names the argument and the field.
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
                raise InforuInputError(
                    f"{argument} may not set {name}, because the provider sets this field. Remove it"
                )


def _check(calls: Sequence[Call], *, text_needed: bool) -> None:
    if not 1 <= len(calls) <= MAX_CALLS:
        raise InforuInputError(
            f"a request must have 1 to {MAX_CALLS} calls, but this one has {len(calls)}. Split a longer list "
            "into several requests"
        )
    for number, call in enumerate(calls, start=1):
        name = f"call {number} ({hide(str(call.message_id))})" if call.message_id else f"call {number}"
        if not isinstance(call.phone, str) or not call.phone.isdecimal():
            raise InforuInputError(
                f"{name} has no phone in local form, digits only. Pass the result of normalize_phone"
            )
        if text_needed and not (isinstance(call.text, str) and call.text.strip()):
            raise InforuInputError(f"{name} has no text. Set the text to read out")
        if not text_needed and call.text is not None:
            raise InforuInputError(
                f"{name} has a text, but an existing campaign plays its own recording. Remove the text"
            )


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
