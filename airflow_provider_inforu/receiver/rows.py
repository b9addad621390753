"""A pushed body becomes rows of the store."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.notifications import VOICE_CHANNEL, parse_push
from airflow_provider_inforu.capi.redact import hide_phones, is_phone_like
from airflow_provider_inforu.receiver.phones import hide_phones_in, stored_phone
from airflow_provider_inforu.receiver.tables import (
    DIGIT_LENGTH,
    KEY_LENGTH,
    MESSAGE_ID_LENGTH,
    WORD_LENGTH,
)

if TYPE_CHECKING:
    from airflow_provider_inforu.capi.notifications import Notification
    from airflow_provider_inforu.receiver.settings import StorePhones

SEND_ID = re.compile(r"[0-9a-f]{16}")
_MESSAGE_ID = re.compile(rf"({SEND_ID.pattern})-(.{{1,{KEY_LENGTH}}})", re.IGNORECASE)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_LARGEST_INT = 2**63 - 1

LONGEST_LEFTOVER = 65_536
"""Characters of one leftover that are kept."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """What is to be stored of one push.

    :ivar notifications: Ends of voice calls.
    :ivar leftovers: Everything else.
    """

    notifications: list[Row] = field(default_factory=list)
    leftovers: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes rows of what was pushed to one connection.

    :ivar conn_id: The connection.
    :ivar secret: Its secret. It keys the digests: otherwise who reads the table could try all phones.
    :ivar store_phones: What is stored of phones.
    """

    conn_id: str
    secret: str = field(repr=False)
    store_phones: StorePhones

    def read(self, body: bytes, content_type: str, now: dt.datetime) -> Rows:
        """Return the rows of a body of any shape; nothing that came is left out.

        :param body: The bytes that came.
        :param content_type: The ``Content-Type`` header.
        :param now: When it came.
        """
        try:
            return self._read(body, content_type, now)
        except RecursionError:
            text = body.decode("utf-8", errors="replace")
            return Rows(leftovers=[self._leftover(text, "nested too deeply", now)])

    def _read(self, body: bytes, content_type: str, now: dt.datetime) -> Rows:
        push = parse_push(body, content_type)
        rows = Rows()
        for item in push.notifications:
            if item.is_end_of_call:
                rows.notifications.append(self._notification(item, now))
            else:
                rows.leftovers.append(self._leftover(item.raw, _why_not(item), now))
        rows.leftovers.extend(self._leftover(part, "not readable", now) for part in push.unreadable)
        return rows

    def _notification(self, item: Notification, now: dt.datetime) -> Row:
        send_id, key = split_message_id(item.message_id)
        return {
            "conn_id": self.conn_id,
            "digest": self._digest(item.raw),
            "received_at": now,
            "ended_at": item.ended_at,
            "send_id": send_id,
            "key": key,
            "message_id": self._word(item.message_id, MESSAGE_ID_LENGTH) if key is None else item.message_id,
            "phone": stored_phone(item.phone, self.store_phones),
            "campaign_id": _fitting(item.campaign_id),
            "status": _shown(item.status, WORD_LENGTH),
            "seconds": _fitting(item.seconds),
            "digit": _shown(item.digit, DIGIT_LENGTH),
        }

    def _leftover(self, content: Any, reason: str, now: dt.datetime) -> Row:  # noqa: ANN401 - a JSON value
        digest = self._digest(content)
        if self.store_phones != "full":
            content = hide_phones_in(content)
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        more = len(text) - LONGEST_LEFTOVER
        kept = clean(text, LONGEST_LEFTOVER) or ""
        return {
            "conn_id": self.conn_id,
            "digest": digest,
            "received_at": now,
            "reason": reason,
            "content": f"{kept} … and {more} characters more" if more > 0 else kept,
        }

    def _digest(self, content: Any) -> str:  # noqa: ANN401 - a JSON value
        key = hashlib.sha256(self.secret.encode("utf-8", "surrogatepass")).digest()
        text = json.dumps(content, sort_keys=True)
        return hashlib.blake2b(text.encode("ascii"), key=key, digest_size=16).hexdigest()

    def _word(self, text: str | None, length: int) -> str | None:
        return clean(text, length) if self.store_phones == "full" else _shown(text, length)


def split_message_id(message_id: str | None) -> tuple[str | None, str | None]:
    """Return the send and the key of a CustomerMessageID of ours; two times None for any other.

    :param message_id: As it came back.
    """
    found = _MESSAGE_ID.fullmatch(message_id or "")
    if not found or not found[2].isprintable() or is_phone_like(found[2]):
        return None, None
    return found[1].lower(), found[2]


def _shown(text: str | None, length: int) -> str | None:
    """Return text that readers may see, whatever is stored of phones."""
    cleaned = clean(text, length)
    return cleaned and hide_phones(cleaned)[:length]


def clean(text: str | None, length: int) -> str | None:
    """Return text that every database takes: cut, without half characters and NUL.

    :param text: As it came.
    :param length: The most characters.
    """
    if text is None:
        return None
    whole = text[:length].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")[:length]


def rank_of(row: Row) -> str:
    """Return text that sorts notifications of one call: the one that counts is the greatest.

    That is the one that ended last. The guide's times have whole seconds, so ties happen: then the longer
    call, then one with a pressed key, then any, but always the same whatever the order of arrival.

    :param row: Of a notification.
    """
    ended = (row["ended_at"] - _EPOCH) // _MICROSECOND if row["ended_at"] else 0
    seconds = min(max(row["seconds"] or 0, 0), 999_999_999)
    return f"{ended:016d}{seconds:09d}{int(row['digit'] is not None)}{row['digest']}"


def _fitting(number: int | None) -> int | None:
    return number if number is None or abs(number) <= _LARGEST_INT else None


def _why_not(item: Notification) -> str:
    if (item.channel or "").casefold() == VOICE_CHANNEL.casefold():
        return "another event of a voice call"
    return "another channel" if item.channel else "no channel"
