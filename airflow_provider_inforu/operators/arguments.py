"""Arguments that a template may have turned into text."""

from __future__ import annotations

from airflow_provider_inforu.capi.errors import InforuInputError


def read_flag(name: str, value: object) -> bool:
    """Return an argument that is a bool, or a template's text of one.

    :param name: The argument, for the error.
    :param value: Its value.
    :raises InforuInputError: It is neither.
    """
    text = str(value).strip().lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0", "none", ""):
        return False
    raise InforuInputError(f"{name} must be true or false, not {value!r}: nothing was sent")


def text_or_none(value: object) -> str | None:
    """Return an argument as text. A template of nothing gives "None", which nobody should hear or read.

    :param value: Its value.
    """
    return None if value is None or str(value) in ("", "None") else str(value)
