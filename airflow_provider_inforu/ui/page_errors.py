"""Responses to failed requests: a page for browsers, JSON for other clients."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from airflow_provider_inforu.calls_page import PREFIX
from airflow_provider_inforu.ui.addresses import login_address
from airflow_provider_inforu.ui.call_views import CallsUnavailableError, SettleRefusedError
from airflow_provider_inforu.ui.page_rendering import render_message

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

log = logging.getLogger(__name__)

_TEXTS = {
    403: ("Not allowed", "You have no permission for this page. Ask an administrator of Airflow for it."),
    404: ("Not found", "This page or this send was not found. The run may have been deleted."),
}


def add_error_handlers(app: FastAPI) -> None:
    """Add handlers whose responses contain neither a traceback nor the input."""
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_input)
    app.add_exception_handler(CallsUnavailableError, _answer_unavailable)
    app.add_exception_handler(SettleRefusedError, _answer_refused)
    app.add_exception_handler(SQLAlchemyError, _answer_database_error)


def _wants_page(request: Request) -> bool:
    return request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")


def _answer(request: Request, status_code: int, title: str, text: str) -> Response:
    if _wants_page(request):
        return render_message(status_code, title, text)
    return JSONResponse({"detail": text}, status_code)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 401 and _wants_page(request):
        below = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        query = request.url.query
        return RedirectResponse(login_address(f"{PREFIX}{below}" + (f"?{query}" if query else "")), 303)
    title, text = _TEXTS.get(error.status_code, ("Not possible", ""))
    custom = text if error.detail in {"Not Found", "Forbidden"} or not error.detail else error.detail
    return _answer(request, error.status_code, title, custom)


async def _answer_invalid_input(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    text = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in found)
    return _answer(request, 422, "Invalid address", f"A parameter of the request is invalid. {text}.")


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    return _answer(request, 503, "Not available now", str(error))


async def _answer_refused(request: Request, error: Exception) -> Response:
    return _answer(request, 409, "Nothing was changed", str(error))


async def _answer_database_error(request: Request, error: Exception) -> Response:
    # Only the type of the error, because its text may contain parameters.
    log.error("The page of Inforu calls cannot read the database: %s", type(error).__name__)
    text = "The database cannot be read now. Nothing was changed. Try again later."
    return _answer(request, 503, "Not available now", text)
