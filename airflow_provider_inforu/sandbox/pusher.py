"""The thread that pushes notifications to the configured URL."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import requests

from airflow_provider_inforu.sandbox.call_notifications import build_pushes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.sandbox.state import Account, State

_TICK_SECONDS = 0.02
_TIMEOUT_SECONDS = 10.0
_BURST_CONNECTIONS = 8


class Pusher:
    """Pushes the notifications of ended calls. A failed push is recorded and not repeated."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inforu-sandbox-pusher", daemon=True)

    def start(self) -> None:
        """Start to push."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current push."""
        self._stopping.set()
        self._thread.join(_TICK_SECONDS * 10)

    def _run(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            self._push_due(self._account.state)

    def _push_due(self, state: State) -> None:
        settings = state.settings
        due = state.calls.take_due(
            time.time(), delay=settings.notification_delay, held=settings.notification_burst_seconds
        )
        url = settings.notification_url
        if not due or url is None:
            return
        bodies = build_pushes([call for job in due for call in job.calls if call.outcome], settings)
        if settings.notification_burst_seconds:
            with ThreadPoolExecutor(_BURST_CONNECTIONS) as pool:
                list(pool.map(lambda body: self._push(state, url, [body]), bodies))
        else:
            self._push(state, url, bodies)

    def _push(self, state: State, url: str, bodies: Sequence[dict[str, Any]]) -> None:
        with requests.Session() as session:
            # Only the setting decides about the target, never a proxy or .netrc of the environment.
            session.trust_env = False
            for body in bodies:
                if self._stopping.is_set():
                    return
                count = len(body["Data"])
                try:
                    response = session.post(url, json=body, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
                except (requests.RequestException, ValueError) as error:
                    state.pushes.add(count, error=type(error).__name__)
                else:
                    state.pushes.add(count, http_status=response.status_code)
