"""The hours in which alerts call nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.time_zone import ISRAEL

_HOURS = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of hours on each day, in Israel's time, because the phones ring there.

    :ivar start: The first quiet minute.
    :ivar end: The first minute that is not quiet. If it is before ``start``, it is on the next day.
    """

    start: time
    end: time

    def __str__(self) -> str:
        """Return the hours in the format of the argument, such as ``22:00-07:00``."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def __contains__(self, moment: datetime) -> bool:
        """Return whether a moment is quiet."""
        now = moment.astimezone(ZoneInfo(ISRAEL)).time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


def read_quiet_hours(text: str | None) -> QuietHours | None:
    """Return quiet hours from a text such as ``22:00-07:00``; None for no quiet hours.

    :param text: The hours; None or empty for no quiet hours.
    :raises InforuInputError: The text is not two different times of day.
    """
    if not text:
        return None
    try:
        match = _HOURS.fullmatch(str(text))
        if match:
            hour, minute, end_hour, end_minute = map(int, match.groups())
            hours = QuietHours(time(hour, minute), time(end_hour, end_minute))
            if hours.start != hours.end:
                return hours
    except ValueError:
        pass
    raise InforuInputError(f"`quiet_hours` must be two times of day such as '22:00-07:00', not {text!r}")
