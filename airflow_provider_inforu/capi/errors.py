"""What can go wrong with a request, as types, and whether the same calls may be sent again.

``safe_to_resend`` is true exactly where the answer or the transport proves that no call of the request was
accepted. A phone call cannot be taken back, so whatever is not proven counts as unknown.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_inforu.capi.statuses import StatusId, describe

NO_NEW_CALLS = "No new calls were placed"
"""True of every try that fails before it sends: an earlier try may have placed calls."""


class InforuError(Exception):
    """The root of all errors of this provider."""

    safe_to_resend = False
    """Whether it is proven that no call of the request was accepted."""


class InforuInputError(InforuError, ValueError):
    """What we were given cannot be sent; nothing left this process."""

    safe_to_resend = True


class InforuConnectionError(InforuError):
    """The request provably never left: connection refused, host not found, no TLS, connect timeout."""

    safe_to_resend = True


NOT_KNOWN = "whether it was carried out is not known"


class InforuOutcomeUnknownError(InforuError):
    """The request left and no usable answer came: its calls may have been accepted, or not.

    Read timeout, reset, HTTP 5xx, StatusId -1, an unreadable body.

    :param message: What happened.
    :param http_status: The HTTP code, or None where no answer came.
    """

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        self.http_status = http_status
        super().__init__(message)


class InforuApiError(InforuError):
    """The vendor answered, and said no.

    :param status_id: The vendor's StatusId, or None where only the HTTP code speaks.
    :param http_status: The HTTP code.
    :param description: The vendor's StatusDescription, phones hidden. For people, never for logic (guide).
    :param detailed_description: The vendor's DetailedDescription, phones hidden.
    :param function: The function that was called, for example ``Voice/Message/Send``.
    :param request_id: The vendor's RequestId. It holds account data (inferred), so no message shows it.
    :param retry_after: Seconds or an HTTP date as the vendor's ``Retry-After`` header had it, or None.
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
        """Let the error cross to another process."""
        return _rebuild, (type(self), self.__dict__)

    def _message(self) -> str:
        status = "without a StatusId" if self.status_id is None else f"StatusId {describe(self.status_id)}"
        words = " / ".join(
            text for text in (self.description, self.detailed_description) if text and text not in status
        )
        said = f'; the vendor said "{words}"' if words else ""
        return f"Inforu refused {self.function}: HTTP {self.http_status}, {status}{said}"


def _rebuild(kind: type[InforuApiError], fields: dict[str, Any]) -> InforuApiError:
    error = kind.__new__(kind)
    error.__dict__.update(fields)
    Exception.__init__(error, error._message())  # noqa: SLF001 - its own class's
    return error


class InforuAuthenticationError(InforuApiError):
    """User name, token or this machine's address was not accepted (-2, -26, -231, HTTP 401 otherwise).

    An HTTP 401 without a StatusId is not safe to resend: the guide has 401 also for -1, which proves nothing.
    """


class InforuAccountError(InforuApiError):
    """The user is not active, locked out or blocked (-221, -222, -22)."""


class InforuTooManyRecordsError(InforuApiError):
    """More records than the function takes in one request (-2010, -2011)."""


class InforuRateLimitError(InforuApiError):
    """Too many requests in a second or minute (-429, -524, HTTP 429)."""


class InforuQuotaError(InforuApiError):
    """The quota of the user, project or customer is used up (-13, -14, -15)."""


class InforuRequestTokenNotFoundError(InforuApiError):
    """The vendor does not know this RequestToken (-2014)."""


class InforuJobInProgressError(InforuApiError):
    """A job is still in progress (-2015)."""


class InforuRejectedError(InforuApiError):
    """Any other StatusId below zero."""


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
"""The error of each StatusId that has one of its own; the other negative ones are `InforuRejectedError`."""
