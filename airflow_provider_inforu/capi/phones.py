"""Phone numbers as the vendor's samples write them: Israeli, local form, digits only (``0589995551``).

Judged by possibility (length and country), not by the phonenumbers library's range tables: these age, and
a number range that was opened yesterday is no reason to leave a person out.
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
"""After the zero: mobile (05x) and internet telephony (07x) have one digit more than a geographic number."""
_FEWEST_DIGITS = 8
_MOST_DIGITS = 9
"""Without the zero. The library also knows longer forms, which reach a landline's voice mail."""
_SERVICE_PREFIXES = "01"
"""1-700, 1-800, 100: numbers of services, which have no form with a zero and are no person's."""
_TOO_LARGE_A_NUMBER = 10**_MOST_DIGITS
_FLOAT = re.compile(r"^(\s*\+?\d+)\.0\s*$")
"""A whole number that was written as a float. Its last digit would make another person's number."""


class InvalidPhoneError(InforuInputError):
    """Not a phone number that can be called. The message says why and never shows the number."""


class ForeignPhoneError(InvalidPhoneError):
    """A phone number of another country."""


def normalize_phone(raw: object) -> str:
    """Return an Israeli phone number in local form, such as ``0589995551``.

    Takes ``052-123-4567``, ``+972521234567``, ``972521234567``, ``00972…``, a number that lost its zero in
    a spreadsheet (``521234567``, as text, int or whole float) and became a float in pandas
    (``521234567.0``), spaces, brackets and direction marks.

    :param raw: Text or a whole number.
    :raises InvalidPhoneError: Missing, letters or an extension in it, too short, too long.
    :raises ForeignPhoneError: It is another country's.
    """
    if type(raw) is int and 0 < raw < _TOO_LARGE_A_NUMBER:
        raw = str(raw)
    if type(raw) is str and _known_forms().fullmatch(raw):
        digits = raw.replace("-", "")
        # Longer than any other number with its zero.
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
    """Return the local form of a phone as the library reads it.

    :raises InvalidPhoneError: See `normalize_phone`.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(text, "IL")
    except phonenumbers.NumberParseException:
        raise InvalidPhoneError("the phone is not a phone number") from None
    if number.country_code != COUNTRY_CODE:
        raise ForeignPhoneError(f"the phone belongs to another country (+{number.country_code})")
    if number.extension:
        raise InvalidPhoneError("the phone has an extension, which cannot be dialled")
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
    # A spreadsheet's column with an empty cell turns numbers into floats; some databases have decimals only.
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
