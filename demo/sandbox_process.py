"""The sandbox as a process of its own, and what it recorded."""

from __future__ import annotations

import json
import re
import secrets
import sys
from typing import TYPE_CHECKING, Any, Self

import requests

from demo.airflow_environment import HOST
from demo.processes import Service, stop_services, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

TIMEOUT_SECONDS = 60.0
_URL = re.compile(rf"http://{re.escape(HOST)}:\d+")


class SandboxProcess:
    """The sandbox on a free port, with a token of its own; inside the `with` block it answers."""

    username = "demo"

    def __init__(self, folder: Path, environment: Mapping[str, str], *, call_seconds: float) -> None:
        self.url = ""
        self.token = secrets.token_hex(16)
        self._service = Service(
            "sandbox",
            [
                *(sys.executable, "-m", "airflow_provider_inforu.sandbox"),
                *("--port", "0", "--call-seconds", str(call_seconds)),
                *("--username", self.username, "--token", self.token),
            ],
            log_path=folder / "sandbox.log",
            environment=environment,
            folder=folder,
        )
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        self._service.start()
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the sandbox; harmless when it is down already."""
        stop_services([self._service])

    def connection(self, **extra: object) -> dict[str, str]:
        """Return the fields of an Airflow connection to this sandbox."""
        return {
            "conn_type": "inforu",
            "host": self.url,
            "login": self.username,
            "password": self.token,
            **({"extra": json.dumps(extra)} if extra else {}),
        }

    def summary(self) -> dict[str, Any]:
        """Return how many calls and requests there were."""
        return dict(self._control("GET", "summary"))

    def calls(self) -> list[dict[str, Any]]:
        """Return every accepted call and how it ended; its status is null while it rings."""
        return list(self._control("GET", "calls"))

    def requests(self) -> list[dict[str, Any]]:
        """Return every request that arrived."""
        return list(self._control("GET", "requests"))

    def pushes(self) -> list[dict[str, Any]]:
        """Return every push of notifications and what it was answered."""
        return list(self._control("GET", "pushes"))

    def reset(self) -> None:
        """Forget calls, requests and faults."""
        self._control("POST", "reset")

    def inject(self, kind: str, **options: object) -> None:
        """Make the next requests fail in this way."""
        self._control("POST", "faults", {"kind": kind, **options})

    def change_settings(self, **settings: object) -> None:
        """Change how the sandbox behaves until the next reset."""
        self._control("PUT", "settings", settings)

    def _control(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        answer = self._session.request(
            method, f"{self.url}/_sandbox/{path}", json=body, timeout=TIMEOUT_SECONDS
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _wait_until_ready(self) -> None:
        if not wait_until(self._is_ready):
            raise self._service.failure("is not ready")

    def _is_ready(self) -> bool:
        self._service.check_running()
        if found := _URL.search(self._service.log_tail()):
            self.url = found.group()
        try:
            return bool(self.url) and self._control("GET", "health") is not None
        except requests.RequestException:
            return False
