"""``POST …/notifications``: what the vendor pushes is stored, then answered."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from airflow_provider_inforu.receiver.rows import RowMaker
from airflow_provider_inforu.receiver.store import Store

if TYPE_CHECKING:
    from anyio import CapacityLimiter

    from airflow_provider_inforu.receiver.guard import Guard
    from airflow_provider_inforu.receiver.settings import ReceiverSettings
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


def push_route(settings: ReceiverSettings, guard: Guard, threads: CapacityLimiter) -> APIRouter:
    """Return the route that takes pushes.

    :param settings: The receiver's.
    :param guard: Lets requests through.
    :param threads: In which the store is used.
    """
    router = APIRouter()
    store = Store(settings.database)

    def keep(conn_id: str, secret: str, body: bytes, content_type: str) -> Stored:
        now = dt.datetime.now(dt.UTC)
        rows = RowMaker(conn_id, secret, settings.store_phones).read(body, content_type, now)
        return store.add(conn_id, rows, now)

    @router.post("/notifications", openapi_extra=_ANY_BODY)
    async def take_push(request: Request, conn_id: str) -> JSONResponse:
        guard.check_address(request)
        secret = await guard.check_secret(request, conn_id, in_query=True)
        body = await _read_body(request, settings.max_body_bytes)
        content_type = request.headers.get("Content-Type", "")
        stored = await anyio.to_thread.run_sync(keep, conn_id, secret, body, content_type, limiter=threads)
        _tell(conn_id, stored)
        return JSONResponse(
            {
                "stored": stored.notifications,
                "repeats": stored.repeats,
                "leftovers": stored.leftovers,
            }
        )

    return router


async def _read_body(request: Request, most: int) -> bytes:
    too_large = HTTPException(413, f"the body is larger than {most} bytes ([inforu] receiver_max_body_bytes)")
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)


def _tell(conn_id: str, stored: Stored) -> None:
    level = logging.WARNING if stored.leftovers else logging.DEBUG
    log.log(
        level,
        "Connection %r: %d notifications, %d repeats, %d leftovers kept in inforu_leftover for you to see",
        conn_id,
        stored.notifications,
        stored.repeats,
        stored.leftovers,
    )
