"""Notifications: what the vendor pushes when a call ends, in the guide's envelope."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sandbox.clock import israel_time, utc_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.sandbox.call_book import Call
    from airflow_provider_inforu.sandbox.sandbox_settings import Settings

# The numbers of the guide's example.
_CUSTOMER_ID = 2
_PROJECT_ID = 30253
_USER_ID = 30253


def build_pushes(calls: Sequence[Call], settings: Settings) -> list[dict[str, Any]]:
    """Return the bodies to push for calls that ended: in batches, repeated and shuffled as set."""
    items = [_notification(call) for call in calls] * settings.notification_repeat
    if settings.notification_reorder:
        # The seed makes a run repeatable; nothing here is secret.
        random.Random(settings.seed).shuffle(items)  # noqa: S311
    size = settings.notification_batch_size
    return [_envelope(items[start : start + size]) for start in range(0, len(items), size)]


def _envelope(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"CustomerId": _CUSTOMER_ID, "ProjectId": _PROJECT_ID, "UserId": _USER_ID, "Data": items}


def _notification(call: Call) -> dict[str, Any]:
    status, digit, seconds = call.outcome or ("", "", 0)
    return {
        "Channel": "IVR",
        "Type": "PhoneNumber",
        "Value": call.phone,
        "EventName": "EndOfCall",
        "CampaignID": call.campaign_id,
        "CustomerMessageID": call.message_id,
        "Status": status,
        "ListeningDuration": f"{seconds // 60:02}:{seconds % 60:02}",
        "Digit": digit,
        "DateTime": israel_time(call.ends_at or call.accepted_at),
    }


@dataclass(frozen=True, slots=True)
class Push:
    """One push and what became of it. It names no URL: that often holds a secret."""

    time: str
    notifications: int
    http_status: int | None
    """``None``: there was no answer."""
    error: str | None
    """The kind of error where there was no answer."""


class PushLog:
    """Every push that was tried. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pushes: list[Push] = []

    def add(self, notifications: int, *, http_status: int | None = None, error: str | None = None) -> None:
        """Record a push that was answered or failed."""
        with self._lock:
            self._pushes.append(Push(utc_time(time.time()), notifications, http_status, error))

    def as_json(self) -> list[dict[str, Any]]:
        """Return every push as the control API shows it."""
        with self._lock:
            return [asdict(push) for push in self._pushes]
