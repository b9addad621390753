"""The client of the receiver that a connection names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuInputError

if TYPE_CHECKING:
    from airflow_provider_inforu.hooks.settings import InforuSettings
    from airflow_provider_inforu.outcomes.client import ReceiverClient


def new_receiver(conn_id: str, settings: InforuSettings) -> ReceiverClient:
    """Return a client of the connection's receiver.

    :param conn_id: The connection's id.
    :param settings: What it says.
    :raises InforuInputError: It names no receiver, or no secret for it that a header can carry.
    """
    from airflow_provider_inforu.outcomes.client import ReceiverClient

    url, secret = settings.receiver_url, settings.receiver_secret
    if not url or not secret:
        missing = [
            name for name, value in (("receiver_url", url), ("notification_secret", secret)) if not value
        ]
        raise InforuInputError(
            f"the connection {conn_id!r} has no {' and no '.join(missing)}, so the receiver cannot be asked "
            "what became of the calls: fill in both the Receiver address (receiver_url) and the Notification "
            'secret (notification_secret), see "Receiver" in the documentation'
        )
    field = "read_secret" if settings.read_secret else "notification_secret"
    if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
        raise InforuInputError(
            f"the connection {conn_id!r}: {field} has white space around it, or characters other "
            "than those of ASCII, which an HTTP header cannot carry"
        )
    return ReceiverClient(url, conn_id, secret, settings.timeout)
