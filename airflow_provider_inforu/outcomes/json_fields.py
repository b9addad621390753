"""Reads the fields of a JSON object from the receiver. The errors name the field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any


def read_mapping(value: object, what: str) -> Mapping[str, Any]:
    """Return a value that must be an object.

    :param value: A JSON value.
    :param what: The name of the value in the error.
    :raises ValueError: The value is not an object.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is not a JSON object")  # noqa: TRY004 - one type for every unreadable value
    return value


def read_text(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that must be text.

    :raises ValueError: The field is not text; the message names it.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")  # noqa: TRY004 - one type for every unreadable value
    return value


def read_text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a field that is text or missing.

    :raises ValueError: The field is not text; the message names it.
    """
    return None if fields.get(name) is None else read_text(fields, name)


def read_count(value: object, name: str) -> int:
    """Return a value that must be a whole number from 0.

    :raises ValueError: The value is not such a number; the message names the field.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is not a whole number from 0")
    return value


def read_number_or_none(fields: Mapping[str, Any], name: str) -> int | None:
    """Return a field that is a whole number or missing.

    :raises ValueError: The field is not a whole number; the message names it.
    """
    value = fields.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"{name} is not a whole number")
    return value


def read_counts(fields: Mapping[str, Any], name: str) -> dict[str, int]:
    """Return a field that maps names to counts.

    :raises ValueError: The field is not such an object; the message names it.
    """
    return {str(key): read_count(value, name) for key, value in read_mapping(fields.get(name), name).items()}


def read_time(fields: Mapping[str, Any], name: str) -> dt.datetime | None:
    """Return, in UTC, a field that is a time with a time zone or missing.

    :raises ValueError: The field is not a date, or has no time zone; the message names it.
    """
    value = fields.get(name)
    if value is None:
        return None
    try:
        time = dt.datetime.fromisoformat(value)
        utc = time.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is not a date") from None
    if time.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    return utc


def read_seconds_or_none(fields: Mapping[str, Any], name: str) -> float | None:
    """Return a field that is a number of seconds or missing.

    :raises ValueError: The field is not a number; the message names it.
    """
    value = fields.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"{name} is not a number of seconds")
    return value
