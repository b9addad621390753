"""The one place that talks to the vendor. One call of the client is one request: it never resends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import LocationValueError

from airflow_provider_inforu import __version__
from airflow_provider_inforu.capi.connections import WatchedAdapter, progress
from airflow_provider_inforu.capi.envelope import (
    DEFAULT_BASE_URL,
    AuthLocation,
    Reply,
    basic_authorization,
    build_body,
    build_url,
    parse_reply,
)
from airflow_provider_inforu.capi.errors import NOT_KNOWN, InforuConnectionError, InforuOutcomeUnknownError
from airflow_provider_inforu.capi.redact import hide

CONNECT_TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 1024 * 1024
"""Answers of this API are some hundred bytes; one that has no end must not fill the memory."""


class InforuClient:
    """Calls functions of the Inforu API. Safe to share between threads.

    TLS certificates are always verified, redirects are never followed (a redirected POST would be a second
    one), cookies are not kept, and environment variables name a proxy or certificate bundle as usual.

    :param base_url: Scheme and host, for example ``https://capi.inforu.co.il``.
    :param username: The user name.
    :param token: The API token.
    :param auth_location: Where both travel: ``header`` (default) or ``body``.
    :param timeout: Seconds to wait for an answer to begin, and then for it to end (30). Connecting may take
        ten of its own at most.
    :param proxy: Address of a proxy; None (default) for what the environment says.
    :param max_connections: How many connections are kept for reuse (10).
    """

    def __init__(
        self,
        *,
        base_url: str = DEFAULT_BASE_URL,
        username: str,
        token: str,
        auth_location: AuthLocation = "header",
        timeout: float = 30.0,
        proxy: str | None = None,
        max_connections: int = 10,
    ) -> None:
        self._base_url = base_url
        self._auth_location = auth_location
        self._body_auth = (username, token) if auth_location == "body" else None
        self._timeout = timeout
        self._proxies = {"http": proxy, "https": proxy} if proxy else None
        authorization = basic_authorization(username, token)
        self._secrets = tuple(
            text for text in (authorization.removeprefix("Basic "), token, _password_of(proxy)) if text
        )
        self._session = requests.Session()
        # Also where the body has the credentials: without one, requests would add those of a .netrc file.
        self._session.auth = _Authorization(authorization if auth_location == "header" else None)
        self._session.headers.update(
            {
                "Accept": "application/json",
                # Short answers gain nothing from compression, and none can unpack to gigabytes.
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": f"airflow-provider-inforu/{__version__}",
            }
        )
        self._session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, WatchedAdapter(max_connections))

    def call(self, function: str, data: Mapping[str, Any]) -> Reply:
        """Make one request and return its answer.

        :param function: Path of the function below ``/api/v2/``, for example ``Voice/Message/Send``.
        :param data: What goes under ``Data``.
        :raises InforuInputError: ``data`` holds what JSON cannot.
        :raises InforuConnectionError: The request provably never left.
        :raises InforuOutcomeUnknownError: It left, and no usable answer came.
        :raises InforuApiError: The vendor refused; the subclass says why.
        """
        content = build_body(data, auth=self._body_auth)
        progress.left = False
        try:
            with self._session.post(
                build_url(self._base_url, function, self._auth_location),
                data=content,
                timeout=(min(CONNECT_TIMEOUT_SECONDS, self._timeout), self._timeout),
                proxies=self._proxies,
                allow_redirects=False,
                verify=True,
                stream=True,
            ) as response:
                body = self._read(response, function)
        except InforuOutcomeUnknownError:
            raise
        except Exception as error:
            # Whatever it was: the connection knows whether the request left.
            raise self._transport_error(error, function) from None
        return parse_reply(
            body,
            http_status=response.status_code,
            function=function,
            retry_after=response.headers.get("Retry-After"),
            secrets=self._secrets,
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _read(self, response: requests.Response, function: str) -> bytes:
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise InforuOutcomeUnknownError(
                    f"Inforu's answer to {function} is longer than {MAX_ANSWER_BYTES} bytes: {NOT_KNOWN}",
                    http_status=response.status_code,
                )
            if time.monotonic() > deadline and response.raw.length_remaining != 0:
                raise InforuOutcomeUnknownError(
                    f"Inforu's answer to {function} did not end in time: {NOT_KNOWN}"
                )
        return bytes(body)

    def _transport_error(self, error: Exception, function: str) -> Exception:
        address = urlsplit(self._base_url)
        host = address.hostname if address.port is None else f"{address.hostname}:{address.port}"
        reason = hide(_innermost(error), self._secrets)
        if progress.left:
            return InforuOutcomeUnknownError(
                f"the request {function} went to {host} and no answer came ({reason}): {NOT_KNOWN}"
            )
        return InforuConnectionError(f"cannot reach {host} ({reason}): the request {function} was not sent")


class _Authorization(AuthBase):
    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


def _password_of(proxy: str | None) -> str | None:
    return urlsplit(proxy).password if proxy else None


def _innermost(error: BaseException) -> str:
    """Return the words of the error at the bottom: the layers above repeat addresses and object names."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [error.__cause__, error.__context__, getattr(error, "reason", None), *error.args]
        error = next((cause for cause in inner if isinstance(cause, BaseException)), error)
    if isinstance(error, LocationValueError | requests.exceptions.InvalidURL):
        return type(error).__name__  # its words repeat the address, and perhaps a proxy's password
    return f"{type(error).__name__}: {error}"
