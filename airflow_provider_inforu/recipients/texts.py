"""Fills texts with ``{field}`` placeholders from a recipient's row."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from inspect import isroutine
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


_INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Zs"}
"""Unicode's categories of controls, of marks such as that of the direction, and of spaces."""


def is_missing(value: object) -> bool:
    """Return whether a field has no value: None, NaN or pandas' NA."""
    try:
        return value is None or bool(value != value)
    except ArithmeticError:  # a signaling NaN
        return True
    except (TypeError, ValueError):  # pandas' NA and arrays have no single result of a comparison
        return type(value).__name__ == "NAType"


def is_blank(value: object) -> bool:
    """Return whether a field has no value, or only spaces."""
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def is_silent(value: object) -> bool:
    """Return whether a field has nothing to read aloud: no value, or only spaces and invisible characters."""
    if isinstance(value, str):
        return not any(_is_visible(character) for character in value.strip())
    return is_missing(value)


def _is_visible(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) not in _INVISIBLE


def is_unspeakable(value: object) -> bool:
    """Return whether a value has no text to read aloud: a bool, a list, a mapping, bytes, or any object."""
    kind = type(value)
    if kind is str:
        return False
    has_no_text = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    if has_no_text or kind is bool or isinstance(value, type) or isroutine(value):
        return True
    return isinstance(value, Collection) and not isinstance(value, str)


class UnfitFieldError(InforuInputError):
    """A field of the text is missing, has no text, or its value is invalid for the format."""


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

        :param row: The fields of the row. None, NaN and an empty text count as missing fields.
        :raises UnfitFieldError: A field is missing or invalid for its format. The message names the field.
        """
        return "".join(
            literal + ("" if name is None else self._value(row, name, spec or ""))
            for literal, name, spec, _ in self._parts
        )

    def _value(self, row: Mapping[str, Any], name: str, spec: str) -> str:
        value = row.get(name)
        if is_silent(value):
            raise UnfitFieldError(f"the field {name!r} of the message is missing or empty")
        if not spec:
            if is_unspeakable(value):
                kind = type(value).__name__
                raise UnfitFieldError(
                    f"the field {name!r} of the message has type {kind}, not text or a number"
                )
            return str(value)
        try:
            return FORMATS[spec](value, self._zone)
        except FormatValueError as error:
            raise UnfitFieldError(f"the field {name!r} is invalid for {{{name}:{spec}}}: {error}") from None
