"""Reads the loosely typed values of a request."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[-\s]")
# A local number (0501234567, 031234567) or one with Israel's country code.
_PHONE = re.compile(r"(?:0|\+?972)[2-9]\d{7,8}")


def parse_text(value: object) -> str:
    """Return a string or whole number as text; an empty text for any other or missing value."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def yes(value: object) -> bool:
    """Return the value of a flag. The guide calls Duplicate a bool, but also shows ``"Duplicate" = 1``."""
    return value is True or parse_text(value).lower() in {"1", "true"}


def valid_phone(value: object) -> str | None:
    """Return a phone in local form, or ``None`` if the value is invalid (assumed)."""
    phone = _SEPARATORS.sub("", parse_text(value))
    if not phone.isascii() or not _PHONE.fullmatch(phone):
        return None
    return phone if phone.startswith("0") else "0" + phone.removeprefix("+").removeprefix("972")
