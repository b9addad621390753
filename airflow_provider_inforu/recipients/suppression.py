"""Reads the suppression list: people who opted out, complained or were already called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import ForeignPhoneError, InvalidPhoneError, normalize_phone
from airflow_provider_inforu.capi.redact import hide_phones, is_phone_like, may_be_mistyped_phone
from airflow_provider_inforu.recipients.input_rows import BadRow, RecipientsError
from airflow_provider_inforu.recipients.row_parser import (
    ROW_ERRORS,
    KeyProblem,
    describe_bad_row,
    find_key_problem,
    write_key,
)
from airflow_provider_inforu.recipients.texts import is_blank, is_missing

if TYPE_CHECKING:
    from airflow_provider_inforu.recipients.recipient_rules import RecipientRules
    from airflow_provider_inforu.recipients.recipient_store import RecipientStore

_LONGEST_SHOWN = 100
_SHORTENED_NUMBER = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{1,2}")


def read_suppressed(rows: Iterable[object], rules: RecipientRules, store: RecipientStore) -> None:
    """Store the entries of the suppression list in the recipient store.

    A row is a phone, a key, or a mapping with a phone, a key or both in the fields of the send. Without
    ``key_field``, rows cannot contain keys, because the keys of the send are row numbers.

    :param rows: The rows of the suppression list.
    :param rules: The rules for reading the rows of the send.
    :param store: The recipient store of the send.
    :raises RecipientsError: A row is invalid. It is not ignored, because a suppressed person could be called.
    """
    for number, row in enumerate(rows, start=1):
        try:
            keys, phones = _names(row, rules)
        except ROW_ERRORS as error:
            place = row.name if isinstance(row, BadRow) else f"row {number}"
            raise RecipientsError(
                f"`suppress`, {place}: {describe_bad_row(error)}, so the suppression list is incomplete.",
                "Correct the row, or remove it from the list.",
            ) from None
        store.suppress(number, keys, phones, None if phones else _shown(keys))


def _shown(keys: list[str]) -> str | None:
    """Return the first key that a message may show: a short key that cannot be a mistyped phone."""
    return next((key for key in keys if hide_phones(key) == key and len(key) <= _LONGEST_SHOWN), None)


def _names(row: object, rules: RecipientRules) -> tuple[list[str], list[str]]:
    """Return the keys and the phones in a row."""
    if isinstance(row, BadRow):
        raise InforuInputError(row.reason)
    if isinstance(row, Mapping):
        return _names_of_fields(row, rules)
    if isinstance(row, bool) or not isinstance(row, str | int | float) or is_missing(row):
        raise InforuInputError(f"the row is a {type(row).__name__}, not a phone, a key or a mapping of them")
    # A number of nine digits may be a key, or a phone without its leading zero. It then counts as both.
    text = str(row).strip()
    if _SHORTENED_NUMBER.fullmatch(text):
        raise InforuInputError("a spreadsheet has shortened this number, so its last digits are lost")
    may_be_key = rules.key_field is not None and not (is_phone_like(text) or may_be_mistyped_phone(text))
    keys = _keys(row) if may_be_key else []
    try:
        return keys, _phones(row)
    except InvalidPhoneError:
        # A mistyped phone must not count as a key: then the owner of the phone would be called.
        if not keys:
            raise
        return keys, []


def _names_of_fields(row: Mapping[Any, Any], rules: RecipientRules) -> tuple[list[str], list[str]]:
    keys = [] if rules.key_field is None else _keys(row.get(rules.key_field))
    phone = row.get(rules.phone_field)
    if not keys and is_blank(phone):
        fields = [name for name in (rules.phone_field, rules.key_field) if name is not None]
        raise InforuInputError(f"the row has no value in {' or '.join(map(repr, fields))}")
    return keys, [] if is_blank(phone) else _phones(phone)


def _phones(raw: object) -> list[str]:
    try:
        return [normalize_phone(raw)]
    except ForeignPhoneError:
        return []  # foreign phones are never called


def _keys(raw: object) -> list[str]:
    key = write_key(raw)
    problem = find_key_problem(key)
    if problem is KeyProblem.SHOWS_PHONE:
        raise InforuInputError("the key may contain a phone number, and such a key matches no recipient")
    if problem:
        raise InforuInputError(
            "the key contains characters that cannot be printed, and such a key matches no recipient"
        )
    return [key] if key else []
