"""When nobody is to be called."""

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
    """A span of every day, in Israel's time: that is where the phones ring.

    :ivar start: The first quiet minute.
    :ivar end: The first minute that is not quiet; before ``start`` it is one of the next day.
    """

    start: time
    end: time

    def __str__(self) -> str:
        """Return the hours as a user writes them."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def __contains__(self, moment: datetime) -> bool:
        """Return whether a moment is quiet."""
        now = moment.astimezone(ZoneInfo(ISRAEL)).time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


def read_quiet_hours(text: str | None) -> QuietHours | None:
    """Read hours such as ``22:00-07:00``.

    :param text: The hours; None or empty for none.
    :raises InforuInputError: It is no such text.
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
    raise InforuInputError(f"quiet_hours must be two times of day such as '22:00-07:00', not {text!r}")
