"""What the vendor pushes when a call ends, read as tolerantly as it must be.

The guide shows one envelope; the vendor's other documents send other channels to the same address, as a bare
array or a form. Everything is taken, unknown values are kept as they came, and one bad item does not lose
the others.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from airflow_provider_inforu.capi.envelope import as_int, as_text, field_of

VOICE_CHANNEL = "IVR"
END_OF_CALL = "EndOfCall"
ANSWERED = "Answered"
"""The one value of Status that is documented; others are kept as they come."""

ISRAEL = "Asia/Jerusalem"
_YEARS = range(2000, 2200)
"""Years in which a call can have ended. A zone can make 10000 of 9999, which no driver can read."""
_DURATION = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Notification:
    """One pushed item. Its repr shows no phone.

    :ivar channel: ``IVR`` for voice; other channels come to the same address.
    :ivar event: ``EndOfCall`` is the one that is documented.
    :ivar phone: The number as the vendor wrote it.
    :ivar campaign_id: The campaign, or None.
    :ivar message_id: The CustomerMessageID that was sent with the call; None when it came back empty.
    :ivar status: ``Answered``, or whatever the vendor sent.
    :ivar seconds: How long the person listened, or None.
    :ivar digit: The key that was pressed, or None.
    :ivar ended_at: When the call ended, in UTC; None when the date was missing, no date,
        or not of this century or the next.
    :ivar raw: The item as it came.
    """

    channel: str | None
    event: str | None
    phone: str | None = field(repr=False)
    campaign_id: int | None
    message_id: str | None
    status: str | None
    seconds: int | None
    digit: str | None
    ended_at: dt.datetime | None
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def is_end_of_call(self) -> bool:
        """Whether it says how a voice call ended."""
        return (self.channel or "").casefold() == VOICE_CHANNEL.casefold() and (
            self.event is None or self.event.casefold() == END_OF_CALL.casefold()
        )


@dataclass(frozen=True, slots=True)
class Push:
    """A pushed body.

    :ivar notifications: The items that could be read.
    :ivar unreadable: The parts that could not, as they came, for a person to see.
    """

    notifications: list[Notification]
    unreadable: list[Any] = field(repr=False)


def parse_push(body: bytes, content_type: str = "application/json") -> Push:
    """Read a pushed body of any shape that is known: the guide's envelope, a bare array, one item, a form.

    :param body: The bytes that came.
    :param content_type: The ``Content-Type`` header; only tells a form from JSON.
    """
    content = _read(body, content_type)
    if isinstance(content, Mapping):
        data = field_of(content, "Data")
        content = data if data is not None else content
    items = content if isinstance(content, list) else [content]
    notifications = [_item(item) for item in items if isinstance(item, Mapping) and item]
    return Push(notifications, [item for item in items if not (isinstance(item, Mapping) and item)])


def _read(body: bytes, content_type: str) -> Any:  # noqa: ANN401 - a JSON value
    text = body.decode("utf-8-sig", errors="replace")
    if "x-www-form-urlencoded" in content_type.lower():
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        return json.loads(text, parse_int=_number)
    except (ValueError, RecursionError):
        return text


def _number(digits: str) -> int | str:
    """Return an int, or the text of one that is longer than Python reads: it loses no other item."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _item(item: Mapping[str, Any]) -> Notification:
    return Notification(
        channel=_word(field_of(item, "Channel")),
        event=_word(field_of(item, "EventName")),
        phone=as_text(field_of(item, "Value")),
        campaign_id=as_int(field_of(item, "CampaignID")),
        message_id=_word(field_of(item, "CustomerMessageID")),
        status=as_text(field_of(item, "Status")),
        seconds=_seconds(field_of(item, "ListeningDuration")),
        digit=as_text(field_of(item, "Digit")),
        ended_at=_utc(field_of(item, "DateTime")),
        raw=item,
    )


def _word(value: object) -> str | None:
    """Return text without white space around it."""
    return (as_text(value) or "").strip() or None


def _seconds(value: object) -> int | None:
    """Return seconds of ``mm:ss`` (guide), ``h:mm:ss`` or a plain number (assumed)."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return hours * 3600 + minutes * 60 + seconds
    return as_int(value)


@cache
def _israel() -> dt.tzinfo:
    # Remembered here: pendulum reads the file of the zone each time.
    import pendulum

    return pendulum.timezone(ISRAEL)


def _utc(value: object) -> dt.datetime | None:
    """Return UTC of a naive date in Israel's time (inferred from sample bodies), or of one with an offset.

    An hour that happens twice in autumn is read as the first; one that does not exist in spring is moved
    over the gap. A year in which no call can have ended is no date.
    """
    try:
        date = dt.datetime.fromisoformat(str(value).strip())
        if date.tzinfo is None:
            date = date.replace(tzinfo=_israel())
        utc = date.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return utc if utc.year in _YEARS else None
