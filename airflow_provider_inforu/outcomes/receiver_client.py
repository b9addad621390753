"""The HTTP client of the receiver."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from airflow_provider_inforu.capi.exchange import Exchange
from airflow_provider_inforu.capi.redact import hide
from airflow_provider_inforu.capi.session import (
    CONNECT_TIMEOUT_SECONDS,
    AnswerError,
    innermost,
    new_session,
    read_body,
)
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError, SecretRefusedError
from airflow_provider_inforu.outcomes.push_health import PushHealth
from airflow_provider_inforu.outcomes.summary import CallEvent, CallResult, SendSummary

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""A page of 1,000 calls with the longest keys is below 2 MB."""
LATEST = "latest"
"""The cursor of the end of the feed, for notifications that arrive from now on."""
_PAGE = 1000
_MAX_DETAIL = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of the feed.

    :ivar events: The notifications of the page, in the order of arrival.
    :ivar next: The cursor of the next page.
    """

    events: list[CallEvent]
    next: str


class ReceiverClient:
    """Reads from the receiver. Safe to share between threads.

    The client always verifies TLS certificates and never follows a redirect. The usual environment variables
    set a proxy or a certificate bundle.

    :param base_url: The receiver's URL, from the connection's ``receiver_url``.
    :param conn_id: The connection whose notifications are read.
    :param secret: The connection's ``notification_secret`` or ``read_secret``.
    :param timeout: Seconds from the first byte of a request to the last byte of its response; default: 30.
    """

    def __init__(self, base_url: str, conn_id: str, secret: str, timeout: float = 30.0) -> None:
        self._root = f"{base_url.rstrip('/')}/inforu/v1/{quote(conn_id, safe='')}"
        self._conn_id = conn_id
        self._secret = secret
        self._timeout = timeout
        self._session = new_session(f"Bearer {secret}")

    def get_summary(self, send_id: str) -> SendSummary:
        """Return how many calls of a send have ended, by outcome. An unknown send has zero calls.

        :param send_id: The ID of the send.
        :raises ReceiverError: The receiver cannot be reached, or refused the request.
        """
        return self._read(f"sends/{quote(send_id, safe='')}", {}, SendSummary.from_json)

    def get_health(self) -> PushHealth:
        """Return the health of the connection's pushes.

        :raises ReceiverError: The receiver cannot be reached, or refused the request.
        """
        return self._read("health", {}, PushHealth.from_json)

    def iter_calls(self, send_id: str, status: str | None = None) -> Iterator[CallResult]:
        """Yield the outcome of each call of a send, in a stable order. Pages are read on demand.

        :param send_id: The ID of the send.
        :param status: Only calls with this status; None (default) for all.
        :raises ReceiverError: The receiver cannot be reached, or refused the request.
        """
        path = f"sends/{quote(send_id, safe='')}/calls"
        after: str | None = None
        while True:
            page, following = self._read(
                path, {"status": status, "after": after, "limit": _PAGE}, _page_of_calls
            )
            yield from page
            if following is None:
                return
            if following == after:
                raise self._not_ours("it returned the same page of calls twice")
            after = following

    def read_feed(self, after: str | None = None, limit: int = _PAGE) -> FeedPage:
        """Return the notifications that arrived after a cursor.

        :param after: The cursor of an earlier page. None (default) begins with the first notification.
            `LATEST` returns no notification, and the cursor of the end.
        :param limit: The maximum number of notifications, 1 to 1000 (default).
        :raises ReceiverError: The receiver cannot be reached, or refused the request.
        """
        return self._read("notifications", {"after": after, "limit": limit}, _feed_page)

    def close(self) -> None:
        """Close the connections in the pool."""
        self._session.close()

    def _read(self, path: str, params: Mapping[str, Any], parse: Callable[[Any], T]) -> T:
        status, body = self._get(path, params)
        if status != 200:
            raise self._refusal(status, body)
        try:
            return parse(json.loads(body))
        except (ValueError, RecursionError) as error:
            reason = "it is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)[:_MAX_DETAIL]
            raise self._not_ours(hide(reason)) from None

    def _get(self, path: str, params: Mapping[str, Any]) -> tuple[int, bytes]:
        try:
            with (
                Exchange(self._timeout) as exchange,
                self._session.get(
                    f"{self._root}/{path}",
                    params={name: value for name, value in params.items() if value is not None},
                    timeout=(min(CONNECT_TIMEOUT_SECONDS, self._timeout), self._timeout),
                    allow_redirects=False,
                    verify=True,
                    stream=True,
                ) as response,
            ):
                body = read_body(response, max_bytes=MAX_ANSWER_BYTES)
                exchange.is_conclusive = response.status_code < 500
                return response.status_code, body
        except AnswerError as error:
            raise ReceiverError(
                f"the reply of {self._where} {error}", is_passing=error.http_status is None
            ) from None
        except Exception as error:
            reason = hide(innermost(error), (self._secret,))
            raise ReceiverError(f"cannot reach {self._where} ({reason})", is_passing=True) from None

    def _refusal(self, status: int, body: bytes) -> ReceiverError:
        detail = hide(_detail(body), (self._secret,))[:_MAX_DETAIL]
        answer = f"HTTP {status}" + (f', "{detail}"' if detail else "")
        where = self._where
        if status == 403:
            return ReceiverError(
                f"a proxy or firewall in front of {where} refused the request ({answer}). Allow requests of "
                "this machine to receiver_url there",
                is_passing=False,
            )
        if status == 401:
            return SecretRefusedError(
                f"{where} refused the notification_secret of the connection {self._conn_id!r} ({answer}). "
                "Set the same secret for the receiver and for this task",
                is_passing=False,
            )
        if status == 404:
            return ReceiverError(
                f"{where} does not know the connection {self._conn_id!r}, or is not a receiver ({answer}). "
                "Check receiver_url, and that the connection exists where the receiver runs. If the API "
                "server is the receiver, set [inforu] receiver_enabled for it",
                is_passing=False,
            )
        if 300 <= status < 400:
            return ReceiverError(
                f"{where} answered with a redirect ({answer}), which is not followed. Set receiver_url to "
                "the target of the redirect",
                is_passing=False,
            )
        # This 503 does not pass by itself: an administrator must set the secret.
        unset = status == 503 and "notification_secret" in detail
        passing = (status >= 500 and not unset) or status in (408, 425, 429)
        return ReceiverError(f"{where} answered {answer}", is_passing=passing)

    def _not_ours(self, reason: str) -> ReceiverError:
        return ReceiverError(
            f"the reply of {self._where} is invalid ({reason}). Check receiver_url, and that the receiver "
            "and this task use the same version of the provider",
            is_passing=False,
        )

    @property
    def _where(self) -> str:
        address = urlsplit(self._root)
        host = address.hostname if address.port is None else f"{address.hostname}:{address.port}"
        return f"the receiver at {host}"


def _detail(body: bytes) -> str:
    try:
        detail = json.loads(body).get("detail")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return detail if isinstance(detail, str) else ""


def _page_of_calls(content: Any) -> tuple[list[CallResult], str | None]:  # noqa: ANN401 - a JSON value
    items, following = _items(content, "calls")
    return [CallResult.from_json(item) for item in items], following


def _feed_page(content: Any) -> FeedPage:  # noqa: ANN401 - a JSON value
    items, following = _items(content, "notifications")
    if following is None:
        raise ValueError("next is not a cursor")
    return FeedPage([CallEvent.from_json(item) for item in items], following)


def _items(content: Any, name: str) -> tuple[list[Any], str | None]:  # noqa: ANN401 - a JSON value
    if not isinstance(content, Mapping) or not isinstance(content.get(name), list):
        raise ValueError(f"{name} is not a list")  # noqa: TRY004 - one type for every unreadable field
    following = content.get("next")
    if following is not None and not isinstance(following, str | int):
        raise ValueError("next is not a cursor")
    return content[name], None if following is None else str(following)
