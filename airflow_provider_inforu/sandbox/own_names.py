"""Refuses requests that are not meant for the sandbox, such as requests from foreign web pages."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")
_CONTROL = "/_sandbox"


class OwnNames:
    """An ASGI middleware that refuses foreign host names and cross-site requests.

    A web page can send requests to the machine of its visitor, and let its own host name resolve to that
    machine (DNS rebinding). Such a request has the host name of the page, never an IP address.

    :param app: The application.
    :param names: The host names of the sandbox, in addition to those of this machine.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        own = {"localhost", socket.gethostname(), *names}
        self._names = {name.strip().lower() for name in own if name.strip()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse it with a reason."""
        reason = self._find_reason(scope) if scope["type"] == "http" else None
        if reason is None:
            await self._app(scope, receive, send)
        else:
            await JSONResponse({"error": reason}, 403)(scope, receive, send)

    def _find_reason(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_own(host):
            return (
                "the sandbox refuses this host name. Use localhost or an IP address, or start the sandbox "
                "with --allowed-hosts NAME"
            )
        changes = scope["method"] not in _CHANGES_NOTHING or scope["path"].startswith(_CONTROL)
        if changes and _is_cross_site(headers, host):
            return "the sandbox refuses requests from other web sites. Use a client that is not a web page"
        return None

    def _is_own(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname if host.isascii() and host.isprintable() else None
        if name is None:
            return False
        return name in self._names or name.endswith(".localhost") or _is_address(name)


def _is_cross_site(headers: Headers, host: str) -> bool:
    if headers.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin != f"http://{host}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
