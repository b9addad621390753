"""Keeps the secret out of access logs: a push has it in its query. There are uvicorn's, and Airflow's own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

ACCESS_LOGGER = "uvicorn.access"
_PATH = 2


class _HideQuery(logging.Filter):
    """Cuts the query off the path in a record of uvicorn's: its arguments are address, method, path, more.

    :param prefix: Below which paths are ours. Others keep their query, but for one that names a secret:
        that may be ours, at a mistyped address.
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
    """Let no query string of ours reach uvicorn's access log in this process.

    :param prefix: Below which paths are ours, whatever stands before it.
    """
    logger = logging.getLogger(ACCESS_LOGGER)
    if not any(isinstance(one, _HideQuery) and one.prefix == prefix for one in logger.filters):
        logger.addFilter(_HideQuery(prefix))


class RedactQueryMiddleware:
    """Leaves no query in the request for what looks at it after the answer, as the log of Airflow 3.2 does.

    Later versions hide secrets themselves.

    :param app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, then forget its query."""
        try:
            await self._app(scope, receive, send)
        finally:
            if scope.get("query_string"):
                scope["query_string"] = b"***"
