"""The JSON of a call's outcome, in the receiver's responses, in events and in reports."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.call_outcome import OUTCOME_FIELDS
from airflow_provider_inforu.outcomes.json_fields import read_number_or_none, read_text_or_none, read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_inforu.capi.call_outcome import CallOutcome

_READERS: Mapping[str, Callable[[Mapping[str, Any], str], object]] = {
    "status": read_text_or_none,
    "seconds": read_number_or_none,
    "digit": read_text_or_none,
    "campaign_id": read_number_or_none,
    "ended_at": read_time,
}


def outcome_to_json(outcome: CallOutcome) -> dict[str, Any]:
    """Return the fields of an outcome as plain JSON, without the fields of a subclass.

    :param outcome: The outcome.
    """
    return {name: _to_plain(getattr(outcome, name)) for name in OUTCOME_FIELDS}


def read_outcome(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a `CallOutcome` from the JSON that `outcome_to_json` returns.

    :param fields: The JSON object. Other fields are ignored.
    :raises ValueError: A field is invalid; the message names it.
    """
    return {name: read(fields, name) for name, read in _READERS.items()}


def _to_plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.datetime) else value
