"""Rows become recipients: read, normalised, checked, without duplicates, and each with a key.

A person is named by the key everywhere from here on: logs, errors, results. The phone stays inside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import normalize_phone
from airflow_provider_inforu.capi.redact import is_phone_like
from airflow_provider_inforu.sending.spool import Recipient, Skipped, Spool
from airflow_provider_inforu.sending.suppression import read_suppressed
from airflow_provider_inforu.sending.texts import is_missing
from airflow_provider_inforu.sources.files import FILE_NAMES
from airflow_provider_inforu.sources.rows import BadRow, StreamedRows

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.choices import InvalidRecipients, OnDuplicate
    from airflow_provider_inforu.sending.texts import TextTemplate

MAX_KEY_LENGTH = 100
"""The vendor names no limit of its CustomerMessageID; ours keeps logs readable."""

CAME_BEFORE = "the phone came before"
SUPPRESSED = "suppressed"
_FIT = (CAME_BEFORE, SUPPRESSED)

_KEYS_SHOWN = 10
_NO_DIGIT = re.compile(r"\D")


@dataclass(frozen=True, slots=True)
class RecipientList:
    """Who is called, in the order of the rows, and who is not."""

    recipients: Sequence[Recipient]
    skipped: Sequence[Skipped]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientRules:
    """How rows are read.

    :ivar phone_field: The field of a row that holds the phone.
    :ivar key_field: The field that names the person, or None for the row's number, from 1.
    :ivar template: What is read out; None where rows bring their own text.
    :ivar message_field: The field of a row's own text, which wins over the template.
    :ivar speaks: Whether recipients need a text: true for text-to-speech, false for a campaign.
    :ivar invalid_recipients: What to do about a row that cannot be called.
    :ivar on_duplicate: What to do about a phone that came before.
    :ivar limit: The most people; rows after them are not read. None for no limit.
    """

    phone_field: str = "phone"
    key_field: str | None = None
    template: TextTemplate | None = None
    message_field: str = "message"
    speaks: bool = True
    invalid_recipients: InvalidRecipients = "fail"
    on_duplicate: OnDuplicate = "skip"
    limit: int | None = None


class _UnfitRowError(InforuInputError):
    """A row that cannot be called."""


def read_recipients(rows: object, rules: RecipientRules, suppressed: object | None = None) -> RecipientList:
    """Read rows: a list of phones, a list of mappings, or what a file or a query holds.

    :param rows: The rows, as a sequence or as `StreamedRows`, which are closed.
    :param rules: How they are read.
    :param suppressed: Who is not to be called, as rows of the same kinds; see `read_suppressed`. None for
        nobody.
    :raises SourceError: What rows are streamed from cannot be read.
    :raises InforuInputError: Rows of another kind, or a row of ``suppressed`` that names nobody; with
        ``invalid_recipients="fail"`` any row that cannot be called; with ``on_duplicate="fail"`` a phone that
        came before. It names the keys, grouped by reason.
    """
    reader = _Reader(rules)
    if suppressed is not None:
        with _open_rows(suppressed, "suppress") as names:
            read_suppressed(names, rules, reader.spool)
    with _open_rows(rows, "recipients") as numbered:
        for number, row in enumerate(numbered, start=1):
            reader.add(row, number)
            if len(reader.spool.recipients) == rules.limit:
                break
    reader.check()
    return RecipientList(reader.spool.recipients, reader.spool.skipped)


def group_by_reason(skipped: Iterable[Skipped]) -> str:
    """Return reasons with their keys, for a log or an error: ``the phone is missing: 4, 9``."""
    groups: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for item in skipped:
        counts[item.reason] += 1
        if counts[item.reason] <= _KEYS_SHOWN:
            groups.setdefault(item.reason, []).append(item.key)
    return "; ".join(
        f"{reason}: {', '.join(keys)}{_and_more(counts[reason] - len(keys))}"
        for reason, keys in groups.items()
    )


def list_keys(keys: Iterable[str], shown: int = _KEYS_SHOWN) -> str:
    """Return the first keys and how many more there are."""
    rest = iter(keys)
    return ", ".join(islice(rest, shown)) + _and_more(sum(1 for _ in rest))


def _and_more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


@contextmanager
def _open_rows(rows: object, argument: str) -> Iterator[Iterable[Any]]:
    if isinstance(rows, StreamedRows):
        with closing(rows):
            yield rows
        return
    if isinstance(rows, Sequence) and not isinstance(rows, str | bytes):
        yield rows
        return
    hint = ""
    if isinstance(rows, str):
        hint = f" (a template gives text: pass the upstream task's output itself, or a file: {FILE_NAMES})"
    elif hasattr(rows, "to_dict"):
        hint = " (pass to_dict('records') of a data frame)"
    raise InforuInputError(
        f"{argument} must be a list of phones or of mappings, not {type(rows).__name__}{hint}: "
        "nothing was sent"
    )


def _people(count: int) -> str:
    return "1 recipient" if count == 1 else f"{count} recipients"


class _Reader:
    def __init__(self, rules: RecipientRules) -> None:
        self._rules = rules
        self.spool = Spool()
        self.unfit = 0
        self.duplicates = 0

    def add(self, row: object, number: int) -> None:
        name = row.name if isinstance(row, BadRow) else f"row {number}"
        try:
            fields = self._fields(row)
            name = self._key(fields, number)
            recipient = self._recipient(fields, name)
        except InforuInputError as error:
            self.unfit += 1
            self.spool.skipped.append(Skipped(name, str(error)))
            return
        if self.spool.is_suppressed(recipient.key, recipient.phone):
            self.spool.skipped.append(Skipped(name, SUPPRESSED))
        elif self._rules.on_duplicate == "send" or self.spool.is_new_phone(recipient.phone):
            self.spool.recipients.append(recipient)
        else:
            self.duplicates += 1
            self.spool.skipped.append(Skipped(name, CAME_BEFORE))

    def check(self) -> None:
        """Raise where the rows, as they are, are not to be called."""
        skipped = self.spool.skipped
        unfit = (one for one in skipped if one.reason not in _FIT)
        if self.unfit and self.unfit == len(skipped) and not self.spool.recipients:
            raise InforuInputError(
                f"nobody can be called ({_people(self.unfit)}), so nothing was sent: "
                f"{group_by_reason(unfit)}. Look at the arguments and at the upstream task first"
            )
        if self.unfit and self._rules.invalid_recipients == "fail":
            raise InforuInputError(
                f"{_people(self.unfit)} cannot be called, so nothing was sent: {group_by_reason(unfit)}. "
                "Mend the rows, or leave them out with invalid_recipients='skip'"
            )
        if self.duplicates and self._rules.on_duplicate == "fail":
            raise InforuInputError(
                f"{_people(self.duplicates)} came twice, so nothing was sent: "
                f"{group_by_reason(one for one in skipped if one.reason == CAME_BEFORE)}. "
                "Call each phone once with on_duplicate='skip', or each row with 'send'"
            )

    def _fields(self, row: object) -> Mapping[str, Any]:
        if isinstance(row, Mapping):
            return row
        if isinstance(row, str | int | float):
            if self._rules.key_field is not None:
                raise _UnfitRowError(
                    f"the row is a phone alone and has no field {self._rules.key_field!r} for its key"
                )
            return {self._rules.phone_field: row}
        if isinstance(row, BadRow):
            raise _UnfitRowError(row.reason)
        raise _UnfitRowError(f"the row is a {type(row).__name__}, neither a phone nor a mapping")

    def _key(self, fields: Mapping[str, Any], number: int) -> str:
        if self._rules.key_field is None:
            return str(number)
        value = fields.get(self._rules.key_field)
        if is_missing(value):
            raise _UnfitRowError(f"the key is missing (field {self._rules.key_field!r})")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _UnfitRowError(f"the key is a {type(value).__name__}, not text or a whole number")
        key = value.strip() if isinstance(value, str) else f"{value:d}"
        self._check_key(key)
        return key

    def _check_key(self, key: str) -> None:
        """Keys are shown in logs, so they must be fit to be seen."""
        if not key:
            raise _UnfitRowError(f"the key is missing (field {self._rules.key_field!r})")
        if len(key) > MAX_KEY_LENGTH or not key.isprintable():
            raise _UnfitRowError(
                f"the key has more than {MAX_KEY_LENGTH} characters, or some that cannot be shown"
            )
        if is_phone_like(key):
            raise _UnfitRowError("the key looks like a phone number, and keys are shown in logs")

    def _recipient(self, fields: Mapping[str, Any], key: str) -> Recipient:
        raw = fields.get(self._rules.phone_field)
        phone = normalize_phone(None if is_missing(raw) else raw)
        if phone.lstrip("0") in _NO_DIGIT.sub("", key):
            raise _UnfitRowError("the key holds the phone, and keys are shown in logs")
        recipient = Recipient(key, phone, self._text(fields) if self._rules.speaks else None)
        # Last, since a row that cannot be called takes no key.
        if not self.spool.is_new_key(key):
            raise _UnfitRowError("the key came before, and a key names one person")
        return recipient

    def _text(self, fields: Mapping[str, Any]) -> str:
        text = fields.get(self._rules.message_field)
        if is_missing(text) or not str(text).strip():
            if self._rules.template is None:
                raise _UnfitRowError(
                    f"there is no text: neither a message nor a field {self._rules.message_field!r} "
                    "in the row"
                )
            text = self._rules.template.fill(fields)
        text = str(text)
        if not text.strip():
            raise _UnfitRowError("the text is empty")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _UnfitRowError("the text has half a character in it, such as a cut emoji") from None
        return text
