"""What faults do to the connections and to the listening socket."""

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

# Closing with this option sends a reset instead of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BACKLOG = 2048
_LISTEN_TRIES = 100
_LISTEN_PAUSE_SECONDS = 0.1


def open_socket(host: str, port: int) -> socket.socket:
    """Listen; port 0 takes a free one.

    :raises OSError: where the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named in full, for asyncio switches Nagle's delay off only where it reads "TCP" on the socket.
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
    """The connections of a running server. Its methods belong on the server's event loop."""

    _server: uvicorn.Server
    _address: tuple[str, int]

    def __init__(self) -> None:
        self._refusing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the server.

        :raises RuntimeError: before the server was started.
        """
        if self._loop is None:
            raise RuntimeError("the sandbox was not started")
        return self._loop

    @property
    def refusing(self) -> bool:
        """Whether nothing listens now; an answer that still goes out then tells that its connection ends."""
        return self._refusing is not None and not self._refusing.done()

    def open(self) -> None:
        """Remember the event loop that runs."""
        self._loop = asyncio.get_running_loop()

    def attach(self, server: uvicorn.Server, host: str, port: int) -> None:
        """Name the server, which is made after the app that uses the wire, and where it listens."""
        self._server = server
        self._address = (host, port)

    def reset_connection(self, client: tuple[str, int] | None) -> None:
        """End the connection of a client with a reset, as a peer that crashes does."""
        for connection in self._connections():
            if connection.client == client:
                peer = connection.transport.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.transport.abort()

    async def refuse(self, seconds: float) -> None:
        """Stop listening, and listen on the same port again after ``seconds``.

        Idle connections are closed; a request that is being answered gets its answer first, and its
        connection is closed then.
        """
        if self._refusing:
            self._refusing.cancel()
        for listener in self._server.servers:
            listener.close()
        for connection in self._connections():
            connection.shutdown()
        self._refusing = asyncio.get_running_loop().create_task(self._listen_after(seconds))

    async def listen_again(self) -> None:
        """End a refusal before its time."""
        if self._refusing and self.refusing:
            self._refusing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refusing
            await self._listen_after(0)

    def close(self) -> None:
        """Leave nothing behind when the server stops."""
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
        # Another program's outgoing connection can hold the port for a moment.
        for _ in range(_LISTEN_TRIES):
            with contextlib.suppress(OSError):
                return open_socket(*self._address)
            await asyncio.sleep(_LISTEN_PAUSE_SECONDS)
        return open_socket(*self._address)
