"""The read API: the outcomes of calls, for workers and triggers without access to the database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from airflow_provider_inforu.receiver.reading import MOST_ROWS, Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio import CapacityLimiter

    from airflow_provider_inforu.receiver.authenticator import RequestAuthenticator
    from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings
    from airflow_provider_inforu.receiver.refused_pushes import Health

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]


def read_routes(
    settings: ReceiverSettings, guard: RequestAuthenticator, threads: CapacityLimiter, health: Health
) -> APIRouter:
    """Return the routes of the read API.

    :param settings: The receiver's settings.
    :param guard: Authenticates the requests.
    :param threads: Limits the threads that read the store.
    :param health: Reads the health of pushes.
    """
    router = APIRouter()
    reader = Reader(settings.database)

    async def answer(request: Request, conn_id: str, read: Callable[[], dict[str, Any]]) -> JSONResponse:
        await guard.check_read(request, conn_id)
        return JSONResponse(await anyio.to_thread.run_sync(read, limiter=threads))

    @router.get("/sends/{send_id}")
    async def read_summary(request: Request, conn_id: str, send_id: str) -> JSONResponse:
        return await answer(request, conn_id, partial(reader.summary, conn_id, send_id))

    @router.get("/sends/{send_id}/calls")
    async def read_calls(
        request: Request,
        conn_id: str,
        send_id: str,
        status: str | None = None,
        after: str | None = None,
        limit: Limit = MOST_ROWS,
    ) -> JSONResponse:
        read = partial(reader.calls, conn_id, send_id, status=status, after=after, limit=limit)
        return await answer(request, conn_id, read)

    @router.get("/notifications")
    async def read_feed(
        request: Request, conn_id: str, after: str | None = None, limit: Limit = MOST_ROWS
    ) -> JSONResponse:
        return await answer(request, conn_id, partial(reader.feed, conn_id, after=after, limit=limit))

    @router.get("/health")
    async def read_health(request: Request, conn_id: str) -> JSONResponse:
        return await answer(request, conn_id, partial(health.read, conn_id))

    return router
