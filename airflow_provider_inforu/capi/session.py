"""The HTTP session of every client: verified, bounded, with no cookies and no credentials of others."""

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
    """An answer that has no end, or not in time.

    :param message: What is wrong, to go on from "the answer …".
    :param http_status: Its HTTP code, where the answer counts as one.
    """

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        self.http_status = http_status
        super().__init__(message)


def new_session(authorization: str | None) -> requests.Session:
    """Return a session that is safe to share between threads.

    :param authorization: The ``Authorization`` header of each request; None for none.
    """
    session = requests.Session()
    # Also where there is no header to send: without one, requests would add those of a .netrc file.
    session.auth = _Authorization(authorization)
    session.headers.update(
        {
            "Accept": "application/json",
            # Short answers gain nothing from compression, and none can unpack to gigabytes.
            "Accept-Encoding": "identity",
            "User-Agent": f"airflow-provider-inforu/{__version__}",
        }
    )
    session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, WatchedAdapter())
    return session


def read_body(response: requests.Response, *, max_bytes: int) -> bytes:
    """Return the body of a streamed answer.

    :param response: The answer.
    :param max_bytes: How long it may be.
    :raises AnswerError: It is longer, or the deadline of the exchange passed before its end.
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
    """Return the words of the error at the bottom: the layers above repeat addresses and object names."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [error.__cause__, error.__context__, getattr(error, "reason", None), *error.args]
        error = next((cause for cause in inner if isinstance(cause, BaseException)), error)
    if isinstance(error, LocationValueError | requests.exceptions.InvalidURL):
        return type(error).__name__  # its words repeat the address, and perhaps a proxy's password
    return f"{type(error).__name__}: {error}"


class _Authorization(AuthBase):
    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request
