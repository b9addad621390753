"""One request and its response: the deadline, whether the request was sent, and how to stop it."""

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
    """The request was not sent, because its group was stopped first."""


class _Thread(threading.local):
    exchange: Exchange | None = None
    group: RequestGroup | None = None


_thread = _Thread()


class Exchange:
    """Tracks a request of this thread and its response.

    Use it as a context manager around the request.

    :param seconds: The limit for connecting. When the first byte is sent, the time starts again, and is the
        limit for the request and its whole response.
    """

    def __init__(self, seconds: float) -> None:
        self.left = False
        """Whether the first byte of the request was written."""
        self.ends_at = time.monotonic() + seconds
        """The deadline, in seconds of the monotonic clock."""
        self.is_conclusive = False
        """Whether the response proves an outcome. Only then may the connection carry another request."""
        self.has_excess = False
        """Whether the connection returned bytes after the end of the response."""
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
        """End the exchange of the thread."""
        _thread.exchange = None
        if self._group:
            self._group.discard(self)

    @property
    def may_reuse_connection(self) -> bool:
        """Whether the next bytes of the connection certainly belong to the next response."""
        return self.is_conclusive and not self.has_excess

    def seconds_left(self) -> float:
        """Return the seconds until the deadline.

        :raises TimeoutError: The deadline has passed.
        """
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def leave(self, sock: Any) -> None:  # noqa: ANN401 - a socket, or what urllib3 has in its place
        """Mark the request as sent. Call this before its first byte is written.

        :param sock: The connection's socket.
        :raises RequestHeldBackError: The group was stopped.
        """
        # In this order, either `RequestGroup.sever` sees the socket, or this check sees the stopped group.
        self._socket = sock
        if self._group and self._group.is_stopped:
            raise RequestHeldBackError
        self.left = True
        self.ends_at = time.monotonic() + self._seconds

    def sever(self) -> None:
        """Shut down the socket, so that a waiting thread sees the end of the stream."""
        # Not with the method of ssl, after which the thread would read the encrypted bytes as plain text.
        plain = getattr(self._socket, "socket", self._socket)
        if isinstance(plain, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(plain, socket.SHUT_RDWR)


def current_exchange() -> Exchange:
    """Return the exchange of this thread.

    :raises RuntimeError: The thread has no active exchange.
    """
    if _thread.exchange is None:
        raise RuntimeError("this thread has no active Exchange. Make the request within `with Exchange(...)`")
    return _thread.exchange


class RequestGroup:
    """Requests of several threads that can be stopped together."""

    def __init__(self) -> None:
        self.is_stopped = False
        """Whether further requests are held back."""
        self._lock = threading.Lock()
        self._exchanges: set[Exchange] = set()

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Add the requests that this thread makes within the block to the group."""
        _thread.group = self
        try:
            yield
        finally:
            _thread.group = None

    def add(self, exchange: Exchange) -> None:
        """Add an exchange to the group."""
        with self._lock:
            self._exchanges.add(exchange)

    def discard(self, exchange: Exchange) -> None:
        """Remove an exchange from the group."""
        with self._lock:
            self._exchanges.discard(exchange)

    def stop(self) -> None:
        """Hold back further requests. Sent requests may still get a response."""
        self.is_stopped = True

    def sever(self) -> None:
        """Hold back further requests, and end the wait for every response."""
        self.stop()
        with self._lock:
            exchanges = [*self._exchanges]
        for exchange in exchanges:
            exchange.sever()
