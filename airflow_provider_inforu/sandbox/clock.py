"""The time formats of the vendor and the control API."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

ISRAEL = ZoneInfo("Asia/Jerusalem")


def israel_time(timestamp: float) -> str:
    """Return a time in the form of notifications: Israel's time without a zone, ``2019-04-30 15:27:07``."""
    return datetime.fromtimestamp(timestamp, ISRAEL).strftime("%Y-%m-%d %H:%M:%S")


def israel_month(timestamp: float) -> str:
    """Return the month for the name of the monthly campaign: ``201904``."""
    return datetime.fromtimestamp(timestamp, ISRAEL).strftime("%Y%m")


def utc_time(timestamp: float) -> str:
    """Return a time in the form of the control API: ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")
