"""The notifications of ended calls, in the guide's envelope, and the log of their pushes."""

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
    """Return the bodies of pushes for ended calls, batched, repeated and shuffled as the settings say."""
    items = [_notification(call) for call in calls] * settings.notification_repeat
    if settings.notification_reorder:
        # The seed makes a run reproducible. Nothing here is secret.
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
    """One push and its result. It has no URL, because URLs of pushes often contain a secret."""

    time: str
    notifications: int
    http_status: int | None
    """``None``: no response arrived."""
    error: str | None
    """The type of the error if no response arrived."""


class PushLog:
    """All attempted pushes. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pushes: list[Push] = []

    def add(self, notifications: int, *, http_status: int | None = None, error: str | None = None) -> None:
        """Record a push and its result."""
        with self._lock:
            self._pushes.append(Push(utc_time(time.time()), notifications, http_status, error))

    def as_json(self) -> list[dict[str, Any]]:
        """Return all pushes in the form of the control API."""
        with self._lock:
            return [asdict(push) for push in self._pushes]
