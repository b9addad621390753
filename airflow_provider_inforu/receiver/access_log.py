"""Hides the queries of pushes, which contain the secret, in the access logs of uvicorn and Airflow."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

ACCESS_LOGGER = "uvicorn.access"
_PATH = 2


class _HideQuery(logging.Filter):
    """Removes the query from the path in uvicorn's log records. The third argument of a record is the path.

    :param prefix: The path prefix of the receiver. Other paths keep their query, unless it contains
        ``secret=``: that may be a push to a mistyped address.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args
        if isinstance(arguments, tuple) and len(arguments) > _PATH:
            path, _, query = str(arguments[_PATH]).partition("?")
            if query and (f"{self.prefix}/" in path or "secret=" in query):
                record.args = (*arguments[:_PATH], f"{path}?***", *arguments[_PATH + 1 :])
        return True


def hide_queries(prefix: str) -> None:
    """Hide the queries of the receiver's requests in uvicorn's access log of this process.

    :param prefix: The path prefix of the receiver. It may follow another prefix.
    """
    logger = logging.getLogger(ACCESS_LOGGER)
    if not any(isinstance(known, _HideQuery) and known.prefix == prefix for known in logger.filters):
        logger.addFilter(_HideQuery(prefix))


class RedactQueryMiddleware:
    """An ASGI middleware that removes the query after the response, before Airflow 3.2 logs the request.

    Later versions of Airflow hide secrets themselves.

    :param app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, then remove its query."""
        try:
            await self._app(scope, receive, send)
        finally:
            if scope.get("query_string"):
                scope["query_string"] = b"***"
