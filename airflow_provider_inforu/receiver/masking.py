"""Masks phones before they are stored, unless the administrator chose to store them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.receiver.tables import PHONE_LENGTH

if TYPE_CHECKING:
    from airflow_provider_inforu.receiver.receiver_settings import StorePhones

_SHOWN_DIGITS = 3
_LONGEST_PHONE = 255
# Texts with many digits that are not phones: dates, and message IDs of this provider.
_HARMLESS = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?|[0-9a-f]{16}-.{1,3}")


def stored_phone(phone: str | None, how: StorePhones) -> str | None:
    """Return the part of a phone to store.

    :param phone: The phone in the vendor's spelling, or None.
    :param how: ``masked`` for the last three digits, ``full`` for all digits, or ``none``.
    """
    if phone is None or how == "none":
        return None
    digits = "".join(character for character in phone[:_LONGEST_PHONE] if character.isdecimal())
    if how == "full":
        return digits[:PHONE_LENGTH]
    hidden = max(len(digits) - _SHOWN_DIGITS, _SHOWN_DIGITS)
    return ("*" * hidden + digits[hidden:])[-PHONE_LENGTH:]


def hide_phones_in(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Return a JSON value with hidden phones.

    :param value: The value. Its texts, field names and numbers are checked.
    """
    if isinstance(value, str):
        return value if _HARMLESS.fullmatch(value) else hide_phones(value)
    if isinstance(value, Mapping):
        return {hide_phones(name): hide_phones_in(content) for name, content in value.items()}
    if isinstance(value, list):
        return [hide_phones_in(item) for item in value]
    if isinstance(value, int | float) and (hidden := hide_phones(str(value))) != str(value):
        return hidden
    return value
