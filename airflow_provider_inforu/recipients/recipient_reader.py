"""Makes recipients of rows: normalizes phones, checks rows, skips duplicates and finds keys.

Logs, errors and results name a recipient by its key, and never show its phone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import InvalidPhoneError, normalize_phone
from airflow_provider_inforu.capi.redact import is_phone_like
from airflow_provider_inforu.recipients.input_rows import BadRow, RecipientsError, show_columns
from airflow_provider_inforu.recipients.recipient_store import Recipient, RecipientStore, Skipped
from airflow_provider_inforu.recipients.row_kinds import open_rows
from airflow_provider_inforu.recipients.skip_reasons import NAMES_SHOWN, count_rows, group_by_reason
from airflow_provider_inforu.recipients.suppression import read_suppressed
from airflow_provider_inforu.recipients.texts import is_missing

if TYPE_CHECKING:
    from airflow_provider_inforu.recipients.recipient_rules import RecipientRules

MAX_KEY_LENGTH = 100
"""Characters. The vendor documents no limit of the CustomerMessageID. Ours keeps logs readable."""

DUPLICATE_PHONE = "an earlier row has the same phone"
SUPPRESSED = "suppressed"
_VALID = (DUPLICATE_PHONE, SUPPRESSED)

_NO_DIGIT = re.compile(r"\D")
_FEWEST_DIGITS_OF_A_PHONE = 8
_MOST_BITS = 256
_KEY_SHOWS_PHONE = (
    "the key may contain a phone number, and logs show keys: use another field as the key, or write an ID "
    "number without its leading zeros"
)


@dataclass(frozen=True, slots=True)
class RecipientList:
    """The recipients of a send and its skipped rows, in the order of the rows.

    :ivar recipients: The recipients to call.
    :ivar skipped: The skipped rows.
    :ivar unmatched: The number of entries of ``suppress`` that matched no row.
    :ivar first_unmatched: The first of these entries: the number of each one, and a key that may be shown.
    """

    recipients: Sequence[Recipient]
    skipped: Sequence[Skipped]
    unmatched: int = 0
    first_unmatched: Sequence[tuple[int, str | None]] = ()


class _InvalidRowError(InforuInputError):
    """A row that cannot be called."""


def read_recipients(rows: object, rules: RecipientRules, suppressed: object | None = None) -> RecipientList:
    """Read rows, and return the recipients and the skipped rows.

    :param rows: The rows: a list of phones, a list of mappings, or `StreamedRows`. Streamed rows are closed
        at the end.
    :param rules: The rules for reading rows.
    :param suppressed: The suppression list, in the same forms. See `read_suppressed`. None (default): no
        suppression list.
    :raises SourceError: The source of the rows cannot be read.
    :raises RecipientsError: The rows have an invalid type, all rows are invalid, or a row of ``suppressed``
        is invalid. With ``invalid_recipients="fail"``: a row is invalid. With ``on_duplicate="fail"``: a
        phone is repeated. The message lists keys and rows, grouped by reason.
    """
    reader = _Reader(rules)
    if suppressed is not None:
        with open_rows(suppressed, "suppress") as names:
            read_suppressed(names, rules, reader.store)
    with open_rows(rows, "recipients") as numbered:
        for number, row in enumerate(numbered, start=1):
            reader.add(row, number)
            if len(reader.store.recipients) == rules.limit:
                break
    reader.check()
    store = reader.store
    return RecipientList(
        store.recipients, store.skipped, store.count_unmatched(), store.read_unmatched(NAMES_SHOWN)
    )


class _Reader:
    def __init__(self, rules: RecipientRules) -> None:
        self._rules = rules
        self._columns: str | None = None
        self.store = RecipientStore()
        self.invalid = 0
        self.duplicates = 0

    def add(self, row: object, number: int) -> None:
        has_key = False
        try:
            fields = self._fields(row)
            key = self._key(fields, number)
            phone = self._phone(fields, key)
            # Skipped rows also register their keys, so that the report contains each key once.
            if not self.store.register_key(key):
                raise _InvalidRowError("an earlier row has the same key")
            has_key = True
            if isinstance(phone, InvalidPhoneError):
                raise phone
            recipient = Recipient(key, phone, self._text(fields) if self._rules.speaks else None)
        except InforuInputError as error:
            self.invalid += 1
            place = row.name if isinstance(row, BadRow) else f"row {number}"
            self.store.skipped.append(Skipped(key if has_key else place, str(error), has_key))
            return
        if self.store.match_suppressed(key, phone):
            self.store.register_phone(phone)  # so that a later row with this phone is a duplicate
            self.store.skipped.append(Skipped(key, SUPPRESSED))
        elif self._rules.on_duplicate == "send" or self.store.register_phone(phone):
            self.store.recipients.append(recipient)
        else:
            self.duplicates += 1
            self.store.skipped.append(Skipped(key, DUPLICATE_PHONE))

    def check(self) -> None:
        """Raise an error if the rules do not allow a send with these rows.

        :raises RecipientsError: All rows are invalid, or the rules do not allow a skipped row. The message
            lists keys and rows, grouped by reason.
        """
        skipped = self.store.skipped
        if self.invalid and self.invalid == len(skipped) and not self.store.recipients:
            which = "The only row is invalid" if self.invalid == 1 else f"All {self.invalid} rows are invalid"
            columns = f" The columns of the first row are {self._columns}." if self._columns else ""
            raise RecipientsError(
                f"{which}: {self._group(skipped)}.{columns}",
                "Check `phone_field`, `key_field`, `message` and the upstream output.",
            )
        if self.invalid and self._rules.invalid_recipients == "fail":
            invalid = (row for row in skipped if row.reason not in _VALID)
            raise RecipientsError(
                f"{count_rows(self.invalid)} cannot be called: {self._group(invalid)}.",
                "Correct the rows, or skip them with invalid_recipients='skip'.",
            )
        if self.duplicates and self._rules.on_duplicate == "fail":
            duplicates = (row for row in skipped if row.reason == DUPLICATE_PHONE)
            raise RecipientsError(
                f"{count_rows(self.duplicates)} cannot be called: {self._group(duplicates)}.",
                "Call each phone once with on_duplicate='skip', or each row with on_duplicate='send'.",
            )

    def _group(self, skipped: Iterable[Skipped]) -> str:
        return group_by_reason(skipped, keys_are_rows=self._rules.key_field is None)

    def _fields(self, row: object) -> Mapping[str, Any]:
        if isinstance(row, Mapping):
            if self._columns is None:
                self._columns = show_columns(row)
            return row
        if isinstance(row, str | int | float):
            if self._rules.key_field is not None:
                raise _InvalidRowError(
                    f"the row is only a phone and has no field {self._rules.key_field!r} for its key"
                )
            return {self._rules.phone_field: row}
        if isinstance(row, BadRow):
            raise _InvalidRowError(row.reason)
        raise _InvalidRowError(f"the row is a {type(row).__name__}, not a phone or a mapping")

    def _key(self, fields: Mapping[str, Any], number: int) -> str:
        if self._rules.key_field is None:
            return str(number)
        value = fields.get(self._rules.key_field)
        key = str(value).strip() if isinstance(value, str) else self._write_key(value)
        if not key:
            raise _InvalidRowError(f"the field {self._rules.key_field!r} of the key is missing or empty")
        if len(key) > MAX_KEY_LENGTH or not key.isprintable():
            raise _InvalidRowError(
                f"the key has more than {MAX_KEY_LENGTH} characters, or a character that cannot be printed"
            )
        if is_phone_like(key):
            raise _InvalidRowError(_KEY_SHOWS_PHONE)
        return key

    def _write_key(self, value: object) -> str:
        """Return the text of a key that is not text. A missing key becomes an empty text."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if is_missing(value):
            return ""
        if isinstance(value, bool) or not isinstance(value, int):
            raise _InvalidRowError(f"the key is a {type(value).__name__}, not text or a whole number")
        if value.bit_length() > _MOST_BITS:
            raise _InvalidRowError("the key is a number with too many digits")
        return str(value)

    def _phone(self, fields: Mapping[str, Any], key: str) -> str | InvalidPhoneError:
        """Return the phone, or the error of an invalid phone. Check that the key does not show the phone."""
        name = self._rules.phone_field
        raw = fields.get(name)
        if is_missing(raw) or (isinstance(raw, str) and not raw.strip()):
            problem = (
                "the field {!r} of the phone is empty" if name in fields else "the row has no field {!r}"
            )
            return InvalidPhoneError(problem.format(name))
        try:
            phone = normalize_phone(raw)
        except InvalidPhoneError as error:
            if _share_digits(key, raw):
                raise _InvalidRowError(_KEY_SHOWS_PHONE) from None
            return error
        if len(key) >= _FEWEST_DIGITS_OF_A_PHONE and phone.lstrip("0") in _NO_DIGIT.sub("", key):
            raise _InvalidRowError(_KEY_SHOWS_PHONE)
        return phone

    def _text(self, fields: Mapping[str, Any]) -> str:
        text = fields.get(self._rules.message_field)
        if is_missing(text) or not str(text).strip():
            if self._rules.template is None:
                raise _InvalidRowError(
                    f"the row has no text: pass `message`, or add the field {self._rules.message_field!r}"
                )
            text = self._rules.template.fill(fields)
        text = str(text)
        if not text.strip():
            raise _InvalidRowError("the text is empty")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _InvalidRowError("the text contains an incomplete character, such as a cut emoji") from None
        return text


def _share_digits(key: str, cell: object) -> bool:
    """Return whether a key and a cell share as many digits in a row as a phone has."""
    if isinstance(cell, int) and cell.bit_length() > _MOST_BITS:
        return False  # Python refuses to convert such a number to text
    digits, found = _NO_DIGIT.sub("", key), _NO_DIGIT.sub("", str(cell)[:MAX_KEY_LENGTH])
    ends = range(_FEWEST_DIGITS_OF_A_PHONE, len(found) + 1)
    return any(found[end - _FEWEST_DIGITS_OF_A_PHONE : end] in digits for end in ends)
