"""Runs the receiver as a server in a thread, for the command line and for tests."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import uvicorn

if TYPE_CHECKING:
    from types import TracebackType

    from fastapi import FastAPI

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.01


class ReceiverServer:
    """An HTTP server that serves an application until it is closed.

    :param app: The application.
    :param host: The address to listen on; default: ``127.0.0.1``.
    :param port: The port to listen on; 0 (default) uses a free port.
    :param options: More options of ``uvicorn.Config``.
    """

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 0, **options: Any) -> None:  # noqa: ANN401
        self._host = host
        self._port = port
        self._server = uvicorn.Server(
            uvicorn.Config(app, host=host, ws="none", timeout_graceful_shutdown=10, **options)
        )
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:8090``, for a connection's ``receiver_url``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def is_alive(self) -> bool:
        """Whether the server still runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the server, and return when it answers requests.

        :raises OSError: The address or port is not available.
        :raises TimeoutError: The server did not start.
        """
        listener = _listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="inforu-receiver", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self.is_alive:
                raise TimeoutError("the receiver did not start")
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Answer the open requests, and stop."""
        if self._thread:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
            self._thread = None

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)
