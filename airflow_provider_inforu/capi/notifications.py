"""A lenient parser of the vendor's pushes, which report how calls ended.

The guide shows one envelope. The vendor's other documents send other channels to the same address, as a bare
array or a form. The parser accepts every shape and keeps unknown values. One bad item does not lose the
others.
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

from airflow_provider_inforu.capi.call_outcome import CallOutcome
from airflow_provider_inforu.capi.envelope import as_int, as_text, get_field
from airflow_provider_inforu.capi.time_zone import ISRAEL

VOICE_CHANNEL = "IVR"
END_OF_CALL = "EndOfCall"
ANSWERED = "Answered"
"""The only documented value of Status. Other values are kept unchanged."""

_YEARS = range(2000, 2200)
"""Valid years of a call. A time zone can turn the year 9999 into 10000, which no database driver can read."""
_DURATION = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{2})")

MOST_ITEMS = 10_000
"""The maximum number of parsed items of one push. The rest is returned as text."""
MOST_VALUES = 500_000
"""The maximum number of parsed JSON values of one push. A list or an object counts as eight.

10,000 notifications have 310,000 values.
"""
_WEIGHTS = {",": 1, ":": 1, "[": 8, "{": 8}
_CHUNK = 65_536
_LONGEST_FORM = 262_144
_LONGEST_INT = 40
_ITEMS_BEGIN = re.compile(r'\s*+(?:\[|\{.{0,4096}?"data"\s{0,64}+:\s{0,64}+\[)', re.IGNORECASE | re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification(CallOutcome):
    """One pushed item. Its repr shows no phone.

    :ivar channel: ``IVR`` for voice. Other channels use the same address.
    :ivar event: The event's name. Only ``EndOfCall`` is documented.
    :ivar phone: The phone in the vendor's spelling.
    :ivar message_id: The CustomerMessageID of the call; None if it is empty or missing.
    :ivar ended_at: When the call ended, in UTC; None if the date is missing or invalid, or its year is not
        2000 to 2199.
    :ivar raw: The unchanged item.
    """

    channel: str | None
    event: str | None
    phone: str | None = field(repr=False)
    message_id: str | None
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def is_end_of_call(self) -> bool:
        """Whether the item reports the end of a voice call."""
        return (self.channel or "").casefold() == VOICE_CHANNEL.casefold() and (
            self.event is None or self.event.casefold() == END_OF_CALL.casefold()
        )


@dataclass(frozen=True, slots=True)
class Push:
    """A parsed push.

    :ivar notifications: The readable items.
    :ivar unreadable: The unreadable parts, unchanged, for manual review. The last one may be text: damaged
        JSON, or the rest after MOST_ITEMS items or MOST_VALUES values.
    """

    notifications: list[Notification]
    unreadable: list[Any] = field(repr=False)


def parse_push(body: bytes, content_type: str = "application/json") -> Push:
    """Return the items of a pushed body.

    The known shapes are the guide's envelope, a bare array, one item and a form. Time and memory are bounded:
    after the limits, or after damaged JSON, the rest is returned as text.

    :param body: The bytes of the body.
    :param content_type: The ``Content-Type`` header, which distinguishes a form from JSON (default).
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
    """Return the fields of a form, or the text if it is not a form of a plausible size."""
    try:
        return dict(parse_qsl(text[: _LONGEST_FORM + 1], keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        return text


def _read_what_fits(text: str) -> Push:
    """Read the items of a list one by one, up to a limit or damaged JSON."""
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
    """Return the approximate number of JSON values in a text.

    Lists and objects count more, because they slow down Python's garbage collector.
    """
    return sum(weight * text.count(separator) for separator, weight in _WEIGHTS.items())


def _end_of_values(text: str) -> int:
    """Return the position in the text where the maximum number of values ends."""
    seen = 0
    for start in range(0, len(text), _CHUNK):
        chunk = text[start : start + _CHUNK]
        count = _count_values(chunk)
        if seen + count > MOST_VALUES:
            return start + _end_in_chunk(chunk, MOST_VALUES - seen)
        seen += count
    return len(text)


def _end_in_chunk(chunk: str, most: int) -> int:
    """Return the position in a chunk after which it has more than ``most`` values."""
    low, high = 0, len(chunk)
    while high - low > 1:
        middle = (low + high) // 2
        if _count_values(chunk[:middle]) > most:
            high = middle
        else:
            low = middle
    return low


def _number(digits: str) -> int | str:
    """Return an int, or the text of a number too long for any column, which Python parses slowly."""
    return int(digits) if len(digits) <= _LONGEST_INT else digits


def _item(item: Mapping[str, Any]) -> Notification:
    return Notification(
        channel=_word(get_field(item, "Channel")),
        event=_word(get_field(item, "EventName")),
        phone=as_text(get_field(item, "Value")),
        message_id=_word(get_field(item, "CustomerMessageID")),
        raw=item,
        status=as_text(get_field(item, "Status")),
        seconds=_seconds(get_field(item, "ListeningDuration")),
        digit=as_text(get_field(item, "Digit")),
        campaign_id=as_int(get_field(item, "CampaignID")),
        ended_at=_utc(get_field(item, "DateTime")),
    )


def _word(value: object) -> str | None:
    """Return text without surrounding white space."""
    return (as_text(value) or "").strip() or None


def _seconds(value: object) -> int | None:
    """Return seconds of ``mm:ss`` (guide), ``h:mm:ss`` or a plain number (assumed)."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return hours * 3600 + minutes * 60 + seconds
    return as_int(value)


@cache
def _israel() -> dt.tzinfo:
    # Cached, because pendulum reads the file of the zone each time.
    import pendulum

    return pendulum.timezone(ISRAEL)


def _utc(value: object) -> dt.datetime | None:
    """Return a date in UTC; None if it is invalid or its year is not in ``_YEARS``.

    A date without an offset is in Israel's time (inferred from sample bodies). An ambiguous hour in autumn
    is read as the first. A missing hour in spring is moved over the gap.
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
