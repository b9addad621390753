"""The vendor's envelope, the form of every answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.statuses import StatusId

if TYPE_CHECKING:
    from collections.abc import Mapping

# Assumed for StatusIds without a documented HTTP status code, because the guide's refusals have 403.
_REFUSED = 403
_KNOWN = {status.value: status for status in StatusId}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a function: a StatusId, the HTTP status code, and the envelope's ``Data``."""

    status_id: int
    http_status: int
    data: dict[str, Any] | None = None
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def envelope(self, function: str) -> dict[str, Any]:
        """Return the body of the answer, with the field names and order of the guide."""
        return {
            "StatusId": self.status_id,
            "StatusDescription": _describe(self.status_id),
            "DetailedDescription": self.detail,
            "FunctionName": f"api/v2/{function}",
            "RequestId": secrets.token_hex(9),
            "Data": self.data,
        }


def success(data: dict[str, Any]) -> Answer:
    """Return an answer with StatusId 1."""
    return Answer(StatusId.SUCCESS.value, 200, data)


def failure(
    status_id: int,
    detail: str = "",
    *,
    http_status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return an answer with a failing StatusId.

    :param status_id: Any StatusId.
    :param detail: The envelope's ``DetailedDescription``; default: empty.
    :param http_status: The HTTP status code. None (default) uses the documented code, else 403 (assumed).
    :param headers: Additional headers of the response; default: none.
    """
    return Answer(status_id, http_status or _get_http_status(status_id), None, detail, headers or {})


def _get_http_status(status_id: int) -> int:
    known = _KNOWN.get(status_id)
    return (known and known.http_status) or _REFUSED


def _describe(status_id: int) -> str:
    # The guide's table of codes has "OK", but its example answers have "Success".
    if status_id == StatusId.SUCCESS:
        return "Success"
    known = _KNOWN.get(status_id)
    return known.meaning if known else "Unknown"
