"""Times as the vendor and the control API write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

ISRAEL = ZoneInfo("Asia/Jerusalem")


def israel_time(timestamp: float) -> str:
    """Write a time as notifications do: Israel's local time without a zone, ``2019-04-30 15:27:07``."""
    return datetime.fromtimestamp(timestamp, ISRAEL).strftime("%Y-%m-%d %H:%M:%S")


def israel_month(timestamp: float) -> str:
    """Write the month for the name of the monthly campaign: ``201904``."""
    return datetime.fromtimestamp(timestamp, ISRAEL).strftime("%Y%m")


def utc_time(timestamp: float) -> str:
    """Write a time as the control API does: ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")
