"""Runs the sandbox as a server in a thread, for tests and for the command line."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from airflow_provider_inforu.sandbox.connection_faults import ConnectionFaults, open_socket
from airflow_provider_inforu.sandbox.control_input import read_model
from airflow_provider_inforu.sandbox.faults import Fault
from airflow_provider_inforu.sandbox.sandbox_app import create_app
from airflow_provider_inforu.sandbox.sandbox_settings import Settings
from airflow_provider_inforu.sandbox.state import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

_START_SECONDS = 30.0
_STOP_SECONDS = 30.0
_LOOP_SECONDS = 30.0
_POLL_SECONDS = 0.01


class SandboxServer:
    """An HTTP server that answers like the vendor and calls nobody.

    .. code-block:: python

        with SandboxServer(call_seconds=0.1) as sandbox:
            requests.post(sandbox.url + "/api/v2/Voice/Message/Send", ...)
            sandbox.wait_until_calls_ended(timeout=5)
            print(sandbox.calls())

    :param host: The address to listen on; default: ``127.0.0.1``.
    :param port: The port to listen on; 0 (default) uses a free port.
    :param username: The account's user name; default: ``sandbox``.
    :param token: The account's API token; default: ``sandbox-token``.
    :param allowed_hosts: The allowed host names in requests, separated by commas, in addition to ``host``,
        IP addresses and the names of this machine.
    :param settings: The initial settings by name, see
        :class:`~airflow_provider_inforu.sandbox.sandbox_settings.Settings`.
        :meth:`reset` restores them.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        username: str = "sandbox",
        token: str = "sandbox-token",  # noqa: S107 - protects nothing: it opens only the sandbox
        allowed_hosts: str = "",
        **settings: object,
    ) -> None:
        self.username = username
        self.token = token
        self._host = host
        self._port = port
        self._names = [host, *allowed_hosts.split(",")]
        self._account = Account(username, token, read_model(Settings, settings))
        self._wire = ConnectionFaults()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:8765``, for a connection's host."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def start(self) -> None:
        """Start the server, and return when it answers requests.

        :raises OSError: The address or port is not available.
        :raises TimeoutError: The server did not start.
        """
        listener = open_socket(self._host, self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            create_app(self._account, self._wire, self._names),
            http="h11",
            loop="asyncio",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._wire.attach(self._server, self._host, self._port)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="inforu-sandbox", daemon=True
        )
        self._thread.start()
        _wait_for(lambda: self._server.started, _START_SECONDS, "the sandbox did not start")

    def close(self) -> None:
        """Stop the server."""
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

    def calls(self) -> list[dict[str, Any]]:
        """Return the accepted calls, like ``GET /_sandbox/calls``. A ringing call has the ``status`` None."""
        now = time.time()
        return [call.as_json(now) for call in self._account.state.calls.newest()]

    def requests(self) -> list[dict[str, Any]]:
        """Return all requests to the vendor's API, like ``GET /_sandbox/requests``."""
        return [request.as_json() for request in self._account.state.recorder.requests()]

    def campaigns(self) -> list[dict[str, Any]]:
        """Return the account's campaigns, like ``GET /_sandbox/campaigns``."""
        return self._account.state.campaigns.as_json()

    def pushes(self) -> list[dict[str, Any]]:
        """Return all pushes of notifications, like ``GET /_sandbox/pushes``."""
        return self._account.state.pushes.as_json()

    def settings(self) -> dict[str, Any]:
        """Return the current settings."""
        return self._account.state.settings.model_dump()

    def update_settings(self, **changes: object) -> dict[str, Any]:
        """Change settings by name, and return all settings.

        :raises ControlInputError: A name is unknown, or a value is invalid.
        """
        return self._account.state.update_settings(changes).model_dump()

    def add_fault(self, kind: str, **parameters: object) -> None:
        """Add a fault for the next requests.

        ``refuse`` takes effect before this method returns. The other kinds wait for a request.

        :param kind: The kind of the fault.
        :param parameters: The parameters of :class:`~airflow_provider_inforu.sandbox.faults.Fault`.
        :raises ControlInputError: The kind or a parameter is unknown or invalid.
        """
        fault = read_model(Fault, {"kind": kind, **parameters})
        if fault.kind == "refuse":
            self._on_loop(lambda: self._wire.refuse(fault.seconds))
        else:
            self._account.state.faults.add(fault)

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that wait for a request."""
        return self._account.state.faults.waiting()

    def clear_faults(self) -> None:
        """Remove the waiting faults."""
        self._account.state.faults.clear()

    def reset(self) -> None:
        """Delete all data, restore the initial settings, and end a ``refuse``."""
        self._account.reset()
        self._on_loop(self._wire.listen_again)

    def wait_until_calls_ended(self, timeout: float) -> None:
        """Wait until all calls have ended, except calls that never report an end.

        :param timeout: The maximum time in seconds.
        :raises TimeoutError: Some calls still ring after this time.
        """
        _wait_for(
            lambda: not self._account.state.calls.still_to_end(time.time()),
            timeout,
            f"calls still ring after {timeout} seconds",
        )

    def connection_json(self, **extra: object) -> str:
        """Return an Airflow connection to this sandbox as JSON, for ``AIRFLOW_CONN_INFORU_DEFAULT``.

        :param extra: The fields of the connection's extra, such as ``auth_location="body"``.
        """
        connection: dict[str, Any] = {
            "conn_type": "inforu",
            "host": self.url,
            "login": self.username,
            "password": self.token,
        }
        return json.dumps({**connection, "extra": extra} if extra else connection)

    def _on_loop(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop = self._wire.loop
        asyncio.run_coroutine_threadsafe(work(), loop).result(_LOOP_SECONDS)


def _wait_for(condition: Callable[[], bool], timeout: float, message: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(message)
        time.sleep(_POLL_SECONDS)
