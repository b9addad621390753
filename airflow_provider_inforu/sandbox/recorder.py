"""The recorded requests to the sandbox, with their responses."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_inforu.sandbox.clock import utc_time
from airflow_provider_inforu.sandbox.json_text import read_json

AuthLocation = Literal["header", "body", "none"]

_MASK = "***"


@dataclass(slots=True)
class RecordedRequest:
    """One request to the vendor's API.

    The body is stored as bytes and parsed on demand, to save memory with many calls.
    """

    time: float
    function: str
    auth: AuthLocation
    user_agent: str
    body: bytes
    fault: str | None = None
    http_status: int | None = None
    status_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the request in the form of the control API, with a masked token.

        ``http_status`` is ``None`` if no response was sent, ``status_id`` if the response had none, and
        ``body`` if it was not JSON.
        """
        return {
            "time": utc_time(self.time),
            "function": self.function,
            "auth": self.auth,
            "http_status": self.http_status,
            "status_id": self.status_id,
            "user_agent": self.user_agent,
            "fault": self.fault,
            "body": _without_token(self.body),
        }


class Recorder:
    """The recorded requests in the order of arrival. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RecordedRequest] = []

    def add(self, request: RecordedRequest) -> None:
        """Record a request, before its response."""
        with self._lock:
            self._requests.append(request)

    def requests(self) -> list[RecordedRequest]:
        """Return all recorded requests."""
        with self._lock:
            return list(self._requests)

    def __len__(self) -> int:
        """Return the number of recorded requests."""
        return len(self._requests)


def _without_token(raw: bytes) -> object:
    try:
        body = read_json(raw)
    except ValueError:
        return None
    if isinstance(body, dict) and isinstance(body.get("Auth"), dict) and "Token" in body["Auth"]:
        body["Auth"]["Token"] = _MASK
    return body
