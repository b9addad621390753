"""The one place that talks to the vendor. One call of the client is one request: it never resends."""

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
    NOT_KNOWN,
    InforuApiError,
    InforuConnectionError,
    InforuOutcomeUnknownError,
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
"""Answers of this API are some hundred bytes; one that has no end must not fill the memory."""


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A request that is ready to leave. Its repr shows neither content nor secret.

    :ivar function: The vendor's function.
    :ivar request: The request.
    """

    function: str
    request: requests.PreparedRequest = field(repr=False)


class InforuClient:
    """Calls functions of the Inforu API. Safe to share between threads.

    TLS certificates are always verified, redirects are never followed (a redirected POST would be a second
    one), cookies are not kept, and environment variables name a proxy or certificate bundle as usual.

    :param base_url: Scheme and host, for example ``https://capi.inforu.co.il``.
    :param username: The user name.
    :param token: The API token.
    :param auth_location: Where both travel: ``header`` (default) or ``body``.
    :param timeout: Seconds from the first byte of a request to the last byte of its answer (30). Connecting
        may take ten seconds of its own at most.
    :param proxy: Address of a proxy; None (default) for what the environment says.
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
        # Read once: requests would go through the environment for each request, a fifth of its time.
        self._transport = self._session.merge_environment_settings(
            base_url,
            proxies={"http": proxy, "https": proxy} if proxy else {},
            stream=True,
            verify=True,
            cert=None,
        )

    def call(self, function: str, data: Mapping[str, Any]) -> Reply:
        """Make one request and return its answer.

        :param function: Path of the function below ``/api/v2/``, for example ``Voice/Message/Send``.
        :param data: What goes under ``Data``.
        :raises InforuInputError: ``data`` holds what JSON cannot.
        :raises InforuConnectionError: The request provably never left.
        :raises InforuOutcomeUnknownError: It left, and no usable answer came.
        :raises InforuApiError: The vendor refused; the subclass says why.
        """
        return self.send(self.prepare(function, data))

    def prepare(self, function: str, data: Mapping[str, Any]) -> PreparedCall:
        """Make a request ready for `send`.

        :param function: See `call`.
        :param data: See `call`.
        :raises InforuInputError: ``data`` holds what JSON cannot.
        :raises InforuConnectionError: The base URL is no address.
        """
        content = build_body(data, auth=self._body_auth)
        request = self._request_without_body(function).copy()
        request.prepare_body(content, None)
        return PreparedCall(function, request)

    def _request_without_body(self, function: str) -> requests.PreparedRequest:
        # Made once: all but the body is the same each time, and takes longer to make than the body.
        if function not in self._without_body:
            url = build_url(self._base_url, function, self._auth_location)
            try:
                request = self._session.prepare_request(requests.Request("POST", url))
            except Exception as error:
                raise self._transport_error(error, function, has_left=False) from None
            self._without_body[function] = request
        return self._without_body[function]

    def send(self, prepared: PreparedCall) -> Reply:
        """Make one request and return its answer.

        :param prepared: What `prepare` returned; whoever sends it twice calls people twice.
        :raises InforuError: See `call`.
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
                f"Inforu's answer to {function} {error}: {NOT_KNOWN}", http_status=error.http_status
            ) from None
        except RequestHeldBackError:
            raise InforuConnectionError(
                f"the request {function} was not sent: the send was stopped before it left"
            ) from None
        except Exception as error:
            # Whatever it was: the connection knows whether the request left.
            raise self._transport_error(error, function, has_left=exchange.left) from None

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _transport_error(self, error: Exception, function: str, *, has_left: bool) -> Exception:
        address = urlsplit(self._base_url)
        host = address.hostname if address.port is None else f"{address.hostname}:{address.port}"
        reason = hide(innermost(error), self._secrets)
        if has_left:
            return InforuOutcomeUnknownError(
                f"the request {function} went to {host} and no answer came ({reason}): {NOT_KNOWN}"
            )
        return InforuConnectionError(f"cannot reach {host} ({reason}): the request {function} was not sent")


def _read_password(proxy: str | None) -> str | None:
    return urlsplit(proxy).password if proxy else None
