"""The HTTP client of the vendor's API. Each call makes exactly one request: the client never resends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from airflow_provider_inforu.capi.envelope import (
    DEFAULT_BASE_URL,
    AuthLocation,
    Reply,
    basic_authorization,
    build_body,
    build_url,
    parse_reply,
)
from airflow_provider_inforu.capi.errors import (
    InforuApiError,
    InforuConnectionError,
    InforuOutcomeUnknownError,
    say_unknown,
)
from airflow_provider_inforu.capi.exchange import Exchange, RequestHeldBackError
from airflow_provider_inforu.capi.redact import hide
from airflow_provider_inforu.capi.session import (
    CONNECT_TIMEOUT_SECONDS,
    AnswerError,
    innermost,
    new_session,
    read_body,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER_BYTES = 1024 * 1024
"""Responses of this API have a few hundred bytes. The limit bounds memory."""


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A request that is ready to be sent. Its repr shows neither content nor secrets.

    :ivar function: The vendor's function.
    :ivar request: The HTTP request.
    """

    function: str
    request: requests.PreparedRequest = field(repr=False)


class InforuClient:
    """Calls functions of the Inforu API. Safe to share between threads.

    The client always verifies TLS certificates and keeps no cookies. It never follows a redirect, because a
    redirected POST would be a second request. The usual environment variables set a proxy or a certificate
    bundle.

    :param base_url: Scheme and host; default: ``https://capi.inforu.co.il``.
    :param username: The user name.
    :param token: The API token.
    :param auth_location: The place of user name and token in a request: ``header`` (default) or ``body``.
    :param timeout: Seconds from the first byte of a request to the last byte of its response; default: 30.
        Connecting may take up to 10 seconds more.
    :param proxy: The address of a proxy; None (default) uses the environment variables.
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
    ) -> None:
        self._base_url = base_url
        self._auth_location = auth_location
        self._body_auth = (username, token) if auth_location == "body" else None
        self._timeout = timeout
        authorization = basic_authorization(username, token)
        self._secrets = tuple(
            text for text in (authorization.removeprefix("Basic "), token, _read_password(proxy)) if text
        )
        self._session = new_session(authorization if auth_location == "header" else None)
        self._session.headers["Content-Type"] = "application/json"
        self._without_body: dict[str, requests.PreparedRequest] = {}
        # Read once: `requests` would read the environment for each request, a fifth of the request's time.
        self._transport = self._session.merge_environment_settings(
            base_url,
            proxies={"http": proxy, "https": proxy} if proxy else {},
            stream=True,
            verify=True,
            cert=None,
        )

    def call(self, function: str, data: Mapping[str, Any]) -> Reply:
        """Make one request and return its response.

        :param function: Path of the function below ``/api/v2/``, for example ``Voice/Message/Send``.
        :param data: The value of the envelope's field ``Data``.
        :raises InforuInputError: JSON cannot represent ``data``.
        :raises InforuConnectionError: The request was provably not sent.
        :raises InforuOutcomeUnknownError: The request was sent and no usable response arrived.
        :raises InforuApiError: The vendor refused the request; the subclass gives the reason.
        """
        return self.send(self.prepare(function, data))

    def prepare(self, function: str, data: Mapping[str, Any]) -> PreparedCall:
        """Build a request for `send`, without sending it.

        :param function: Path of the function below ``/api/v2/``, for example ``Voice/Message/Send``.
        :param data: The value of the envelope's field ``Data``.
        :raises InforuInputError: JSON cannot represent ``data``.
        :raises InforuConnectionError: The base URL is invalid.
        """
        content = build_body(data, auth=self._body_auth)
        request = self._request_without_body(function).copy()
        request.prepare_body(content, None)
        return PreparedCall(function, request)

    def _request_without_body(self, function: str) -> requests.PreparedRequest:
        # Built once for each function: everything but the body is constant, and takes longer to build.
        if function not in self._without_body:
            url = build_url(self._base_url, function, self._auth_location)
            try:
                request = self._session.prepare_request(requests.Request("POST", url))
            except Exception as error:
                raise self._transport_error(error, function, has_left=False) from None
            self._without_body[function] = request
        return self._without_body[function]

    def send(self, prepared: PreparedCall) -> Reply:
        """Send a prepared request and return its response.

        :param prepared: The result of `prepare`. Sending it twice calls people twice.
        :raises InforuError: The request failed; `call` lists the errors.
        """
        with Exchange(self._timeout) as exchange:
            response, body = self._exchange(prepared, exchange)
            try:
                reply = parse_reply(
                    body,
                    http_status=response.status_code,
                    function=prepared.function,
                    retry_after=response.headers.get("Retry-After"),
                    secrets=self._secrets,
                )
            except InforuApiError as refusal:
                exchange.is_conclusive = refusal.safe_to_resend
                raise
            exchange.is_conclusive = True
            return reply

    def _exchange(self, prepared: PreparedCall, exchange: Exchange) -> tuple[requests.Response, bytes]:
        function = prepared.function
        try:
            with self._session.send(
                prepared.request,
                timeout=(min(CONNECT_TIMEOUT_SECONDS, self._timeout), self._timeout),
                allow_redirects=False,
                **self._transport,
            ) as response:
                return response, read_body(response, max_bytes=MAX_ANSWER_BYTES)
        except AnswerError as error:
            raise InforuOutcomeUnknownError(
                f"Inforu's reply to {function} {error}{say_unknown(function)}", http_status=error.http_status
            ) from None
        except RequestHeldBackError:
            raise InforuConnectionError(
                f"the request {function} was not sent, because the send was stopped first"
            ) from None
        except Exception as error:
            # The type of the exception does not matter: the connection knows whether the request left.
            raise self._transport_error(error, function, has_left=exchange.left) from None

    def close(self) -> None:
        """Close the connections in the pool."""
        self._session.close()

    def _transport_error(self, error: Exception, function: str, *, has_left: bool) -> Exception:
        address = urlsplit(self._base_url)
        host = address.hostname if address.port is None else f"{address.hostname}:{address.port}"
        reason = hide(innermost(error), self._secrets)
        if has_left:
            sent = f"the request {function} was sent to {host}, but no reply arrived ({reason})"
            return InforuOutcomeUnknownError(f"{sent}{say_unknown(function)}")
        return InforuConnectionError(f"cannot reach {host} ({reason}). The request {function} was not sent")


def _read_password(proxy: str | None) -> str | None:
    return urlsplit(proxy).password if proxy else None
