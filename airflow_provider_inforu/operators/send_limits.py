"""Read the limits of a send from the connection and from Airflow's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_inforu.hooks.shared_limit import shared_limit
from airflow_provider_inforu.sending.dispatch import Limits

if TYPE_CHECKING:
    from airflow_provider_inforu.hooks.settings import InforuSettings
    from airflow_provider_inforu.sending.window import SendingWindow


def read_limits(settings: InforuSettings, max_in_flight: int, window: SendingWindow | None) -> Limits:
    """Return the limits of a send.

    With ``[inforu] rate_limit_redis_url``, all sends of an account share its rate limit.

    :param settings: The settings of the connection.
    :param max_in_flight: The most requests that wait for a reply at the same time.
    :param window: The sending window; None for always.
    """
    return Limits(
        requests_per_second=settings.requests_per_second,
        max_in_flight=max_in_flight,
        shared=shared_limit(settings),
        window=window,
    )
