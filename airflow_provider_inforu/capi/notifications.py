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

from airflow_provider_inforu.capi.envelope import as_int, as_text, get_field
from airflow_provider_inforu.capi.time_zone import ISRAEL

VOICE_CHANNEL = "IVR"
END_OF_CALL = "EndOfCall"
ANSWERED = "Answered"
"""The one value of Status that is documented; others are kept as they come."""

_YEARS = range(2000, 2200)
"""Years in which a call can have ended. A zone can make 10000 of 9999, which no driver can read."""
_DURATION = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{2})")

MOST_ITEMS = 10_000
"""Items of one push that are read. The rest is returned as text."""
MOST_VALUES = 500_000
"""JSON values of one push that are read, a list or an object as eight: 10,000 notifications have 310,000."""
_WEIGHTS = {",": 1, ":": 1, "[": 8, "{": 8}
_CHUNK = 65_536
_LONGEST_FORM = 262_144
_LONGEST_INT = 40
_ITEMS_BEGIN = re.compile(r'\s*+(?:\[|\{.{0,4096}?"data"\s{0,64}+:\s{0,64}+\[)', re.IGNORECASE | re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*+")


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
    :ivar unreadable: The parts that could not, as they came, for a person to see. The last one is text that
        is damaged, or comes after MOST_ITEMS items or MOST_VALUES values.
    """

    notifications: list[Notification]
    unreadable: list[Any] = field(repr=False)


def parse_push(body: bytes, content_type: str = "application/json") -> Push:
    """Read a pushed body of any shape that is known: the guide's envelope, a bare array, one item, a form.

    Costs bounded time and memory. The items before the limits, or before damage, are read; the rest is text.

    :param body: The bytes that came.
    :param content_type: The ``Content-Type`` header; only tells a form from JSON.
    """
    text = body.decode("utf-8-sig", errors="replace")
    if "x-www-form-urlencoded" in content_type.lower() and not text.lstrip().startswith(("{", "[")):
        return _split([_read_form(text)])
    if _count_values(text) > MOST_VALUES:
        return _read_what_fits(text)
    try:
        content = json.loads(text, parse_int=_number)
    except (ValueError, RecursionError):
        return _read_what_fits(text)
    if isinstance(content, Mapping):
        data = get_field(content, "Data")
        content = data if data is not None else content
    items = content if isinstance(content, list) else [content]
    if len(items) > MOST_ITEMS:
        return _read_what_fits(text)
    return _split(items)


def _split(items: list[Any]) -> Push:
    readable = [item for item in items if isinstance(item, Mapping) and item]
    unreadable = [item for item in items if not (isinstance(item, Mapping) and item)]
    return Push([_item(item) for item in readable], unreadable)


def _read_form(text: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return the fields of a form, or the text where it is no form of a plausible size."""
    try:
        return dict(parse_qsl(text[: _LONGEST_FORM + 1], keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        return text


def _read_what_fits(text: str) -> Push:
    """Read the items of a list one by one, until a limit or damage is met."""
    begin = _ITEMS_BEGIN.match(text)
    if begin is None:
        return Push([], [text])
    fitting, position, items = text[: _end_of_values(text)], begin.end(), list[Any]()
    decoder = json.JSONDecoder(parse_int=_number)
    while len(items) < MOST_ITEMS:
        position = _BETWEEN.match(fitting, position).end()  # type: ignore[union-attr]  # matches nothing too
        if items and fitting[position : position + 1] == "]":
            after = text[position + 1 :]
            return _split([*items, after] if after.strip("} \t\r\n") else items)
        try:
            item, position = decoder.raw_decode(fitting, position)
        except (ValueError, RecursionError):
            break
        items.append(item)
    return _split([*items, text[position:] if items else text])


def _count_values(text: str) -> int:
    """Return about how many values a text has. Lists and objects cost Python's garbage collector its time."""
    return sum(weight * text.count(separator) for separator, weight in _WEIGHTS.items())


def _end_of_values(text: str) -> int:
    """Return where the text has had as many values as are read."""
    seen = 0
    for start in range(0, len(text), _CHUNK):
        chunk = text[start : start + _CHUNK]
        count = _count_values(chunk)
        if seen + count > MOST_VALUES:
            return start + _end_in_chunk(chunk, MOST_VALUES - seen)
        seen += count
    return len(text)


def _end_in_chunk(chunk: str, most: int) -> int:
    """Return where a text has had so many values."""
    low, high = 0, len(chunk)
    while high - low > 1:
        middle = (low + high) // 2
        if _count_values(chunk[:middle]) > most:
            high = middle
        else:
            low = middle
    return low


def _number(digits: str) -> int | str:
    """Return an int, or the text of one that no column holds: a long one takes Python its time."""
    return int(digits) if len(digits) <= _LONGEST_INT else digits


def _item(item: Mapping[str, Any]) -> Notification:
    return Notification(
        channel=_word(get_field(item, "Channel")),
        event=_word(get_field(item, "EventName")),
        phone=as_text(get_field(item, "Value")),
        campaign_id=as_int(get_field(item, "CampaignID")),
        message_id=_word(get_field(item, "CustomerMessageID")),
        status=as_text(get_field(item, "Status")),
        seconds=_seconds(get_field(item, "ListeningDuration")),
        digit=as_text(get_field(item, "Digit")),
        ended_at=_utc(get_field(item, "DateTime")),
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
    if not isinstance(value, str | int):
        return None
    try:
        date = dt.datetime.fromisoformat(str(value).strip())
        if date.tzinfo is None:
            date = date.replace(tzinfo=_israel())
        utc = date.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return utc if utc.year in _YEARS else None
