"""Israeli phone numbers in local form, digits only, as in the vendor's samples (``0589995551``).

A phone is checked by length and country only. The range tables of the phonenumbers library become outdated
and would reject the numbers of a new range.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import cache

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phone_forms import make_known_forms

COUNTRY_CODE = 972
_LONG_PREFIXES = "57"
"""The first digits after the zero of mobile (05x) and internet (07x) phones. These have one digit more."""
_FEWEST_DIGITS = 8
_MOST_DIGITS = 9
"""Without the zero. The library also accepts longer forms, which reach the voice mail of a landline."""
_SERVICE_PREFIXES = "01"
"""Services such as 1-700, 1-800 and 100. They have no form with a zero, and belong to no person."""
_TOO_LARGE_A_NUMBER = 10**_MOST_DIGITS
_FLOAT = re.compile(r"^(\s*\+?\d+)\.0\s*$")
"""A whole number written as a float. Its last digit would make the number of another person."""


class InvalidPhoneError(InforuInputError):
    """The phone number is invalid. The message gives the reason and never shows the number."""


class ForeignPhoneError(InvalidPhoneError):
    """The phone number belongs to another country."""


class RoundedNumber(float):
    """A number that was written without its last digits, such as ``5.23E+08``.

    Only a phone or a key is harmed by this: the missing digits would make those of another person.
    """


def normalize_phone(raw: object) -> str:
    """Return an Israeli phone number in local form, such as ``0589995551``.

    Valid forms are ``052-123-4567``, ``+972521234567``, ``972521234567`` and ``00972…``. Spaces, brackets
    and direction marks are ignored. A number may have lost its zero in a spreadsheet: ``521234567`` as text,
    int or whole float, or pandas' ``521234567.0``.

    :param raw: Text or a whole number.
    :raises InvalidPhoneError: The phone is missing, too short or too long, or has letters or an extension.
    :raises ForeignPhoneError: The phone belongs to another country.
    """
    if type(raw) is int and 0 < raw < _TOO_LARGE_A_NUMBER:
        raw = str(raw)
    if type(raw) is str and _known_forms().fullmatch(raw):
        digits = raw.replace("-", "")
        # Only a number with the country code is longer than a local number.
        if len(digits) > _MOST_DIGITS + 1:
            digits = digits.removeprefix("+").removeprefix(f"{COUNTRY_CODE}")
        return digits if digits[0] == "0" else f"0{digits}"
    return _judge(_as_digits_text(raw))


@cache
def _known_forms() -> re.Pattern[str]:
    from phonenumbers import PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region("IL")
    return make_known_forms(_judge_probe, metadata, range(_FEWEST_DIGITS, _MOST_DIGITS + 1))


def _judge_probe(text: str) -> str | None:
    try:
        return _judge(text)
    except InvalidPhoneError:
        return None


def _judge(text: str) -> str:
    """Return the local form of a phone, according to the phonenumbers library.

    :raises InvalidPhoneError: The phone is invalid.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(text, "IL")
    except phonenumbers.NumberParseException:
        raise InvalidPhoneError("the phone is not a phone number") from None
    if number.country_code != COUNTRY_CODE:
        raise ForeignPhoneError(f"the phone belongs to another country (+{number.country_code})")
    if number.extension:
        raise InvalidPhoneError("the phone has an extension, which cannot be dialed")
    national = phonenumbers.national_significant_number(number)
    if len(national) < _FEWEST_DIGITS:
        raise InvalidPhoneError("the phone has too few digits")
    if national[0] in _SERVICE_PREFIXES:
        raise InvalidPhoneError("the phone is a service number")
    types = phonenumbers.PhoneNumberType
    kind = types.MOBILE if national[0] in _LONG_PREFIXES else types.FIXED_LINE
    result = phonenumbers.is_possible_number_for_type_with_reason(number, kind)
    if result != phonenumbers.ValidationResult.IS_POSSIBLE or len(national) > _MOST_DIGITS:
        raise InvalidPhoneError("the phone has the wrong number of digits")
    return f"0{national}"


def _as_digits_text(raw: object) -> str:
    if isinstance(raw, RoundedNumber):
        raise InvalidPhoneError("the phone is a rounded number, so its last digits may be lost")
    # An empty cell turns the numbers of a spreadsheet column into floats. Some databases return decimals.
    if isinstance(raw, float | Decimal) and math.isfinite(raw) and raw == int(raw):
        raw = int(raw)
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        raise InvalidPhoneError("the phone is missing")
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise InvalidPhoneError(f"the phone is a {type(raw).__name__}, not text or a whole number")
    if isinstance(raw, int) and raw.bit_length() > 64:
        raise InvalidPhoneError("the phone has the wrong number of digits")
    text = str(raw)
    if any(character.isalpha() for character in text):
        raise InvalidPhoneError("the phone has letters in it")
    return _FLOAT.sub(r"\1", text)
