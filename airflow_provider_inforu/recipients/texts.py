"""Fills texts with ``{field}`` placeholders from a recipient's row."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.capi.time_zone import ISRAEL
from airflow_provider_inforu.recipients.hebrew_formats import FORMATS, FormatValueError
from airflow_provider_inforu.recipients.input_rows import RecipientsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_missing(value: object) -> bool:
    """Return whether a field has no value: None, NaN or pandas' NA."""
    try:
        return value is None or bool(value != value)
    except ArithmeticError:  # a signaling NaN
        return True
    except (TypeError, ValueError):  # pandas' NA and arrays have no single result of a comparison
        return type(value).__name__ == "NAType"


class UnfitFieldError(InforuInputError):
    """A field of the text is missing, or its value is invalid for the format."""


class TextTemplate:
    """A text with placeholders. ``{name}`` is replaced by the field ``name`` of a row.

    ``{name:format}`` formats the value as spoken Hebrew. `FORMATS` lists the formats. Write ``{{`` and ``}}``
    for braces.

    :param template: The text with placeholders.
    :param zone: Time zone of the recipients, for times with another zone. None (default): Israel.
    :raises RecipientsError: A brace is not closed, or a placeholder is invalid. A valid placeholder is the
        name of a field, or a name and a format.
    """

    def __init__(self, template: str, zone: ZoneInfo | None = None) -> None:
        self._zone = zone or ZoneInfo(ISRAEL)
        try:
            self._parts = list(Formatter().parse(template))
        except ValueError as error:
            raise RecipientsError(
                f"`message` has a brace that is not part of a placeholder ({error}).",
                "For a brace that is read aloud, write {{ '{{' }} or }}.",
            ) from None
        for _, name, spec, conversion in self._parts:
            if name is not None and (not name.isidentifier() or conversion or spec not in ("", *FORMATS)):
                shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
                raise RecipientsError(
                    f"`message` has the invalid placeholder {{{hide_phones(shown)}}}.",
                    "Write the name of a field, such as {name}, or a name and a format, such as {due:date}. "
                    f"Formats are {', '.join(FORMATS)}.",
                )

    def fill(self, row: Mapping[str, Any]) -> str:
        """Return the text of a row.

        :param row: The fields of the row. None and NaN count as missing fields.
        :raises UnfitFieldError: A field is missing or invalid for its format. The message names the field.
        """
        return "".join(
            literal + ("" if name is None else self._value(row, name, spec or ""))
            for literal, name, spec, _ in self._parts
        )

    def _value(self, row: Mapping[str, Any], name: str, spec: str) -> str:
        value = row.get(name)
        if is_missing(value):
            raise UnfitFieldError(f"the field {name!r} of the message is missing or empty")
        if not spec:
            return str(value)
        try:
            return FORMATS[spec](value, self._zone)
        except FormatValueError as error:
            raise UnfitFieldError(f"the field {name!r} is invalid for {{{name}:{spec}}}: {error}") from None
