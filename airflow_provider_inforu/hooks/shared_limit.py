"""The rate limit that all workers of an account share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_inforu._compat import conf
from airflow_provider_inforu.recipients.batches import digest
from airflow_provider_inforu.sending.redis_rate_limiter import SharedLimit

if TYPE_CHECKING:
    from airflow_provider_inforu.hooks.settings import InforuSettings


def shared_limit(settings: InforuSettings) -> SharedLimit | None:
    """Return the shared rate limit of an account, or None without ``[inforu] rate_limit_redis_url``.

    :param settings: The settings of the connection.
    """
    url = conf.get("inforu", "rate_limit_redis_url", fallback="")
    account = digest([settings.base_url, settings.username])
    return SharedLimit(url, account) if url else None
