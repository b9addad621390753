"""The client of the receiver that a connection names, and the check before a send."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError
from airflow_provider_inforu.hooks.advice import capitalize
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError

if TYPE_CHECKING:
    from airflow_provider_inforu.hooks.settings import InforuSettings
    from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient


log = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
"""How long the check before a send waits for an answer."""
PAUSES = (1.0, 3.0)
"""Seconds before the check asks again."""


def check_receiver(conn_id: str, settings: InforuSettings) -> None:
    """Make sure, before a send, that the receiver knows the connection and takes its secret.

    :param conn_id: The connection's id.
    :param settings: What it says.
    :raises InforuInputError: It names no receiver, or no secret for it that a header can carry.
    :raises ReceiverError: The receiver cannot be asked now; a retry of the task may find it.
    :raises AirflowFailException: The receiver refuses, or something else answers; a retry finds the same.
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
                    f"{capitalize(error)}. {NO_NEW_CALLS}. Correct it, then clear the task"
                ) from None
            pause = next(pauses, None)
            if pause is None:
                raise ReceiverError(
                    f"{capitalize(error)}. {NO_NEW_CALLS}. Check receiver_url of the connection "
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

    :param conn_id: The connection's id.
    :param settings: What it says.
    :param timeout: Seconds to wait for an answer (the connection's).
    :raises InforuInputError: It names no receiver, or no secret for it that a header can carry.
    """
    from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient

    url, secret = settings.receiver_url, settings.receiver_secret
    if not url or not secret:
        missing = [
            name for name, value in (("receiver_url", url), ("notification_secret", secret)) if not value
        ]
        raise InforuInputError(
            f"the connection {conn_id!r} has no {' and no '.join(missing)}, so the receiver cannot be asked "
            "what became of the calls: run `airflow inforu receiver setup`, or fill in both the Receiver "
            'address (receiver_url) and the Notification secret (notification_secret), see "Receiver" in the '
            "documentation"
        )
    field = "read_secret" if settings.read_secret else "notification_secret"
    if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
        raise InforuInputError(
            f"the connection {conn_id!r}: {field} has white space around it, or characters other "
            "than those of ASCII, which an HTTP header cannot carry"
        )
    return ReceiverClient(url, conn_id, secret, timeout or settings.timeout)
