"""The errors of requests, and whether the same calls may be sent again.

``safe_to_resend`` is true only if the response or the transport proves that no call of the request was
accepted. A phone call cannot be taken back, so an unproven outcome counts as unknown.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_inforu.capi.statuses import StatusId, describe

NO_NEW_CALLS = "No new calls were placed"
"""A try that fails before it sends says this. An earlier try may have placed calls."""


class InforuError(Exception):
    """The base class of all errors of this provider."""

    safe_to_resend = False
    """Whether it is proven that no call of the request was accepted."""


class InforuInputError(InforuError, ValueError):
    """The input is invalid. No request was sent."""

    safe_to_resend = True


class InforuConnectionError(InforuError):
    """The request was provably not sent: connection refused, host not found, no TLS, connect timeout."""

    safe_to_resend = True


def say_unknown(function: str) -> str:
    """Return the end of the message of an `InforuOutcomeUnknownError`.

    :param function: The called function. Those of ``Admin``, such as the quota, place no calls.
    """
    if function.startswith("Admin/"):
        return ""
    return (
        ". It is unknown whether Inforu processed the request. Check the campaigns in the Inforu portal "
        "before you send it again"
    )


class InforuOutcomeUnknownError(InforuError):
    """The request was sent and no usable response arrived. Its calls may have been accepted.

    The causes are a read timeout, a connection reset, HTTP 5xx, StatusId -1 or an unreadable body.

    :param message: The text of the error.
    :param http_status: The HTTP status code; None if no response arrived.
    """

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        self.http_status = http_status
        super().__init__(message)


class InforuApiError(InforuError):
    """The vendor refused the request.

    :param status_id: The vendor's StatusId; None if the response has only an HTTP status code.
    :param http_status: The HTTP status code.
    :param description: The vendor's StatusDescription, with phones hidden. Do not use it in logic: its
        wording may change (guide).
    :param detailed_description: The vendor's DetailedDescription, with phones hidden.
    :param function: The called function, for example ``Voice/Message/Send``.
    :param request_id: The vendor's RequestId. It contains account data (inferred), so no message shows it.
    :param retry_after: The vendor's ``Retry-After`` header, in seconds or as an HTTP date; None if missing.
    """

    safe_to_resend = True

    def __init__(
        self,
        *,
        status_id: int | None,
        http_status: int,
        description: str = "",
        detailed_description: str = "",
        function: str = "",
        request_id: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        self.status_id = status_id
        self.http_status = http_status
        self.description = description
        self.detailed_description = detailed_description
        self.function = function
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(self._message())

    def __reduce__(self) -> tuple[Any, ...]:
        """Make the error picklable, so that it can be passed to another process."""
        return _rebuild, (type(self), self.__dict__)

    def _message(self) -> str:
        status = "without a StatusId" if self.status_id is None else f"StatusId {describe(self.status_id)}"
        descriptions = " / ".join(
            text for text in (self.description, self.detailed_description) if text and text not in status
        )
        quoted = f', "{descriptions}"' if descriptions else ""
        return f"Inforu refused {self.function}: HTTP {self.http_status}, {status}{quoted}"


def _rebuild(kind: type[InforuApiError], fields: dict[str, Any]) -> InforuApiError:
    error = kind.__new__(kind)
    error.__dict__.update(fields)
    Exception.__init__(error, error._message())  # noqa: SLF001 - its own class's
    return error


class InforuAuthenticationError(InforuApiError):
    """The user name, token or IP address was refused (-2, -26, -231, or HTTP 401 without a StatusId).

    An HTTP 401 without a StatusId is not safe to resend. The guide also uses 401 for -1, a general failure.
    """


class InforuAccountError(InforuApiError):
    """The user is inactive, locked out or blocked (-221, -222, -22)."""


class InforuTooManyRecordsError(InforuApiError):
    """The request has more records than the function allows (-2010, -2011)."""


class InforuRateLimitError(InforuApiError):
    """The account made too many requests in a second or minute (-429, -524, HTTP 429)."""


class InforuQuotaError(InforuApiError):
    """The quota of the user, project or customer is used up (-13, -14, -15)."""


class InforuRequestTokenNotFoundError(InforuApiError):
    """The vendor does not know this RequestToken (-2014)."""


class InforuJobInProgressError(InforuApiError):
    """A job is still in progress (-2015)."""


class InforuRejectedError(InforuApiError):
    """The vendor returned another negative StatusId."""


ERROR_OF_STATUS: dict[int, type[InforuApiError]] = {
    StatusId.AUTHENTICATION_FAILED: InforuAuthenticationError,
    StatusId.USER_AUTHENTICATION_ERROR: InforuAuthenticationError,
    StatusId.WRONG_TOKEN_TYPE: InforuAuthenticationError,
    StatusId.USER_NOT_ACTIVE: InforuAccountError,
    StatusId.LOCKED_OUT: InforuAccountError,
    StatusId.USER_BLOCKED: InforuAccountError,
    StatusId.TOO_MANY_RECORDS_100: InforuTooManyRecordsError,
    StatusId.TOO_MANY_RECORDS_5000: InforuTooManyRecordsError,
    StatusId.RATE_LIMIT: InforuRateLimitError,
    StatusId.TOO_MANY_IN_ONE_MINUTE: InforuRateLimitError,
    StatusId.USER_QUOTA_EXCEEDED: InforuQuotaError,
    StatusId.PROJECT_QUOTA_EXCEEDED: InforuQuotaError,
    StatusId.CUSTOMER_QUOTA_EXCEEDED: InforuQuotaError,
    StatusId.REQUEST_TOKEN_NOT_FOUND: InforuRequestTokenNotFoundError,
    StatusId.JOB_IN_PROGRESS: InforuJobInProgressError,
}
"""The error class of each StatusId. Other negative StatusIds are `InforuRejectedError`."""
