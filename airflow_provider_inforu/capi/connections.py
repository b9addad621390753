"""Pooled connections that know two things: whether a request left, and how long they sat idle.

Whether the first byte of a request was written decides if its calls may be sent again. The connection itself
knows it exactly; the type of an exception only hints at it.

A kept-alive connection that sat idle may have been closed silently by the other side. A request written to
it would look like one whose answer was lost, so it is not reused.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidProxyURL
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

MAX_IDLE_SECONDS = 3.0
"""How long a connection may sit idle and still be used again."""
MAX_KEPT = 1000
"""How many connections are kept: all that a send needs. Without one, a request begins with a handshake."""


class _Progress(threading.local):
    """How far the request of this thread came."""

    left = False


progress = _Progress()
"""``progress.left`` turns true when the first byte of this thread's request is written.

Set it to False before a request."""


class _WatchedConnection(HTTPConnection):
    _last_used = 0.0
    _connecting = False

    @property
    def is_connected(self) -> bool:
        idle = time.monotonic() - self._last_used
        return super().is_connected and idle < MAX_IDLE_SECONDS

    def connect(self) -> None:
        # A proxy's CONNECT is written while connecting; it carries nothing of the request.
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:  # noqa: ANN401 - the type of the overridden method
        if self.sock is None:
            self.connect()
        if not self._connecting:
            progress.left = True
        super().send(data)

    def getresponse(self) -> Any:  # noqa: ANN401 - the type of the overridden method
        try:
            return super().getresponse()
        finally:
            self._last_used = time.monotonic()


class _WatchedHTTPSConnection(_WatchedConnection, HTTPSConnection):
    pass


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


class WatchedAdapter(HTTPAdapter):
    """The transport of a session: pooled, watched, and never sending anything twice."""

    def __init__(self) -> None:
        super().__init__(pool_connections=2, pool_maxsize=MAX_KEPT, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        """Make the pools for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        """Return the pools for connections through a proxy.

        :raises InvalidProxyURL: A SOCKS proxy, whose connections cannot be watched.
        """
        if str(proxy).lower().startswith("socks"):
            raise InvalidProxyURL("SOCKS proxies are not supported")
        manager = super().proxy_manager_for(proxy, **kwargs)
        self._watch(manager)
        return manager

    @staticmethod
    def _watch(manager: Any) -> None:  # noqa: ANN401 - a pool manager of urllib3's
        manager.pool_classes_by_scheme = {"http": _WatchedPool, "https": _WatchedHTTPSPool}
