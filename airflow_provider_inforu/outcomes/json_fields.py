"""Reads the fields of a JSON object that the receiver sent, with errors that name the field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any


def read_mapping(value: object, what: str) -> Mapping[str, Any]:
    """Return a value that must be an object.

    :param value: A JSON value.
    :param what: What an error calls it.
    :raises ValueError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is no JSON object")  # noqa: TRY004 - one type for all that cannot be read
    return value


def read_text(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that must be text.

    :raises ValueError: It is something else; the message names the field.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")  # noqa: TRY004 - one type for all that cannot be read
    return value


def read_text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a field that is text or missing.

    :raises ValueError: It is something else; the message names the field.
    """
    return None if fields.get(name) is None else read_text(fields, name)


def read_count(value: object, name: str) -> int:
    """Return a value that must be a whole number from 0.

    :raises ValueError: It is something else; the message names the field.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is no number of calls")
    return value


def read_number_or_none(fields: Mapping[str, Any], name: str) -> int | None:
    """Return a field that is a whole number or missing.

    :raises ValueError: It is something else; the message names the field.
    """
    value = fields.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"{name} is no whole number")
    return value


def read_counts(fields: Mapping[str, Any], name: str) -> dict[str, int]:
    """Return a field that maps names to counts.

    :raises ValueError: It is something else; the message names the field.
    """
    return {str(key): read_count(value, name) for key, value in read_mapping(fields.get(name), name).items()}


def read_time(fields: Mapping[str, Any], name: str) -> dt.datetime | None:
    """Return a field that is a moment with a time zone, or missing; in UTC.

    :raises ValueError: It is something else; the message names the field.
    """
    value = fields.get(name)
    if value is None:
        return None
    try:
        time = dt.datetime.fromisoformat(value)
        utc = time.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is no date") from None
    if time.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    return utc
