"""The HTTP session of the clients: verified TLS, bounded responses, no cookies, no .netrc credentials."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy

import requests
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import LocationValueError, ReadTimeoutError

from airflow_provider_inforu import __version__
from airflow_provider_inforu.capi.connections import WatchedAdapter

CONNECT_TIMEOUT_SECONDS = 10.0


class AnswerError(Exception):
    """The response is too long or too slow.

    :param message: The end of a sentence that begins with "the reply".
    :param http_status: The HTTP status code of a response that is too long; None if it is too slow.
    """

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        self.http_status = http_status
        super().__init__(message)


def new_session(authorization: str | None) -> requests.Session:
    """Return a session that is safe to share between threads.

    :param authorization: The ``Authorization`` header of each request; None to send no such header.
    """
    session = requests.Session()
    # Set even without a header to send: otherwise `requests` would add credentials of a .netrc file.
    session.auth = _Authorization(authorization)
    session.headers.update(
        {
            "Accept": "application/json",
            # Without compression, a short response cannot unpack to gigabytes.
            "Accept-Encoding": "identity",
            "User-Agent": f"airflow-provider-inforu/{__version__}",
        }
    )
    session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, WatchedAdapter())
    return session


def read_body(response: requests.Response, *, max_bytes: int) -> bytes:
    """Return the body of a streamed response.

    :param response: The response.
    :param max_bytes: The maximum length of the body, in bytes.
    :raises AnswerError: The body is longer, or the deadline of the exchange passed before its end.
    """
    body = bytearray()
    try:
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if len(body) > max_bytes:
                raise AnswerError(f"is longer than {max_bytes} bytes", http_status=response.status_code)
    except ReadTimeoutError:
        raise AnswerError("did not end in time") from None
    return bytes(body)


def innermost(error: BaseException) -> str:
    """Return the text of the root cause. The outer errors only repeat addresses and object names."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [error.__cause__, error.__context__, getattr(error, "reason", None), *error.args]
        error = next((cause for cause in inner if isinstance(cause, BaseException)), error)
    if isinstance(error, LocationValueError | requests.exceptions.InvalidURL):
        return type(error).__name__  # its text repeats the address, which may contain a proxy's password
    return f"{type(error).__name__}: {error}"


class _Authorization(AuthBase):
    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request
