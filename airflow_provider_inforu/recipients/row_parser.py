"""Parses the key, the phone and the text of a row. Recipients and the suppression list use the same rules.

No error shows a phone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import InvalidPhoneError, RoundedNumber, normalize_phone
from airflow_provider_inforu.capi.redact import is_phone_like
from airflow_provider_inforu.recipients.input_rows import BadRow
from airflow_provider_inforu.recipients.texts import is_blank, is_missing, is_silent, is_unspeakable

if TYPE_CHECKING:
    from airflow_provider_inforu.recipients.recipient_rules import RecipientRules

MAX_KEY_LENGTH = 100
"""Characters. The vendor documents no limit of the CustomerMessageID. Ours keeps logs readable."""

ROW_ERRORS = (ArithmeticError, RecursionError, TypeError, ValueError)
"""What parsing a row raises: an InforuInputError, which is a ValueError, or the error of an odd value."""

_NO_DIGIT = re.compile(r"\D")
_SHORTENED_KEY = re.compile(r"\d(?:\.\d+)?[eE]\+\d{2}")
"""The plus sign tells it from an ID such as 1E05."""
_FEWEST_DIGITS_OF_A_PHONE = 8
_MOST_BITS = 256
_KEY_SHOWS_PHONE = (
    "the key may contain a phone number, and logs show keys: use another field as the key, or write an ID "
    "number without its leading zeros"
)


class InvalidRowError(InforuInputError):
    """A row that cannot be called."""


class KeyProblem(Enum):
    """Why no recipient has a key, whatever the length of the key is."""

    SHOWS_PHONE = auto()
    UNPRINTABLE = auto()


def write_key(value: object) -> str:
    """Return a key as text without outer spaces. A missing key becomes an empty text.

    :param value: The value of a field. A spreadsheet may write a whole number as a float.
    :raises InvalidRowError: The last digits of the key may be lost.
    """
    if isinstance(value, RoundedNumber):
        raise InvalidRowError("the key is a rounded number, so its last digits may be lost")
    key = "" if is_missing(value) else str(_without_fraction(value)).strip()
    if _SHORTENED_KEY.fullmatch(key):
        raise InvalidRowError("a spreadsheet has shortened the key, so its last digits are lost")
    return key


def find_key_problem(key: str) -> KeyProblem | None:
    """Return why no recipient has a key, or None.

    :param key: The return value of `write_key`.
    """
    if is_phone_like(key):
        return KeyProblem.SHOWS_PHONE
    return None if key.isprintable() else KeyProblem.UNPRINTABLE


def describe_bad_row(error: Exception) -> str:
    """Return why a row cannot be used.

    :param error: The error of the row. If it is not ours, only its type is named: its text may hold a phone.
    """
    if isinstance(error, InforuInputError):
        return str(error)
    return f"a value cannot be read ({type(error).__name__})"


@dataclass(frozen=True, slots=True)
class RowParser:
    """Parses the rows of recipients.

    :ivar rules: The rules for reading rows.
    """

    rules: RecipientRules

    def parse_fields(self, row: object) -> Mapping[str, Any]:
        """Return the fields of a row. A row that is only a phone gets a field for it.

        :raises InvalidRowError: The row is unreadable, lacks a key, or has another type.
        """
        if isinstance(row, Mapping):
            return row
        if isinstance(row, str | int | float):
            if self.rules.key_field is not None:
                raise InvalidRowError(
                    f"the row is only a phone and has no field {self.rules.key_field!r} for its key"
                )
            return {self.rules.phone_field: row}
        if isinstance(row, BadRow):
            raise InvalidRowError(row.reason)
        raise InvalidRowError(f"the row is a {type(row).__name__}, not a phone or a mapping")

    def parse_key(self, fields: Mapping[str, Any], number: int) -> str:
        """Return the key of a row.

        :param fields: The fields of the row.
        :param number: Number of the row, from 1. It is the key if the rules name no field for it.
        :raises InvalidRowError: The key is missing or invalid.
        """
        name = self.rules.key_field
        if name is None:
            return str(number)
        value = fields.get(name)
        _check_key_type(value)
        key = write_key(value)
        if not key:
            raise InvalidRowError(f"the field {name!r} of the key is missing or empty")
        if len(key) > MAX_KEY_LENGTH or (problem := find_key_problem(key)) is KeyProblem.UNPRINTABLE:
            raise InvalidRowError(
                f"the key has more than {MAX_KEY_LENGTH} characters, or a character that cannot be printed"
            )
        if problem:
            raise InvalidRowError(_KEY_SHOWS_PHONE)
        return key

    def parse_phone(self, fields: Mapping[str, Any], key: str) -> str | InvalidPhoneError:
        """Return the phone of a row, or the error of an invalid phone.

        :param fields: The fields of the row.
        :param key: The key of the row.
        :raises InvalidRowError: The key shows the phone.
        """
        name = self.rules.phone_field
        raw = fields.get(name)
        if is_blank(raw):
            problem = (
                "the field {!r} of the phone is empty" if name in fields else "the row has no field {!r}"
            )
            return InvalidPhoneError(problem.format(name))
        try:
            phone = normalize_phone(raw)
        except InvalidPhoneError as error:
            if _share_digits(key, raw):
                raise InvalidRowError(_KEY_SHOWS_PHONE) from None
            return error
        if len(key) >= _FEWEST_DIGITS_OF_A_PHONE and phone.lstrip("0") in _read_digits(key):
            raise InvalidRowError(_KEY_SHOWS_PHONE)
        return phone

    def parse_text(self, fields: Mapping[str, Any]) -> str | None:
        """Return the text of a row: its own text, or the filled template. None: the send has no texts.

        :param fields: The fields of the row.
        :raises InvalidRowError: The text is missing or empty, or cannot be encoded.
        :raises UnfitFieldError: A field of the template is missing or invalid.
        """
        if not self.rules.speaks:
            return None
        text = fields.get(self.rules.message_field)
        if is_silent(text):
            if self.rules.template is None:
                raise InvalidRowError(
                    f"the row has no text: pass `message`, or add the field {self.rules.message_field!r}"
                )
            text = self.rules.template.fill(fields)
        if is_unspeakable(text):
            raise InvalidRowError(f"the text has type {type(text).__name__}, not text or a number")
        text = str(text)
        if is_silent(text):
            raise InvalidRowError("the text is empty")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidRowError("the text contains an incomplete character, such as a cut emoji") from None
        return text


def _without_fraction(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_key_type(value: object) -> None:
    value = _without_fraction(value)
    if isinstance(value, str) or is_missing(value):
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRowError(f"the key is a {type(value).__name__}, not text or a whole number")
    if value.bit_length() > _MOST_BITS:
        raise InvalidRowError("the key is a number with too many digits")


def _read_digits(text: str) -> str:
    """Return the digits of a text. Those of other scripts, such as Arabic, are replaced."""
    if text.isascii():
        return _NO_DIGIT.sub("", text)
    found = (unicodedata.digit(character, None) for character in text)
    return "".join(str(digit) for digit in found if digit is not None)


def _share_digits(key: str, cell: object) -> bool:
    """Return whether a key and a cell share as many digits in a row as a phone has."""
    if isinstance(cell, int) and cell.bit_length() > _MOST_BITS:
        return False  # Python refuses to convert such a number to text
    digits, found = _read_digits(key), _read_digits(str(cell)[:MAX_KEY_LENGTH])
    ends = range(_FEWEST_DIGITS_OF_A_PHONE, len(found) + 1)
    return any(found[end - _FEWEST_DIGITS_OF_A_PHONE : end] in digits for end in ends)
