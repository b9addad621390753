"""The two voice functions. They check a request like the vendor, and record the calls."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.statuses import StatusId
from airflow_provider_inforu.capi.voice import MAX_CALLS, SEND_EXISTING_CAMPAIGN, SEND_TEXT_TO_SPEECH
from airflow_provider_inforu.sandbox.call_book import Item, Job
from airflow_provider_inforu.sandbox.clock import israel_month
from airflow_provider_inforu.sandbox.response_envelope import Answer, failure, success
from airflow_provider_inforu.sandbox.text_input import parse_text, valid_phone, yes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_inforu.sandbox.campaigns import Campaign
    from airflow_provider_inforu.sandbox.state import State


def send_text_to_speech(state: State, data: Mapping[str, Any]) -> Answer:
    """Accept text-to-speech calls: the function ``Voice/Message/Send``."""
    items = _items(data)
    refusal = _refuse_list(items) or _refuse_texts(items)
    if refusal:
        return refusal
    called = [
        Item(phone, parse_text(item.get("TextToSpeech")), _message_id(item)) for phone, item in _valid(items)
    ]
    refusal = _refuse_recipients(state, called)
    if refusal:
        return refusal
    ref_id = parse_text(data.get("CampaignRefId"))
    name = parse_text(data.get("CampaignName")) if ref_id else ""
    campaign = state.campaigns.for_ref_id(ref_id or f"Default{israel_month(time.time())}", name)
    return _accept(state, SEND_TEXT_TO_SPEECH, campaign, called)


def send_existing_campaign(state: State, data: Mapping[str, Any]) -> Answer:
    """Accept calls of an existing campaign: the function ``Voice/Campaign/SendExisting``."""
    items = _items(data)
    refusal = _refuse_list(items)
    if refusal:
        return refusal
    campaign = _existing_campaign(state, data)
    if campaign is None:
        return failure(StatusId.WRONG_NUMBER_PARAMETER, "CampaignId: there is no such campaign")
    called = [Item(phone, None, _message_id(item)) for phone, item in _valid(items)]
    refusal = _refuse_recipients(state, called)
    if refusal:
        return refusal
    if yes(data.get("Duplicate")):
        campaign = state.campaigns.duplicate(campaign, parse_text(data.get("DuplicateName")))
    return _accept(state, SEND_EXISTING_CAMPAIGN, campaign, called)


def _items(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = data.get("List")
    if not isinstance(items, list):
        return []
    return [item if isinstance(item, dict) else {} for item in items]


def _valid(items: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for item in items:
        phone = valid_phone(item.get("Phone"))
        if phone:
            yield phone, item


def _message_id(item: Mapping[str, Any]) -> str:
    return parse_text(item.get("CustomerMessageID"))


def _existing_campaign(state: State, data: Mapping[str, Any]) -> Campaign | None:
    try:
        return state.campaigns.get(int(parse_text(data.get("CampaignId"))))
    except ValueError:
        return None


def _refuse_list(items: Sequence[Mapping[str, Any]]) -> Answer | None:
    if not items:
        return failure(StatusId.RECIPIENTS_MISSING)
    if len(items) > MAX_CALLS:
        return failure(StatusId.TOO_MANY_RECORDS_100)
    return None


def _refuse_texts(items: Sequence[Mapping[str, Any]]) -> Answer | None:
    if all(parse_text(item.get("TextToSpeech")) for item in items):
        return None
    return failure(StatusId.MESSAGE_TEXT_MISSING)


def _refuse_recipients(state: State, called: Sequence[Item]) -> Answer | None:
    if not called:
        return failure(StatusId.NO_VALID_RECIPIENTS)
    if not state.quota.take(len(called)):
        return failure(StatusId.CUSTOMER_QUOTA_EXCEEDED)
    return None


def _accept(state: State, function: str, campaign: Campaign, called: Sequence[Item]) -> Answer:
    request_token = secrets.token_hex(8)
    now = time.time()
    state.calls.accept(
        Job(
            request_token=request_token,
            function=function,
            campaign_id=campaign.campaign_id,
            accepted_at=now,
            ends_at=now + state.settings.call_seconds,
            seed=state.settings.seed,
            items=called,
        )
    )
    state.campaigns.count_calls(campaign, len(called))
    return success({"CampaignID": campaign.campaign_id, "RequestToken": request_token})
