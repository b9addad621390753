"""Keeps the secret out of uvicorn's access log: a push has it in its query."""

from __future__ import annotations

import logging

ACCESS_LOGGER = "uvicorn.access"
_PATH = 2


class _HideQuery(logging.Filter):
    """Cuts the query off the path in a record of uvicorn's: its arguments are address, method, path, more."""

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args
        if isinstance(arguments, tuple) and len(arguments) > _PATH:
            path, mark, _ = str(arguments[_PATH]).partition("?")
            record.args = (*arguments[:_PATH], f"{path}?***" if mark else path, *arguments[_PATH + 1 :])
        return True


def hide_queries() -> None:
    """Let no query string reach uvicorn's access log in this process."""
    logger = logging.getLogger(ACCESS_LOGGER)
    if not any(isinstance(one, _HideQuery) for one in logger.filters):
        logger.addFilter(_HideQuery())
