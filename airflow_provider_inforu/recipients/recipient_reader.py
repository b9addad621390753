"""Makes recipients of rows: normalizes phones, checks rows, skips duplicates and finds keys.

Logs, errors and results name a recipient by its key, and never show its phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.phones import InvalidPhoneError
from airflow_provider_inforu.recipients.input_rows import BadRow, RecipientsError, show_columns
from airflow_provider_inforu.recipients.recipient_store import Recipient, RecipientStore, Skipped
from airflow_provider_inforu.recipients.row_kinds import open_rows
from airflow_provider_inforu.recipients.row_parser import (
    ROW_ERRORS,
    InvalidRowError,
    RowParser,
    describe_bad_row,
)
from airflow_provider_inforu.recipients.skip_reasons import NAMES_SHOWN, count_rows, group_by_reason
from airflow_provider_inforu.recipients.suppression import read_suppressed

if TYPE_CHECKING:
    from airflow_provider_inforu.recipients.recipient_rules import RecipientRules

DUPLICATE_PHONE = "an earlier row has the same phone"
SUPPRESSED = "suppressed"
_VALID = (DUPLICATE_PHONE, SUPPRESSED)


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
        self._parser = RowParser(rules)
        self._columns: str | None = None
        self.store = RecipientStore()
        self.invalid = 0
        self.duplicates = 0

    def add(self, row: object, number: int) -> None:
        has_key = False
        try:
            fields = self._parser.parse_fields(row)
            if self._columns is None and fields is row:
                self._columns = show_columns(fields)
            key = self._parser.parse_key(fields, number)
            phone = self._parser.parse_phone(fields, key)
            # Skipped rows also register their keys, so that the report contains each key once.
            if not self.store.register_key(key):
                raise InvalidRowError("an earlier row has the same key")
            has_key = True
            if isinstance(phone, InvalidPhoneError):
                raise phone
            recipient = Recipient(key, phone, self._parser.parse_text(fields))
        except ROW_ERRORS as error:
            self.invalid += 1
            place = row.name if isinstance(row, BadRow) else f"row {number}"
            self.store.skipped.append(Skipped(key if has_key else place, describe_bad_row(error), has_key))
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
