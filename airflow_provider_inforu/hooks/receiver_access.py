"""Create the client of a connection's receiver, and check the receiver before a send."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError
from airflow_provider_inforu.sending.advice import capitalize

if TYPE_CHECKING:
    from airflow_provider_inforu.hooks.settings import InforuSettings
    from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient


log = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
"""Seconds that the check before a send waits for a response."""
PAUSES = (1.0, 3.0)
"""Seconds before the second and the third request of the check."""


def check_receiver(conn_id: str, settings: InforuSettings) -> None:
    """Check before a send that the receiver answers and accepts the connection's secret.

    :param conn_id: The ID of the connection.
    :param settings: The settings of the connection.
    :raises InforuInputError: ``receiver_url`` or the secret is missing, or the secret is invalid.
    :raises ReceiverError: The receiver does not answer now. A retry of the task may succeed.
    :raises AirflowFailException: The receiver refuses, or another server answers. A retry would fail again.
    """
    from airflow_provider_inforu._compat import AirflowFailException

    client = new_receiver(conn_id, settings, min(CHECK_SECONDS, settings.timeout))
    pauses = iter(PAUSES)
    while True:
        try:
            health = client.get_health()
            break
        except ReceiverError as error:
            if not error.is_passing:
                raise AirflowFailException(
                    f"{capitalize(error)}. {NO_NEW_CALLS}. Correct this, then clear the task"
                ) from None
            pause = next(pauses, None)
            if pause is None:
                raise ReceiverError(
                    f"{capitalize(error)}. {NO_NEW_CALLS}. Check `receiver_url` of the connection "
                    f"{conn_id!r}, and that the receiver runs. A retry asks again",
                    is_passing=True,
                ) from None
            log.warning("%s. Asking again in %g seconds", error, pause)
            time.sleep(pause)
    now = dt.datetime.now(dt.UTC)
    level = logging.WARNING if health.is_suspicious(now) else logging.INFO
    log.log(level, "%s", health.describe(conn_id, now))


def new_receiver(conn_id: str, settings: InforuSettings, timeout: float | None = None) -> ReceiverClient:
    """Return a client of the connection's receiver.

    :param conn_id: The ID of the connection.
    :param settings: The settings of the connection.
    :param timeout: Seconds to wait for a response. None (default): the ``timeout`` of the connection.
    :raises InforuInputError: ``receiver_url`` or the secret is missing, or the secret is invalid.
    """
    from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient

    url, secret = settings.receiver_url, settings.receiver_secret
    if not url or not secret:
        missing = [
            name for name, value in (("receiver_url", url), ("notification_secret", secret)) if not value
        ]
        raise InforuInputError(
            f"the connection {conn_id!r} has no {' and no '.join(missing)}, so the outcomes of calls cannot "
            "be read from the receiver. Run `airflow inforu receiver setup`. Or set the fields Receiver "
            "address (receiver_url) and Notification secret (notification_secret), as the page Receiver of "
            "the documentation explains"
        )
    field = "read_secret" if settings.read_secret else "notification_secret"
    if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
        raise InforuInputError(
            f"the connection {conn_id!r}: {field} has spaces at its start or end, or characters that are not "
            "printable ASCII. An HTTP header cannot contain them. Set a new secret"
        )
    return ReceiverClient(url, conn_id, secret, timeout or settings.timeout)
