"""The one place that reads from the receiver."""

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
"""The cursor of now."""
_PAGE = 1000
_MAX_DETAIL = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of the feed.

    :ivar events: Its notifications, in the order of their arrival.
    :ivar next: The cursor to go on from.
    """

    events: list[CallEvent]
    next: str


class ReceiverClient:
    """Reads from the receiver. Safe to share between threads.

    TLS certificates are always verified, redirects are never followed, and environment variables name a
    proxy or certificate bundle as usual.

    :param base_url: The receiver's address, a connection's ``receiver_url``.
    :param conn_id: The connection whose notifications are read.
    :param secret: Its ``notification_secret``.
    :param timeout: Seconds from the first byte of a request to the last byte of its answer (30).
    """

    def __init__(self, base_url: str, conn_id: str, secret: str, timeout: float = 30.0) -> None:
        self._root = f"{base_url.rstrip('/')}/inforu/v1/{quote(conn_id, safe='')}"
        self._conn_id = conn_id
        self._secret = secret
        self._timeout = timeout
        self._session = new_session(f"Bearer {secret}")

    def get_summary(self, send_id: str) -> SendSummary:
        """Return how many calls of a send have ended, and how; of a send that nobody heard of: none.

        :param send_id: The send.
        :raises ReceiverError: See there.
        """
        return self._read(f"sends/{quote(send_id, safe='')}", {}, SendSummary.from_json)

    def get_health(self) -> PushHealth:
        """Return what the receiver knows of the pushes of the connection.

        :raises ReceiverError: See there.
        """
        return self._read("health", {}, PushHealth.from_json)

    def iter_calls(self, send_id: str, status: str | None = None) -> Iterator[CallResult]:
        """Yield how each call of a send ended, in a stable order, reading page by page.

        :param send_id: The send.
        :param status: Only calls that ended with this status; None for all.
        :raises ReceiverError: See there.
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
                raise self._not_ours("its list of calls does not go on")
            after = following

    def read_feed(self, after: str | None = None, limit: int = _PAGE) -> FeedPage:
        """Return the notifications that arrived after a cursor.

        :param after: The cursor; `LATEST` for none and the cursor of now, None for the beginning.
        :param limit: The most notifications, 1 to 1000.
        :raises ReceiverError: See there.
        """
        return self._read("notifications", {"after": after, "limit": limit}, _feed_page)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _read(self, path: str, params: Mapping[str, Any], parse: Callable[[Any], T]) -> T:
        status, body = self._get(path, params)
        if status != 200:
            raise self._refusal(status, body)
        try:
            return parse(json.loads(body))
        except (ValueError, RecursionError) as error:
            said = "it is no JSON" if isinstance(error, json.JSONDecodeError) else str(error)[:_MAX_DETAIL]
            raise self._not_ours(hide(said)) from None

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
                f"the answer of {self._where} {error}", is_passing=error.http_status is None
            ) from None
        except Exception as error:
            reason = hide(innermost(error), (self._secret,))
            raise ReceiverError(f"cannot reach {self._where} ({reason})", is_passing=True) from None

    def _refusal(self, status: int, body: bytes) -> ReceiverError:
        detail = hide(_detail(body), (self._secret,))[:_MAX_DETAIL]
        said = f"HTTP {status}" + (f', "{detail}"' if detail else "")
        where = self._where
        if status in (401, 403):
            # A 403 is not the receiver's word but that of something before it, which no new secret mends.
            refusal = SecretRefusedError if status == 401 else ReceiverError
            return refusal(
                f"{where} refused the notification_secret of the connection {self._conn_id!r} ({said}): the "
                "receiver sees another one than this task does. Set both to the same",
                is_passing=False,
            )
        if status == 404:
            return ReceiverError(
                f"{where} does not know the connection {self._conn_id!r}, or no receiver is there ({said}). "
                "Check receiver_url, that the receiver has the connection, and, where the API server is the "
                "receiver, that it runs with [inforu] receiver_enabled",
                is_passing=False,
            )
        if 300 <= status < 400:
            return ReceiverError(
                f"{where} answered with a redirect ({said}), which is not followed: set receiver_url to the "
                "address where it leads",
                is_passing=False,
            )
        # The one 503 that does not pass by itself: the receiver tells its administrator what to set.
        unset = status == 503 and "notification_secret" in detail
        passing = (status >= 500 and not unset) or status in (408, 425, 429)
        return ReceiverError(f"{where} answered {said}", is_passing=passing)

    def _not_ours(self, reason: str) -> ReceiverError:
        return ReceiverError(
            f"{self._where} answered what no receiver of this provider does ({reason}). Check receiver_url, "
            "and that both have the same version of the provider",
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
        raise ValueError("next is no cursor")
    return FeedPage([CallEvent.from_json(item) for item in items], following)


def _items(content: Any, name: str) -> tuple[list[Any], str | None]:  # noqa: ANN401 - a JSON value
    if not isinstance(content, Mapping) or not isinstance(content.get(name), list):
        raise ValueError(f"{name} is no list")  # noqa: TRY004 - one type for all that cannot be read
    following = content.get("next")
    if following is not None and not isinstance(following, str | int):
        raise ValueError("next is no cursor")
    return content[name], None if following is None else str(following)
