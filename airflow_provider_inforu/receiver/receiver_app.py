"""The receiver's web application. It does not import Airflow: the settings contain all it needs."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect

from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.receiver.access_log import RedactQueryMiddleware, hide_queries
from airflow_provider_inforu.receiver.authenticator import RequestAuthenticator
from airflow_provider_inforu.receiver.database import READERS
from airflow_provider_inforu.receiver.housekeeping import prune_now_and_then
from airflow_provider_inforu.receiver.migrate import NotReadyError
from airflow_provider_inforu.receiver.push_route import push_route
from airflow_provider_inforu.receiver.read_routes import read_routes
from airflow_provider_inforu.receiver.reading import BadCursorError, read_conn_ids
from airflow_provider_inforu.receiver.receiver_settings import PREFIX
from airflow_provider_inforu.receiver.refused_pushes import CountRefusedPushes, Health, RefusedPushes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings

log = logging.getLogger(__name__)

_RETRY_SECONDS = "30"


def build_app(settings: ReceiverSettings) -> FastAPI:
    """Return the receiver's application.

    :param settings: The receiver's settings.
    """
    # In Airflow's API server, the mount adds the prefix.
    hide_queries(settings.prefix or PREFIX)
    guard = RequestAuthenticator(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        guard.lookups.expect(await anyio.to_thread.run_sync(_prepare_database, settings))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(guard.lookups.warm_up)
            if settings.retention_days:
                tasks.start_soon(prune_now_and_then, settings.database, settings.retention_days)
            yield
            tasks.cancel_scope.cancel()
        await anyio.to_thread.run_sync(settings.database.close)

    app = FastAPI(
        title="Inforu receiver",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(RedactQueryMiddleware)
    # Separate threads, as many as database connections, so that Airflow's API keeps its own threads.
    readers = anyio.CapacityLimiter(READERS)
    refused = RefusedPushes()
    app.add_middleware(CountRefusedPushes, refused=refused, is_known=guard.is_known)
    prefix = f"{settings.prefix}/v1/{{conn_id}}"
    app.include_router(push_route(settings, guard), prefix=prefix)
    # The page of calls shows the same health.
    app.state.health = Health(settings.database, refused)
    app.include_router(read_routes(settings, guard, readers, app.state.health), prefix=prefix)
    app.add_exception_handler(SQLAlchemyError, _database_failed)
    app.add_exception_handler(NotReadyError, _not_ready)
    app.add_exception_handler(BadCursorError, _unprocessable)
    app.add_exception_handler(RequestValidationError, _explain_parameters)
    app.add_exception_handler(ClientDisconnect, _end_abandoned_request)
    return app


def _prepare_database(settings: ReceiverSettings) -> list[str]:
    """Prepare the database, and return the connections with earlier pushes.

    If this fails, each request tries again and returns 503 until it succeeds.
    """
    try:
        return read_conn_ids(settings.database)
    except NotReadyError as error:
        log.error("The receiver of Inforu notifications cannot store pushes: %s", error)  # noqa: TRY400
    except SQLAlchemyError as error:
        _log_failure(error)
    return []


def _log_failure(error: SQLAlchemyError) -> None:
    # Without traceback and parameters, which may contain personal data.
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()
    log.error(
        "The database of Inforu's notifications cannot be used, so requests get HTTP 503. Check the database "
        "and [inforu] receiver_database. %s: %s",
        type(error).__name__,
        hide_phones(cause[0]) if cause else "",
    )


async def _database_failed(_: Request, error: Exception) -> Response:
    if isinstance(error, SQLAlchemyError):
        _log_failure(error)
    return _service_unavailable("the database cannot be used now. Nothing was stored. Try again later")


async def _not_ready(_: Request, error: Exception) -> Response:
    return _service_unavailable(str(error))


def _service_unavailable(detail: str) -> Response:
    return JSONResponse({"detail": detail}, 503, headers={"Retry-After": _RETRY_SECONDS})


async def _unprocessable(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 422)


async def _explain_parameters(_: Request, error: Exception) -> Response:
    # The response does not repeat the invalid values.
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    detail = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in problems)
    return JSONResponse({"detail": detail}, 422)


async def _end_abandoned_request(_: Request, __: Exception) -> Response:
    # The client has disconnected, so nobody reads this response.
    return Response(status_code=400)
