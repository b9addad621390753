"""Pooled connections that record whether a request was sent, and whether they may be reused.

If no byte of a request was written, its calls may be sent again. Only the connection knows this exactly: the
type of an exception is no proof.

A connection is reused only if its last response proved an outcome and was followed by no extra bytes. So a
late or duplicate response is never read as the response of the next request. The server may have silently
closed an idle connection. A request on it would look like a request with a lost response, so an idle
connection is not reused either.
"""

from __future__ import annotations

import io
import logging
import ssl
import time
from contextvars import ContextVar
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, parse_headers
from typing import Any, cast

from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidProxyURL
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from airflow_provider_inforu.capi.exchange import Exchange, current_exchange

MAX_IDLE_SECONDS = 3.0
"""The maximum idle time of a connection that is reused."""
MAX_KEPT = 1000
"""The maximum number of pooled connections: enough for a send, so that few requests need a handshake."""
MAX_INTERIM_RESPONSES = 20
"""The maximum number of 1xx responses before the final response."""
_RECORD_BYTES = 16 * 1024


_reads_response = ContextVar("_reads_response", default=False)


class _HideUnparsedHeaders(logging.Filter):
    """Removes the text of invalid headers from urllib3's warning, because it may contain a phone.

    The warnings about responses to other clients of this process stay as they are.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if _reads_response.get() and str(record.msg).startswith("Failed to parse headers"):
            record.msg, record.args, record.exc_info = "A response has invalid headers", (), None
        return True


logging.getLogger("urllib3.connection").addFilter(_HideUnparsedHeaders())


class _TimedStream(io.RawIOBase):
    """Reads from a socket until the deadline of the exchange."""

    def __init__(self, sock: Any, exchange: Exchange) -> None:  # noqa: ANN401 - a socket or urllib3's own
        self._socket = sock
        self._exchange = exchange
        self._stream = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - a buffer
        if self._stream is None:
            return 0
        self._socket.settimeout(self._exchange.seconds_left())
        return cast("int | None", self._stream.readinto(buffer))

    def end(self) -> None:
        """Return no more bytes."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def close(self) -> None:
        self.end()
        super().close()


class _ResponseStream(io.BufferedReader):
    """Reads a response. When closed, it records whether the connection has extra bytes."""

    def __init__(self, raw: _TimedStream, exchange: Exchange) -> None:
        super().__init__(raw)
        self._source = raw
        self._exchange = exchange

    def close(self) -> None:
        if not self.closed:
            self._source.end()
            self._exchange.has_excess |= bool(self.peek(1))
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        exchange = current_exchange()
        self.fp = _ResponseStream(_TimedStream(sock, exchange), exchange)

    def _read_status(self) -> tuple[str, int, str]:
        # http.client skips any number of 100 responses, and takes 102 or 103 as the final response.
        for _ in range(MAX_INTERIM_RESPONSES + 1):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)
        raise HTTPException(f"the server sent more than {MAX_INTERIM_RESPONSES} interim responses")


class _WatchedConnection(HTTPConnection):
    response_class = _Response
    _last_used = 0.0
    _connecting = False
    _exchange: Exchange | None = None

    @property
    def is_connected(self) -> bool:
        # False if unread bytes exist: they do not belong to the next response.
        if not super().is_connected or self._has_decrypted_bytes():
            return False
        if self._exchange is None:
            return True
        idle = time.monotonic() - self._last_used
        return idle < MAX_IDLE_SECONDS and self._exchange.may_reuse_connection

    def _has_decrypted_bytes(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def connect(self) -> None:
        # A CONNECT to a proxy is written while connecting. It contains no part of the request.
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:  # noqa: ANN401 - the type of the overridden method
        if self.sock is None:
            self.connect()
        if self._connecting:
            super().send(data)
            return
        exchange = current_exchange()
        if not exchange.left:
            self._exchange = exchange
            exchange.leave(self.sock)
        # In pieces, because the timeout of a TLS socket applies to each record of 16 KiB.
        for start in range(0, len(data), _RECORD_BYTES):
            self.sock.settimeout(exchange.seconds_left())
            super().send(data[start : start + _RECORD_BYTES])

    def getresponse(self) -> Any:  # noqa: ANN401 - the type of the overridden method
        reads = _reads_response.set(True)
        try:
            return super().getresponse()
        finally:
            _reads_response.reset(reads)
            self._last_used = time.monotonic()


class _WatchedHTTPSConnection(_WatchedConnection, HTTPSConnection):
    pass


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


class WatchedAdapter(HTTPAdapter):
    """The transport of a session. It uses watched connections and never sends a request twice."""

    def __init__(self) -> None:
        super().__init__(pool_connections=2, pool_maxsize=MAX_KEPT, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        """Create the pools for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        """Return the pools for connections through a proxy.

        :raises InvalidProxyURL: The proxy is a SOCKS proxy, whose connections cannot be watched.
        """
        if str(proxy).lower().startswith("socks"):
            raise InvalidProxyURL("SOCKS proxies are not supported. Use an HTTP proxy")
        manager = super().proxy_manager_for(proxy, **kwargs)
        self._watch(manager)
        return manager

    @staticmethod
    def _watch(manager: Any) -> None:  # noqa: ANN401 - a pool manager of urllib3's
        manager.pool_classes_by_scheme = {"http": _WatchedPool, "https": _WatchedHTTPSPool}
