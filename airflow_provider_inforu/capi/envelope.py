"""The envelope of every request and answer: built as the guide shows it, read as loosely as vendors write.

Answers are judged by StatusId and HTTP code only, both of them: HTTP 200 with a failing StatusId happens.
"""

from __future__ import annotations

import encodings.utf_8_sig  # noqa: F401 - see below
import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_inforu.capi.errors import (
    ERROR_OF_STATUS,
    NOT_KNOWN,
    InforuApiError,
    InforuAuthenticationError,
    InforuInputError,
    InforuOutcomeUnknownError,
    InforuRateLimitError,
    InforuRejectedError,
)
from airflow_provider_inforu.capi.redact import hide, printable
from airflow_provider_inforu.capi.statuses import StatusId, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

# Python imports a codec when it is first used. That would be with the first answer, when a process that has
# no file descriptor left cannot import, and would lose the answer.

DEFAULT_BASE_URL = "https://capi.inforu.co.il"

LONGEST_DESCRIPTION = 300
"""So much of the vendor's words goes into errors and logs."""

AuthLocation = Literal["header", "body"]
"""Where the user name and token travel; the guide documents both."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that means success.

    :ivar status_id: 1.
    :ivar status_description: The vendor's words; they may change (guide).
    :ivar detailed_description: More of the vendor's words.
    :ivar function_name: As the vendor repeats it.
    :ivar request_id: The vendor's RequestId; not unique, and it holds account data (inferred).
    :ivar data: ``Data`` as it came; an empty dict for null, absent or anything but an object.
    :ivar http_status: The HTTP code.
    """

    status_id: int
    status_description: str
    detailed_description: str
    function_name: str
    request_id: str | None = field(repr=False)
    data: dict[str, Any] = field(repr=False)
    http_status: int


def basic_authorization(username: str, token: str) -> str:
    """Return the value of the ``Authorization`` header: ``Basic`` and Base64 of ``USER:TOKEN`` in UTF-8."""
    return "Basic " + b64encode(f"{username}:{token}".encode()).decode("ascii")


def build_body(data: Mapping[str, Any], *, auth: tuple[str, str] | None = None) -> bytes:
    """Return the JSON body of a request, in UTF-8 with Hebrew as it is.

    :param data: What goes under ``Data``.
    :param auth: User name and token for authentication in the body, or None when the header has them.
    :raises InforuInputError: A value that JSON cannot hold.
    """
    envelope: dict[str, Any] = {"Data": dict(data)}
    if auth is not None:
        envelope = {"Auth": {"Username": auth[0], "Token": auth[1]}, **envelope}
    try:
        return json.dumps(envelope, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise InforuInputError(
            "the request cannot be written as JSON: it holds a value that is not text, a number, true, "
            "false, null, a list or an object of these; nothing was sent"
        ) from None


def build_url(base_url: str, function: str, auth_location: AuthLocation) -> str:
    """Return the address of a function; with authentication in the body it ends in ``?json=`` (guide)."""
    url = f"{base_url.rstrip('/')}/api/v2/{function.strip('/')}"
    return f"{url}?json=" if auth_location == "body" else url


def get_field(mapping: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return a field without regard to the case of its name, or None where there is none.

    The vendor writes both ``CampaignID`` and ``CampaignId``.
    """
    if name in mapping:
        return mapping[name]
    folded = name.casefold()
    return next((value for key, value in mapping.items() if key.casefold() == folded), None)


def as_int(value: object) -> int | None:
    """Return an int that came as an int, a whole float or a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value) if isinstance(value, int) or "." not in str(value) else _whole(float(value))
    except (ValueError, OverflowError):
        return None


def _whole(number: float) -> int | None:
    return int(number) if number.is_integer() else None


def as_text(value: object) -> str | None:
    """Return text that came as a string or a number; None for an empty string and anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return str(value) or None


def as_printable_text(value: object) -> str | None:
    """Return what `as_text` does, fit for logs and XCom: see `printable`."""
    text = as_text(value)
    return None if text is None else printable(text)


def parse_reply(
    body: bytes,
    *,
    http_status: int,
    function: str,
    retry_after: str | None = None,
    secrets: tuple[str, ...] = (),
) -> Reply:
    """Return the answer when it means success; raise the error that it means otherwise.

    :param body: The bytes that came.
    :param http_status: The HTTP code that came with them.
    :param function: The function that was called, for the error.
    :param retry_after: The ``Retry-After`` header, for the error.
    :param secrets: Texts that no error may repeat, should the vendor echo them.
    :raises InforuApiError: The vendor said no; the subclass says why.
    :raises InforuOutcomeUnknownError: The answer proves neither success nor refusal: HTTP 5xx, StatusId -1,
        a body that is not the envelope, a StatusId that contradicts the HTTP code.
    """
    envelope = _read_envelope(body)
    status_id = as_int(get_field(envelope, "StatusId"))
    description = hide(as_text(get_field(envelope, "StatusDescription")) or "", secrets)[:LONGEST_DESCRIPTION]
    detailed = hide(as_text(get_field(envelope, "DetailedDescription")) or "", secrets)[:LONGEST_DESCRIPTION]
    request_id = as_printable_text(get_field(envelope, "RequestId"))
    if status_id == StatusId.SUCCESS and 200 <= http_status < 300:
        data = get_field(envelope, "Data")
        return Reply(
            status_id=status_id,
            status_description=description,
            detailed_description=detailed,
            function_name=as_printable_text(get_field(envelope, "FunctionName")) or function,
            request_id=request_id,
            data=data if isinstance(data, dict) else {},
            http_status=http_status,
        )
    error = _error_class(status_id, http_status)
    if error is None:
        said = "no readable StatusId" if status_id is None else f"StatusId {describe(status_id)}"
        raise InforuOutcomeUnknownError(
            f"Inforu answered {function} with HTTP {http_status} and {said}: {NOT_KNOWN}",
            http_status=http_status,
        )
    refusal = error(
        status_id=status_id,
        http_status=http_status,
        description=description,
        detailed_description=detailed,
        function=function,
        request_id=request_id,
        retry_after=None if retry_after is None else printable(retry_after),
    )
    # The guide has 401 also for -1, which proves nothing: without its StatusId a 401 proves as little.
    refusal.safe_to_resend = status_id is not None or error is InforuRateLimitError
    raise refusal


def _read_envelope(body: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return envelope if isinstance(envelope, dict) else {}


def _error_class(status_id: int | None, http_status: int) -> type[InforuApiError] | None:
    """Return the error that an answer proves, or None where it proves nothing."""
    if http_status == StatusId.RATE_LIMIT.http_status and status_id != StatusId.SUCCESS:
        return InforuRateLimitError
    if http_status >= 500 or status_id == StatusId.GENERAL_FAILURE:
        return None
    if status_id is not None and status_id < 0:
        return ERROR_OF_STATUS.get(status_id, InforuRejectedError)
    return InforuAuthenticationError if http_status == 401 and status_id is None else None
