"""The sandbox as a server in a thread, for tests and for the command line."""

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
    """A real HTTP server that answers like the vendor and calls nobody.

    .. code-block:: python

        with SandboxServer(call_seconds=0.1) as sandbox:
            requests.post(sandbox.url + "/api/v2/Voice/Message/Send", ...)
            sandbox.wait_until_calls_ended(timeout=5)
            print(sandbox.calls())

    :param host: Address to listen on.
    :param port: Port to listen on; 0 takes a free one.
    :param username: The account's user name.
    :param token: The account's API token.
    :param allowed_hosts: Host names to which it answers, separated by commas, in addition to ``host``, those
        of this machine and IP addresses.
    :param settings: First settings by name, see
        :class:`~airflow_provider_inforu.sandbox.sandbox_settings.Settings`;
        :meth:`reset` goes back to them.
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
        """The base URL, ``http://127.0.0.1:8765``: a connection's host."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def start(self) -> None:
        """Listen, and return when requests are answered.

        :raises OSError: where the address or port cannot be had.
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
        """Stop listening and answering."""
        if self._thread:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
            self._thread = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.close()

    def calls(self) -> list[dict[str, Any]]:
        """Return the accepted calls, as ``GET /_sandbox/calls`` does; a ringing one has no ``status``."""
        now = time.time()
        return [call.as_json(now) for call in self._account.state.calls.newest()]

    def requests(self) -> list[dict[str, Any]]:
        """Return every request to the vendor's API, as ``GET /_sandbox/requests`` does."""
        return [request.as_json() for request in self._account.state.recorder.requests()]

    def campaigns(self) -> list[dict[str, Any]]:
        """Return the account's campaigns, as ``GET /_sandbox/campaigns`` does."""
        return self._account.state.campaigns.as_json()

    def pushes(self) -> list[dict[str, Any]]:
        """Return every push of notifications, as ``GET /_sandbox/pushes`` does."""
        return self._account.state.pushes.as_json()

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return self._account.state.settings.model_dump()

    def update_settings(self, **changes: object) -> dict[str, Any]:
        """Change the named settings and return all.

        :raises ControlInputError: for an unknown name or a value that cannot be.
        """
        return self._account.state.update_settings(changes).model_dump()

    def add_fault(self, kind: str, **parameters: object) -> None:
        """Let something go wrong for the next requests.

        ``refuse`` takes effect before this returns; the other kinds wait for a request.

        :param kind: What goes wrong.
        :param parameters: Those of :class:`~airflow_provider_inforu.sandbox.faults.Fault`.
        :raises ControlInputError: for an unknown kind or parameter.
        """
        fault = read_model(Fault, {"kind": kind, **parameters})
        if fault.kind == "refuse":
            self._on_loop(lambda: self._wire.refuse(fault.seconds))
        else:
            self._account.state.faults.add(fault)

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that still wait for a request."""
        return self._account.state.faults.waiting()

    def clear_faults(self) -> None:
        """Forget the faults that still wait."""
        self._account.state.faults.clear()

    def reset(self) -> None:
        """Forget everything, go back to the first settings, and end a ``refuse``."""
        self._account.reset()
        self._on_loop(self._wire.listen_again)

    def wait_until_calls_ended(self, timeout: float) -> None:
        """Return when every call has ended but those that never report an end.

        :param timeout: Seconds.
        :raises TimeoutError: when some call still rings then.
        """
        _wait_for(
            lambda: not self._account.state.calls.still_to_end(time.time()),
            timeout,
            f"calls still ring after {timeout} seconds",
        )

    def connection_json(self, **extra: object) -> str:
        """Return an Airflow connection to this sandbox as JSON, for ``AIRFLOW_CONN_INFORU_DEFAULT``.

        :param extra: The connection's extras, such as ``auth_location="body"``.
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
