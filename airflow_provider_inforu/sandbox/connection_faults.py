"""The faults that affect connections and the listening socket."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import uvicorn

# With this option, closing sends a reset instead of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BACKLOG = 2048
_LISTEN_TRIES = 100
_LISTEN_PAUSE_SECONDS = 0.1


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket. Port 0 uses a free port.

    :raises OSError: The address is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol, because asyncio disables Nagle's algorithm only on sockets that name TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class ConnectionFaults:
    """Breaks the connections of a running server. Call its methods on the server's event loop."""

    _server: uvicorn.Server
    _address: tuple[str, int]

    def __init__(self) -> None:
        self._refusing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the server.

        :raises RuntimeError: The server was not started.
        """
        if self._loop is None:
            raise RuntimeError("the sandbox was not started. Call start() or use it in a with statement")
        return self._loop

    @property
    def refusing(self) -> bool:
        """Whether the server refuses new connections now. An open request still gets its response."""
        return self._refusing is not None and not self._refusing.done()

    def open(self) -> None:
        """Remember the running event loop."""
        self._loop = asyncio.get_running_loop()

    def attach(self, server: uvicorn.Server, host: str, port: int) -> None:
        """Set the server and its address. The server is created after the app that uses this object."""
        self._server = server
        self._address = (host, port)

    def reset_connection(self, client: tuple[str, int] | None) -> None:
        """End the connection of a client with a reset, like a crashed peer."""
        for connection in self._connections():
            if connection.client == client:
                peer = connection.transport.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.transport.abort()

    async def refuse(self, seconds: float) -> None:
        """Stop listening, and listen on the same port again after ``seconds``.

        Idle connections are closed at once. The connection of an open request is closed after its response.
        """
        if self._refusing:
            self._refusing.cancel()
        for listener in self._server.servers:
            listener.close()
        for connection in self._connections():
            connection.shutdown()
        self._refusing = asyncio.get_running_loop().create_task(self._listen_after(seconds))

    async def listen_again(self) -> None:
        """End a refusal early."""
        if self._refusing and self.refusing:
            self._refusing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refusing
            await self._listen_after(0)

    def close(self) -> None:
        """Cancel a refusal when the server stops."""
        if self._refusing:
            self._refusing.cancel()

    def _connections(self) -> list[H11Protocol]:
        connections = self._server.server_state.connections
        return [connection for connection in connections if isinstance(connection, H11Protocol)]

    async def _listen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        server = self._server
        protocol = functools.partial(
            H11Protocol,
            config=server.config,
            server_state=server.server_state,
            app_state=server.lifespan.state,
        )
        listener = await asyncio.get_running_loop().create_server(
            protocol, sock=await self._open_socket_again()
        )
        server.servers = [listener]

    async def _open_socket_again(self) -> socket.socket:
        # The outgoing connection of another program can use the port for a moment.
        for _ in range(_LISTEN_TRIES):
            with contextlib.suppress(OSError):
                return open_socket(*self._address)
            await asyncio.sleep(_LISTEN_PAUSE_SECONDS)
        return open_socket(*self._address)
