"""Converts a pushed body to rows of the store."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.call_outcome import OUTCOME_FIELDS
from airflow_provider_inforu.capi.notifications import VOICE_CHANNEL, parse_push
from airflow_provider_inforu.capi.redact import is_phone_like
from airflow_provider_inforu.receiver.cleaning import clean, clean_for_readers
from airflow_provider_inforu.receiver.collector import pausing_collector
from airflow_provider_inforu.receiver.masking import stored_phone
from airflow_provider_inforu.receiver.tables import KEY_LENGTH, MESSAGE_ID_LENGTH, OUTCOME_LENGTHS
from airflow_provider_inforu.receiver.unrecognized_payloads import Row, UnrecognizedPayloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_inforu.capi.call_outcome import CallOutcome
    from airflow_provider_inforu.capi.notifications import Notification
    from airflow_provider_inforu.receiver.receiver_settings import StorePhones

SEND_ID = re.compile(r"[0-9a-f]{16}")
_MESSAGE_ID = re.compile(rf"({SEND_ID.pattern})-(.{{1,{KEY_LENGTH}}})", re.IGNORECASE)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_LARGEST_INT = 2**63 - 1

_CHUNK = 65_536
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one push.

    :ivar notifications: The rows of notifications about ended voice calls.
    :ivar unrecognized: The rows of all other content.
    """

    notifications: list[Row] = field(default_factory=list)
    unrecognized: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PushParser:
    """Converts the pushes of one connection to rows.

    :ivar conn_id: The ID of the connection.
    :ivar secret: The key of the digests. Without a key, a reader of the table could guess phones by digest.
    :ivar store_phones: The part of a phone to store: ``masked``, ``full`` or ``none``.
    """

    conn_id: str
    secret: str = field(repr=False)
    store_phones: StorePhones

    @pausing_collector()
    def read(self, body: bytes, content_type: str, now: dt.datetime) -> Rows:
        """Return the rows of a body of any shape, without loss of content.

        :param body: The bytes of the body.
        :param content_type: The ``Content-Type`` header.
        :param now: When the push arrived.
        """
        unrecognized = UnrecognizedPayloads(self.conn_id, body, self._digest, self.store_phones, now)
        notifications: list[Row] = []
        try:
            push = parse_push(body, content_type)
        except Exception as error:  # every body is stored, even if the parser fails
            unrecognized.fail(error)
            return Rows(unrecognized=unrecognized.rows())
        for item in push.notifications:
            if not item.is_end_of_call:
                unrecognized.add(item.raw, _why_not(item))
                continue
            try:
                notifications.append(self._notification(item, now))
            except Exception as error:  # one bad item must not lose the others
                unrecognized.fail(error)
        for part in push.unreadable:
            unrecognized.add_unreadable(part)
        return Rows(notifications, unrecognized.rows())

    def _notification(self, item: Notification, now: dt.datetime) -> Row:
        send_id, key = split_message_id(item.message_id)
        return {
            "conn_id": self.conn_id,
            "digest": self._digest(item.raw),
            "received_at": now,
            "send_id": send_id,
            "key": key,
            "message_id": self._word(item.message_id, MESSAGE_ID_LENGTH) if key is None else item.message_id,
            "phone": stored_phone(item.phone, self.store_phones),
            **_outcome_values(item, now),
        }

    def _digest(self, content: Any) -> str:  # noqa: ANN401 - a JSON value
        digest = _new_digest(self.secret).copy()
        if isinstance(content, str) and len(content) > _CHUNK:
            for part in _json_parts(content):
                digest.update(part.encode("ascii"))
        else:
            digest.update(json.dumps(content, sort_keys=True).encode("ascii"))
        return digest.hexdigest()

    def _word(self, text: str | None, length: int) -> str | None:
        return clean(text, length) if self.store_phones == "full" else clean_for_readers(text, length)


@lru_cache(maxsize=64)
def _new_digest(secret: str) -> hashlib.blake2b:
    key = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
    return hashlib.blake2b(key=key, digest_size=16)


def _json_parts(text: str) -> Iterator[str]:
    """Yield the JSON of a long text in parts, to save memory."""
    yield '"'
    for start in range(0, len(text), _CHUNK):
        yield json.dumps(text[start : start + _CHUNK])[1:-1]
    yield '"'


def split_message_id(message_id: str | None) -> tuple[str | None, str | None]:
    """Return the send_id and the key in a CustomerMessageID of this provider; (None, None) for any other.

    :param message_id: The CustomerMessageID from the notification.
    """
    found = _MESSAGE_ID.fullmatch(message_id or "")
    if not found or not found[2].isprintable() or is_phone_like(found[2]):
        return None, None
    return found[1].lower(), found[2]


def precedence_key(row: Row) -> str:
    """Return a sort key for the notifications of one call. The notification with the greatest key counts.

    The latest end has the greatest key. The guide's times have whole seconds, so ties are possible. Then the
    longer call wins, then a pressed key, then the digest. So the order of arrival does not matter.

    :param row: The row of a notification.
    """
    ended = (row["ended_at"] - _EPOCH) // _MICROSECOND if row["ended_at"] else 0
    seconds = min(max(row["seconds"] or 0, 0), 999_999_999)
    return f"{ended:016d}{seconds:09d}{int(row['digit'] is not None)}{row['digest']}"


def _outcome_values(outcome: CallOutcome, now: dt.datetime) -> Row:
    """Return the columns of an outcome, with values that every database accepts and readers may see."""
    values = {name: _storable(name, getattr(outcome, name)) for name in OUTCOME_FIELDS}
    if outcome.ended_at and outcome.ended_at - now > _DAY:
        # A date in the future is wrong, and must not take precedence over correct notifications.
        values["ended_at"] = None
    return values


def _storable(name: str, value: Any) -> Any:  # noqa: ANN401 - a value of any column
    if isinstance(value, str):
        return clean_for_readers(value, OUTCOME_LENGTHS[name])
    return None if isinstance(value, int) and abs(value) > _LARGEST_INT else value


def _why_not(item: Notification) -> str:
    if (item.channel or "").casefold() == VOICE_CHANNEL.casefold():
        return "another event of a voice call"
    return "another channel" if item.channel else "no channel"
