"""A tiny HTTP server that answers as a test says: for faults that no real receiver can be asked for."""

import json
import socket
import threading
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ScriptedServer:
    """What was asked, and what is answered next; the last answer is repeated.

    An answer is ``(code, body)`` with a body of bytes or JSON, or a function that gets the request handler.
    """

    def __init__(self, server):
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.requests = []
        self.asked = threading.Event()
        self.answers = deque()

    def answer(self, *answers):
        self.answers = deque(answers)
        return self

    def handle(self, handler):
        self.requests.append((handler.path, dict(handler.headers)))
        self.asked.set()
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer(handler)
            return
        code, body, *headers = answer
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(code)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def scripted_server():
    """Run one, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            scripted.handle(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scripted = ScriptedServer(server)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()


def reset(handler):
    """Close the connection with no answer."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def hang_until(event):
    """Answer nothing until the event is set."""

    def hang(handler):
        event.wait(30)
        handler.close_connection = True

    return hang


def unused_port():
    """Return a port where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
