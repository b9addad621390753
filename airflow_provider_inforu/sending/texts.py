"""Texts with ``{field}`` placeholders, filled from a recipient's row."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuInputError

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_missing(value: object) -> bool:
    """Return whether a field has no value: None, or NaN, which is how pandas writes it."""
    return value is None or bool(value != value)


class MissingFieldError(InforuInputError):
    """A row lacks a field that the text speaks of."""


class TextTemplate:
    """A text in which ``{name}`` stands for the field ``name`` of a row; ``{{`` and ``}}`` are braces.

    :param template: The text.
    :raises InforuInputError: A brace that is not closed, or a placeholder that is more than a field's name.
    """

    def __init__(self, template: str) -> None:
        try:
            self._parts = list(Formatter().parse(template))
        except ValueError as error:
            raise InforuInputError(f"the message has a brace that is not a placeholder: {error}") from None
        for _, name, spec, conversion in self._parts:
            if name is not None and (not name.isidentifier() or spec or conversion):
                shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
                raise InforuInputError(
                    f"the message has the placeholder {{{shown}}}: a placeholder is the name of a field "
                    "and nothing else, such as {name}"
                )

    def fill(self, row: Mapping[str, Any]) -> str:
        """Return the text for one row.

        :param row: The recipient's fields; None and NaN count as missing, since nobody should hear them.
        :raises MissingFieldError: Names the field.
        """
        return "".join(
            literal + ("" if name is None else self._value(row, name)) for literal, name, _, _ in self._parts
        )

    @staticmethod
    def _value(row: Mapping[str, Any], name: str) -> str:
        value = row.get(name)
        if is_missing(value):
            raise MissingFieldError(f"the message speaks of {{{name}}}, which the row lacks")
        return str(value)
