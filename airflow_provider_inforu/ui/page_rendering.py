"""Render the pages with Jinja2 and autoescape, and add security headers to responses."""

from __future__ import annotations

import datetime as dt
from importlib import resources
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from airflow_provider_inforu import calls_page
from airflow_provider_inforu.ui import addresses, charts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC_FOLDER = str(resources.files("airflow_provider_inforu.ui").joinpath("static"))
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'; object-src 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def _format_moment(moment: dt.datetime | None) -> str:
    return "unknown" if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def _format_number(number: int) -> str:
    return f"{number:,}"


_pages = Environment(
    loader=PackageLoader("airflow_provider_inforu.ui", "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.filters.update(moment=_format_moment, number=_format_number)
_pages.globals.update(
    list_address=calls_page.list_address,
    send_address=addresses.send_address,
    task_address=addresses.task_address,
    static=lambda name: calls_page.with_base_path(f"{calls_page.PREFIX}/static/{name}"),
    make_bars=charts.make_bars,
    draw_stack=charts.draw_stack,
    draw_columns=charts.draw_columns,
)


def render(file: str, status_code: int = 200, /, **values: Any) -> HTMLResponse:  # noqa: ANN401 - values of a page
    """Return a page.

    :param file: The name of its template.
    :param status_code: The HTTP status code of the response.
    """
    return HTMLResponse(_pages.get_template(file).render(**values), status_code)


def render_message(status_code: int, title: str, text: str) -> HTMLResponse:
    """Return a page with only a message."""
    return render("message.html", status_code, title=title, text=text)


class SecurityHeaders:
    """An ASGI middleware that adds the security headers to every response.

    :param app: The application.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] = HEADERS) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        await self._app(scope, receive, add if scope["type"] == "http" else send)
