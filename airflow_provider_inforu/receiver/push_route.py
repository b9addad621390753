"""``POST …/notifications``: the route that stores a push, then answers it."""

from __future__ import annotations

import datetime as dt
import logging
from functools import partial
from typing import TYPE_CHECKING

import anyio
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from airflow_provider_inforu.receiver.push_parser import PushParser
from airflow_provider_inforu.receiver.push_queue import PushQueue, QueueFullError
from airflow_provider_inforu.receiver.store import Store

if TYPE_CHECKING:
    from airflow_provider_inforu.receiver.authenticator import RequestAuthenticator
    from airflow_provider_inforu.receiver.push_queue import QueueSlot
    from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings
    from airflow_provider_inforu.receiver.store import Stored

log = logging.getLogger(__name__)

_ANY_BODY = {
    "requestBody": {
        "content": {
            "application/json": {"schema": {}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
        }
    }
}


_LONGEST_SIZE = 20
BODY_SECONDS = 60.0
"""The maximum time for a body to arrive."""
_LOCK_SECONDS = 0.25
"""How long a thread waits for a locked row. Then it serves other pushes, and this push is tried again."""


def push_route(settings: ReceiverSettings, guard: RequestAuthenticator) -> APIRouter:
    """Return the route that accepts pushes.

    :param settings: The receiver's settings.
    :param guard: Authenticates the requests.
    """
    router = APIRouter()
    store = Store(settings.database)
    queue = PushQueue(settings.max_body_bytes)

    @router.post("/notifications", openapi_extra=_ANY_BODY)
    async def take_push(request: Request, conn_id: str) -> JSONResponse:
        guard.check_address(request)
        secret = await guard.check_push(request, conn_id)
        maker = PushParser(conn_id, secret, settings.store_phones)
        content_type = request.headers.get("Content-Type", "")
        size = _announced_size(request, settings.max_body_bytes)
        try:
            with queue.place(conn_id, size) as place:
                body = await _read_body(request, settings.max_body_bytes, place)
                now = dt.datetime.now(dt.UTC)
                stored = await place.run(
                    partial(maker.read, body, content_type, now),
                    lambda rows: store.add(conn_id, rows, now, _LOCK_SECONDS),
                )
        except QueueFullError:
            log.warning(
                "Refused a push to the connection %r with HTTP 503, because too many of its pushes wait to "
                "be stored. If this continues, check the speed of the receiver's database",
                conn_id,
            )
            raise HTTPException(
                503,
                "too many pushes to this connection are waiting. Nothing was stored. Try again later",
                {"Retry-After": "5"},
            ) from None
        _log_push(conn_id, stored)
        return JSONResponse(
            {
                "stored": stored.notifications,
                "repeats": stored.repeats,
                "unrecognized": stored.unrecognized,
            }
        )

    return router


def _announced_size(request: Request, most: int) -> int:
    declared = request.headers.get("Content-Length", "")
    size = int(declared) if declared.isdecimal() and len(declared) < _LONGEST_SIZE else 0
    if size > most or len(declared) >= _LONGEST_SIZE:
        raise _too_large(most)
    return size


async def _read_body(request: Request, most: int, place: QueueSlot) -> bytes:
    body = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                if len(body) + len(chunk) > most:
                    raise _too_large(most)
                place.grow(len(chunk))
                body += chunk
    except TimeoutError:
        raise HTTPException(
            408, f"the body took longer than {BODY_SECONDS:.0f} seconds. Nothing was stored. Send it again"
        ) from None
    return bytes(body)


def _too_large(most: int) -> HTTPException:
    return HTTPException(
        413,
        f"the body is larger than {most} bytes. Nothing was stored. Raise [inforu] receiver_max_body_bytes",
    )


def _log_push(conn_id: str, stored: Stored) -> None:
    level = logging.WARNING if stored.unrecognized else logging.DEBUG
    log.log(
        level,
        "Stored a push to the connection %r: %d new notifications, %d repeats, %d unrecognized payloads (in "
        "the table inforu_unrecognized)",
        conn_id,
        stored.notifications,
        stored.repeats,
        stored.unrecognized,
    )
