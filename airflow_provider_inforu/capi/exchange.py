"""One request and its response: its deadline, whether it left, and how another thread can end it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


class RequestHeldBackError(Exception):
    """The request did not leave, because its group was stopped first."""


class _Thread(threading.local):
    exchange: Exchange | None = None
    group: RequestGroup | None = None


_thread = _Thread()


class Exchange:
    """A request of this thread and its response, as the connection that carries them sees them.

    Use it as a context manager around the request.

    :param seconds: How long the request may take to leave, and then how long it and its whole response may
        take together. A trickling response gets no more time than a silent server.
    """

    def __init__(self, seconds: float) -> None:
        self.left = False
        """Whether the first byte of the request was written."""
        self.ends_at = time.monotonic() + seconds
        """When the wait ends, on the monotonic clock."""
        self.is_conclusive = False
        """Whether the response proves an outcome. Only then may the connection carry another request."""
        self.has_excess = False
        """Whether the connection brought more bytes than the response has."""
        self._seconds = seconds
        self._group = _thread.group
        self._socket: Any = None

    def __enter__(self) -> Self:
        """Make this the exchange of the thread."""
        _thread.exchange = self
        if self._group:
            self._group.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        _thread.exchange = None
        if self._group:
            self._group.discard(self)

    @property
    def may_reuse_connection(self) -> bool:
        """Whether the connection is known to be in step: what it brings next answers the next request."""
        return self.is_conclusive and not self.has_excess

    def seconds_left(self) -> float:
        """Return how long to wait for the network.

        :raises TimeoutError: The deadline has passed.
        """
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def leave(self, sock: Any) -> None:  # noqa: ANN401 - a socket, or what urllib3 has in its place
        """Mark the request as leaving. Call it before its first byte is written.

        :param sock: The connection's socket.
        :raises RequestHeldBackError: The group was stopped.
        """
        # In this order: `RequestGroup.sever` finds the socket, or this finds the group stopped.
        self._socket = sock
        if self._group and self._group.is_stopped:
            raise RequestHeldBackError
        self.left = True
        self.ends_at = time.monotonic() + self._seconds

    def sever(self) -> None:
        """Shut the socket down: a thread that waits for it sees the end of the stream."""
        # Past ssl's own method, after which the thread would read the encrypted bytes as they are.
        plain = getattr(self._socket, "socket", self._socket)
        if isinstance(plain, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(plain, socket.SHUT_RDWR)


def current_exchange() -> Exchange:
    """Return the exchange of this thread.

    :raises RuntimeError: There is no exchange.
    """
    if _thread.exchange is None:
        raise RuntimeError("a request needs an Exchange")
    return _thread.exchange


class RequestGroup:
    """Requests of several threads that can be ended together."""

    def __init__(self) -> None:
        self.is_stopped = False
        """Whether no more requests leave."""
        self._lock = threading.Lock()
        self._exchanges: set[Exchange] = set()

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Put the requests that this thread makes within the block into the group."""
        _thread.group = self
        try:
            yield
        finally:
            _thread.group = None

    def add(self, exchange: Exchange) -> None:
        """Put an exchange into the group."""
        with self._lock:
            self._exchanges.add(exchange)

    def discard(self, exchange: Exchange) -> None:
        """Take an exchange out of the group."""
        with self._lock:
            self._exchanges.discard(exchange)

    def stop(self) -> None:
        """Let no more requests leave. Requests that left may still be answered."""
        self.is_stopped = True

    def sever(self) -> None:
        """Let no more requests leave, and end the wait for every response."""
        self.stop()
        with self._lock:
            exchanges = [*self._exchanges]
        for exchange in exchanges:
            exchange.sever()
