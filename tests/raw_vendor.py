"""A vendor on raw sockets, for responses that no HTTP server would send."""

import contextlib
import json
import socket
import threading
from contextlib import contextmanager


class RawVendor:
    """Reads requests and leaves every byte of the responses to ``respond(connection, request)``.

    ``requests`` holds the body of each request, ``ports`` the client's port of the connection it came on.
    """

    def __init__(self, listener, respond):
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.requests, self.ports = [], []
        self.ended = threading.Event()
        self._listener, self._respond = listener, respond

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, (_, port) = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection, port), daemon=True).start()

    def _talk(self, connection, port):
        with connection, contextlib.suppress(OSError, ValueError):
            stream = connection.makefile("rb")
            while stream.readline():
                length = 0
                while header := stream.readline().strip():
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                request = json.loads(stream.read(length))
                self.requests.append(request)
                self.ports.append(port)
                self._respond(connection, request)


@contextmanager
def raw_vendor(respond):
    """Run one, until the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        vendor = RawVendor(listener, respond)
        threading.Thread(target=vendor.serve, daemon=True).start()
        try:
            yield vendor
        finally:
            vendor.ended.set()
            listener.shutdown(socket.SHUT_RDWR)


def response(envelope, code=200, *headers):
    """Return the bytes of a response."""
    body = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
    lines = [f"HTTP/1.1 {code} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def accept(token):
    """Return the bytes of a response that accepts a request."""
    return response({"StatusId": 1, "Data": {"CampaignID": 1, "RequestToken": token}})
