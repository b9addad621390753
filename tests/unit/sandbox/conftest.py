"""What the tests of the sandbox share: a running sandbox, requests to it, and a receiver for its pushes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from airflow_provider_inforu.sandbox import SandboxServer

Post = Callable[..., requests.Response]
WaitFor = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def sandbox(inforu_sandbox: SandboxServer) -> SandboxServer:
    inforu_sandbox.update_settings(requests_per_second=0)
    return inforu_sandbox


@pytest.fixture
def post(sandbox: SandboxServer) -> Post:
    """Post ``data`` to a function with the right credentials in the header."""

    def send(function: str, data: Any, timeout: float = 20) -> requests.Response:
        url = f"{sandbox.url}/api/v2/{function}"
        return requests.post(
            url, json={"Data": data}, auth=(sandbox.username, sandbox.token), timeout=timeout
        )

    return send


@pytest.fixture
def send(post: Post) -> Post:
    """Send text-to-speech calls to phones."""

    def send_to(*phones: str, **data: Any) -> requests.Response:
        items = [
            {"TextToSpeech": "Hello", "Phone": phone, "CustomerMessageID": f"m{number}"}
            for number, phone in enumerate(phones)
        ]
        return post("Voice/Message/Send", {"List": items, **data})

    return send_to


@pytest.fixture
def wait_for() -> WaitFor:
    """Wait until something is true, and return it."""

    def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 20
        while not (result := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)
        return result

    return wait


class Receiver:
    """A receiver of notifications: what it got, in order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[dict[str, Any]] = []

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for body in self.bodies for item in body["Data"]]

    @property
    def message_ids(self) -> list[str]:
        return [item["CustomerMessageID"] for item in self.items]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            received.bodies.append(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Receiver(f"http://127.0.0.1:{server.server_port}/notifications?secret=s")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield received
        server.shutdown()
        thread.join()
