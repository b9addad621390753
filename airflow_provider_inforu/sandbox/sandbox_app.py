"""The sandbox's web application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib import resources
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from airflow_provider_inforu.sandbox.control_input import ControlInputError
from airflow_provider_inforu.sandbox.control_routes import UnreadableControlBodyError, control_routes
from airflow_provider_inforu.sandbox.own_names import OwnNames
from airflow_provider_inforu.sandbox.pusher import Pusher
from airflow_provider_inforu.sandbox.vendor_routes import vendor_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from airflow_provider_inforu.sandbox.connection_faults import ConnectionFaults
    from airflow_provider_inforu.sandbox.state import Account

# The page needs no external resources, so it may not load any.
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def create_app(account: Account, wire: ConnectionFaults, names: Iterable[str] = ()) -> FastAPI:
    """Return the application: the vendor's API, the control API and the page.

    :param account: The account of the sandbox.
    :param wire: The connections of the server, for faults that break them.
    :param names: The allowed host names, in addition to IP addresses and the names of this machine.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pusher = Pusher(account)
        pusher.start()
        wire.open()
        yield
        wire.close()
        pusher.stop()

    app = FastAPI(title="Inforu sandbox", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(OwnNames, names=names)
    app.include_router(vendor_routes(account, wire))
    app.include_router(control_routes(account, wire))
    app.add_exception_handler(ControlInputError, _explain)
    app.add_exception_handler(ClientDisconnect, _end_abandoned_request)
    page = resources.files(__package__).joinpath("page.html").read_bytes()

    @app.get("/")
    async def show_page() -> Response:
        headers = {"Content-Security-Policy": _PAGE_POLICY}
        return Response(page, headers=headers, media_type="text/html; charset=utf-8")

    return app


async def _explain(_: Request, error: Exception) -> Response:
    status = 400 if isinstance(error, UnreadableControlBodyError) else 422
    return JSONResponse({"error": str(error)}, status)


async def _end_abandoned_request(_: Request, __: Exception) -> Response:
    # The client has disconnected, so nobody reads this response.
    return Response(status_code=400)
