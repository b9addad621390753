"""The sending window: the days and hours in which recipients may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuError, InforuInputError
from airflow_provider_inforu.capi.time_zone import ISRAEL

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The names of days, in the order of `datetime.weekday`."""
DAY_MINUTES = 24 * 60
LONGEST_LOOK_AHEAD = timedelta(days=15)
"""Two weeks and a day: if a clock change skips an hour in one week, the next week has this hour."""

_SPAN = re.compile(r"(?:([a-z, -]+?)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_HELP = (
    f"{NO_NEW_CALLS}. Write days and hours such as 'sun-thu 09:00-20:00; fri 09:00-13:00'. The days "
    f"are {', '.join(DAYS)}"
)


class WindowClosedError(InforuError):
    """The sending window is closed, so no call may be placed now.

    :ivar opens_at: When the window opens.
    :ivar begun: Whether the send has begun, so that recipients may have been called before.
    """

    safe_to_resend = True

    def __init__(self, opens_at: datetime, *, begun: bool) -> None:
        super().__init__(
            f"the sending window is closed until {opens_at:%Y-%m-%d %H:%M %Z}, and "
            + ("the remaining recipients were not called" if begun else "nobody was called")
        )
        self.opens_at = opens_at
        self.begun = begun


@dataclass(frozen=True, slots=True)
class _Span:
    """A span of hours on some days of the week.

    :ivar days: The days on which the span begins, numbered as by `datetime.weekday`.
    :ivar start: Its first minute, counted from midnight.
    :ivar length: Its length in minutes. It may end on the next day.
    """

    days: frozenset[int]
    start: int
    length: int

    def __contains__(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        yesterday = (local.weekday() - 1) % len(DAYS)
        return (local.weekday() in self.days and 0 <= minute - self.start < self.length) or (
            yesterday in self.days and minute + DAY_MINUTES - self.start < self.length
        )


@dataclass(frozen=True, slots=True)
class SendingWindow:
    """The days and hours in which recipients may be called, in a time zone. See `read_sending_window`."""

    spans: tuple[_Span, ...]
    zone: ZoneInfo

    def is_open(self, moment: datetime) -> bool:
        """Return whether recipients may be called at a moment.

        :param moment: The moment, with any time zone.
        """
        local = moment.astimezone(self.zone)
        return any(local in span for span in self.spans)

    def opens_at(self, moment: datetime) -> datetime:
        """Return the next moment after a moment at which recipients may be called, in the window's zone.

        :param moment: The moment, with any time zone.
        :raises InforuInputError: The window never opens.
        """
        # Checking each minute handles every clock change, and takes some milliseconds.
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for minute in range(LONGEST_LOOK_AHEAD // timedelta(minutes=1)):
            if self.is_open(candidate := start + timedelta(minutes=minute)):
                return candidate.astimezone(self.zone)
        raise InforuInputError(f"sending_window never opens. {_HELP}")


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def read_sending_window(text: object, timezone: str) -> SendingWindow | None:
    """Return a sending window, or None if the text is empty.

    A span without days applies to every day. A span whose end is before its start ends on the next day.
    ``24:00`` is the end of a day.

    :param text: Days and hours, such as ``sun-thu 09:00-20:00; fri 09:00-13:00``. None or empty: no window.
    :param timezone: Name of the time zone, such as ``Asia/Jerusalem``.
    :raises InforuInputError: The text or the time zone is invalid, or the window never opens.
    """
    if text in (None, "", "None"):
        return None
    if not isinstance(text, str):
        raise InforuInputError(f"sending_window must be text, not {type(text).__name__}. {_HELP}")
    spans = tuple(_span(part.strip().lower()) for part in text.split(";"))
    window = SendingWindow(spans, read_zone(timezone))
    window.opens_at(now())
    return window


def read_zone(timezone: str) -> ZoneInfo:
    """Return the time zone of a name.

    :param timezone: The name, such as ``Asia/Jerusalem``.
    :raises InforuInputError: The name is unknown.
    """
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InforuInputError(
            f"timezone is unknown: {timezone!r}. {NO_NEW_CALLS}. Write a name such as {ISRAEL!r}"
        ) from None


def _span(text: str) -> _Span:
    match = _SPAN.fullmatch(text)
    if not match:
        raise InforuInputError(f"sending_window cannot be read at {text!r}. {_HELP}")
    days, *numbers = match.groups()
    hour, minute, end_hour, end_minute = map(int, numbers)
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if start == end or start >= DAY_MINUTES or end > DAY_MINUTES or max(minute, end_minute) > 59:
        raise InforuInputError(f"sending_window has invalid hours in {text!r}. {_HELP}")
    return _Span(_days(days), start, end - start if end > start else end - start + DAY_MINUTES)


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(len(DAYS)))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise InforuInputError(f"sending_window has invalid days: {text!r}. {_HELP}")
        start = DAYS.index(first)
        length = (DAYS.index(last) - start) % len(DAYS) if dash else 0
        found.update((start + day) % len(DAYS) for day in range(length + 1))
    return frozenset(found)
