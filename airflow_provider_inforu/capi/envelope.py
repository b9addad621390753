"""The JSON envelope of requests and responses: built as the guide shows it, and read leniently.

Both StatusId and HTTP status code decide about a response, because HTTP 200 may come with a failing StatusId.
"""

from __future__ import annotations

import encodings.utf_8_sig  # noqa: F401 - see below
import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_inforu.capi.errors import (
    ERROR_OF_STATUS,
    InforuApiError,
    InforuAuthenticationError,
    InforuInputError,
    InforuOutcomeUnknownError,
    InforuRateLimitError,
    InforuRejectedError,
    say_unknown,
)
from airflow_provider_inforu.capi.redact import hide, printable
from airflow_provider_inforu.capi.statuses import StatusId, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

# Python imports a codec at its first use. At the first response, a process without free file descriptors
# could not import it, and would lose the response.

DEFAULT_BASE_URL = "https://capi.inforu.co.il"

_STATUS_ID = "StatusId".casefold()
LONGEST_DESCRIPTION = 300
"""The characters of a vendor's description that errors and logs show."""

AuthLocation = Literal["header", "body"]
"""The place of user name and token in a request. The guide documents both."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that means success.

    :ivar status_id: The StatusId, always 1.
    :ivar status_description: The vendor's StatusDescription. Its wording may change (guide).
    :ivar detailed_description: The vendor's DetailedDescription.
    :ivar function_name: The name of the function, as the vendor repeats it.
    :ivar request_id: The vendor's RequestId. It is not unique, and contains account data (inferred).
    :ivar data: The field ``Data``; an empty dict if it is missing, null or not an object.
    :ivar http_status: The HTTP status code.
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

    :param data: The value of the field ``Data``.
    :param auth: User name and token for authentication in the body; None (default) if the header has them.
    :raises InforuInputError: JSON cannot represent a value in ``data``.
    """
    envelope: dict[str, Any] = {"Data": dict(data)}
    if auth is not None:
        envelope = {"Auth": {"Username": auth[0], "Token": auth[1]}, **envelope}
    try:
        return json.dumps(envelope, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise InforuInputError(
            "the request contains a value that cannot be written as JSON. The request was not sent. Use only "
            "text, finite numbers, booleans, None, lists and mappings"
        ) from None


def build_url(base_url: str, function: str, auth_location: AuthLocation) -> str:
    """Return the URL of a function. With authentication in the body, it ends with ``?json=`` (guide)."""
    url = f"{base_url.rstrip('/')}/api/v2/{function.strip('/')}"
    return f"{url}?json=" if auth_location == "body" else url


def get_field(mapping: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return a field, ignoring the case of its name; None if it is missing.

    The vendor writes both ``CampaignID`` and ``CampaignId``.
    """
    if name in mapping:
        return mapping[name]
    folded = name.casefold()
    return next((value for key, value in mapping.items() if key.casefold() == folded), None)


def as_int(value: object) -> int | None:
    """Return the whole number in an int, a whole float or a string; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value) if isinstance(value, int) or "." not in str(value) else _whole(float(value))
    except (ValueError, OverflowError):
        return None


def _whole(number: float) -> int | None:
    return int(number) if number.is_integer() else None


def as_text(value: object) -> str | None:
    """Return a string or number as text; None for an empty string and any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return str(value) or None


def as_printable_text(value: object) -> str | None:
    """Return the result of `as_text`, made `printable` for logs and XCom."""
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
    """Return a response that means success, and raise the matching error otherwise.

    :param body: The bytes of the response's body.
    :param http_status: The HTTP status code.
    :param function: The called function, for the error.
    :param retry_after: The ``Retry-After`` header, for the error; default: None.
    :param secrets: Secrets to hide in errors, because the vendor may echo them.
    :raises InforuApiError: The vendor refused the request; the subclass gives the reason.
    :raises InforuOutcomeUnknownError: The response proves neither success nor refusal. Examples are HTTP 5xx,
        StatusId -1, a body without the envelope, or a StatusId that contradicts the HTTP status code.
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
        shown = "no readable StatusId" if status_id is None else f"StatusId {describe(status_id)}"
        if status_id is None and body.lstrip().startswith(b"<"):
            shown = "a web page, so another server than Inforu may have answered"
        raise InforuOutcomeUnknownError(
            f"Inforu answered {function} with HTTP {http_status} and {shown}{say_unknown(function)}",
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
    # The guide also uses 401 for -1, a general failure. So a 401 without a StatusId proves no refusal.
    refusal.safe_to_resend = status_id is not None or error is InforuRateLimitError
    raise refusal


def _read_envelope(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8-sig", errors="replace")
        envelope = json.loads(text, object_pairs_hook=_build_object)
    except (ValueError, RecursionError):
        return {}
    return envelope if isinstance(envelope, dict) else {}


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. Several different StatusIds count as a missing one: one of them is wrong."""
    found = dict(pairs)
    names = [name for name, _ in pairs if name.casefold() == _STATUS_ID]
    if len(names) > 1 and len({repr(value) for name, value in pairs if name in names}) > 1:
        found = {name: value for name, value in found.items() if name not in names}
    return found


def _error_class(status_id: int | None, http_status: int) -> type[InforuApiError] | None:
    """Return the class of the error that a response proves; None if it proves no refusal."""
    if http_status >= 500 or status_id == StatusId.GENERAL_FAILURE:
        return None
    if http_status == StatusId.RATE_LIMIT.http_status and status_id != StatusId.SUCCESS:
        return InforuRateLimitError
    if status_id is not None and status_id < 0:
        return ERROR_OF_STATUS.get(status_id, InforuRejectedError)
    return InforuAuthenticationError if http_status == 401 and status_id is None else None
