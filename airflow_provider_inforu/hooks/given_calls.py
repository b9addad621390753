"""Read the argument ``calls`` of the hook: mappings, dataclasses or `Call` objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import normalize_phone
from airflow_provider_inforu.capi.voice import Call

_CALL_FIELDS = {"phone", "text", "message_id"}


def read_calls(calls: Iterable[Call | Mapping[str, Any]]) -> list[Call]:
    """Return calls as `Call` objects.

    :param calls: The argument of `InforuHook.send_text_to_speech`.
    :raises InforuInputError: A call is invalid. The message contains the number of the call, because the
        phone and the ID must stay hidden.
    """
    if isinstance(calls, str | bytes | Mapping) or not isinstance(calls, Iterable):
        raise InforuInputError(f"`calls` must be a list of mappings or of Call, not {type(calls).__name__}.")
    return [_read_call(call, number) for number, call in enumerate(calls, start=1)]


def _read_call(call: object, number: int) -> Call:
    if isinstance(call, Call):
        return call
    if is_dataclass(call) and not isinstance(call, type):
        call = asdict(call)
    if not isinstance(call, Mapping):
        raise InforuInputError(f"Call {number} is a {type(call).__name__}, not a mapping or a dataclass.")
    if set(call) - _CALL_FIELDS:
        raise InforuInputError(
            f"Call {number} has an unknown field. Known fields are {', '.join(sorted(_CALL_FIELDS))}."
        )
    message_id = None if call.get("message_id") is None else str(call["message_id"])
    try:
        phone = normalize_phone(call.get("phone"))
    except InforuInputError as error:
        raise InforuInputError(f"Call {number}: {error}.") from None
    return Call(phone=phone, text=call.get("text"), message_id=message_id)
