"""People who are not to be called, whoever asks for it: who opted out, who complained, who was called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import ForeignPhoneError, InvalidPhoneError, normalize_phone
from airflow_provider_inforu.capi.redact import is_phone_like
from airflow_provider_inforu.sending.texts import is_missing
from airflow_provider_inforu.sources.rows import BadRow

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.recipients import RecipientRules
    from airflow_provider_inforu.sending.spool import Spool


def read_suppressed(rows: Iterable[object], rules: RecipientRules, spool: Spool) -> None:
    """Remember in a spool who is not to be called.

    A row is a phone, a key, or a mapping that has one of them or both in the fields of the send. Where the
    send has no ``key_field``, keys are numbers of its rows, and name nobody here.

    :param rows: The rows.
    :param rules: How rows of the send are read.
    :param spool: Of the send.
    :raises InforuInputError: A row that names nobody. To leave it out could mean to call somebody who is not
        to be called.
    """
    for number, row in enumerate(rows, start=1):
        try:
            keys, phones = _names(row, rules)
        except InforuInputError as error:
            place = row.name if isinstance(row, BadRow) else f"row {number}"
            raise InforuInputError(
                f"suppress, {place}: {error}. Who is not to be called must be known, so nothing was "
                "sent: mend the row, or leave it out at its source"
            ) from None
        spool.suppress(keys, phones)


def _names(row: object, rules: RecipientRules) -> tuple[list[str], list[str]]:
    """Return the keys and the phones that a row names."""
    if isinstance(row, BadRow):
        raise InforuInputError(row.reason)
    if isinstance(row, Mapping):
        return _names_of_fields(row, rules)
    if isinstance(row, bool) or not isinstance(row, str | int | float) or is_missing(row):
        raise InforuInputError(f"it is a {type(row).__name__}, neither a phone, a key nor a mapping of them")
    # A customer's number of nine digits is a key, and may be a phone that lost its zero: then it is both.
    may_be_key = rules.key_field is not None and not is_phone_like(str(row).strip())
    keys = _keys(row) if may_be_key else []
    try:
        return keys, _phones(row)
    except InvalidPhoneError:
        # A phone with a digit too many is no key: to take it for one would be to call its owner.
        if not keys:
            raise
        return keys, []


def _names_of_fields(row: Mapping[Any, Any], rules: RecipientRules) -> tuple[list[str], list[str]]:
    key = None if rules.key_field is None else row.get(rules.key_field)
    phone = row.get(rules.phone_field)
    keys = [] if is_missing(key) else _keys(key)
    has_phone = not is_missing(phone) and bool(str(phone).strip())
    if not keys and not has_phone:
        fields = [name for name in (rules.phone_field, rules.key_field) if name is not None]
        raise InforuInputError(f"it has neither of the fields {', '.join(map(repr, fields))} of the send")
    return keys, _phones(phone) if has_phone else []


def _phones(raw: object) -> list[str]:
    try:
        return [normalize_phone(raw)]
    except ForeignPhoneError:
        return []  # nobody there is ever called


def _keys(raw: object) -> list[str]:
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = str(raw).strip()
    if is_phone_like(text):
        raise InforuInputError("its key looks like a phone number, which no key of a send does")
    if not text.isprintable():
        raise InforuInputError("its key has characters that cannot be shown, so it is none of the send's")
    return [text] if text else []
