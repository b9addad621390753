"""The functions of the vendor's API in the sandbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.statuses import StatusId
from airflow_provider_inforu.capi.voice import SEND_EXISTING_CAMPAIGN, SEND_TEXT_TO_SPEECH
from airflow_provider_inforu.sandbox.response_envelope import Answer, failure, success
from airflow_provider_inforu.sandbox.text_input import parse_text
from airflow_provider_inforu.sandbox.voice import send_existing_campaign, send_text_to_speech

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_inforu.sandbox.state import State

_USAGE_TYPES = ("SMS", "Email", "IVR")


def answer(state: State, function: str, body: object) -> Answer:
    """Carry out a request, and return the answer.

    :param state: The state at the start of the request.
    :param function: The name of the function, such as ``Voice/Message/Send``.
    :param body: The parsed JSON body of the request.
    """
    handler = _FUNCTIONS.get(function)
    if handler is None:
        return failure(StatusId.INVALID_URI, f"There is no function {function}", http_status=404)
    data = body.get("Data") if isinstance(body, dict) else None
    return handler(state, data if isinstance(data, dict) else {})


def _get_quota(state: State, data: Mapping[str, Any]) -> Answer:
    asked = parse_text(data.get("QuotaUsageType"))
    remaining = state.quota.remaining
    rows = [
        {
            "QuotaUsageType": usage_type,
            "QuotaType": "Unlimited" if remaining is None else "Packages",
            "RemainingQuota": remaining or 0,
            "WarningLevel": 0,
        }
        for usage_type in _USAGE_TYPES
        if asked in {"", usage_type}
    ]
    level = parse_text(data.get("Level")) or "User"
    return success({"Level": level, "LevelValue": parse_text(data.get("LevelValue")), "List": rows})


def _get_job_status(state: State, data: Mapping[str, Any]) -> Answer:
    request_token = parse_text(data.get("RequestToken"))
    job = state.calls.job(request_token)
    if job is None:
        return failure(StatusId.REQUEST_TOKEN_NOT_FOUND)
    now = time.time()
    if not all(call.ended(now) for call in job.calls):
        return failure(StatusId.JOB_IN_PROGRESS)
    return success({"RequestToken": request_token})


_FUNCTIONS: Mapping[str, Callable[[State, Mapping[str, Any]], Answer]] = {
    SEND_TEXT_TO_SPEECH: send_text_to_speech,
    SEND_EXISTING_CAMPAIGN: send_existing_campaign,
    "Admin/GetQuota": _get_quota,
    "Voice/Message/Status": _get_job_status,
}
