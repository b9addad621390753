"""The receiver of notifications in the demo's Airflow: how it is turned on, and where to push to."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.airflow_environment import StackPorts
    from demo.sandbox_process import SandboxProcess

CONNECTION_ID = "inforu_default"
TIMEOUT_SECONDS = 60.0
VARIABLES: Mapping[str, str] = {
    "AIRFLOW__INFORU__RECEIVER_ENABLED": "True",
    "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": (
        "airflow_provider_inforu.receiver.db_manager.InforuDBManager"
    ),
}
"""What turns the receiver on in an Airflow, with its tables in Airflow's database."""


class StackReceiver:
    """The receiver of an Airflow that will listen on these ports."""

    def __init__(self, ports: StackPorts) -> None:
        self.url = ports.api_url
        self.secret = secrets.token_hex(16)

    @property
    def push_url(self) -> str:
        """Where notifications are pushed to."""
        return f"{self.url}/inforu/v1/{CONNECTION_ID}/notifications?secret={self.secret}"

    def connection(self, sandbox: SandboxProcess, **extra: Any) -> dict[str, str]:  # noqa: ANN401
        """Return the fields of a connection that sends to the sandbox and reads from this receiver."""
        return sandbox.connection(receiver_url=self.url, notification_secret=self.secret, **extra)

    def client(self) -> ReceiverClient:
        """Return what reads from it."""
        return ReceiverClient(self.url, CONNECTION_ID, self.secret, TIMEOUT_SECONDS)
