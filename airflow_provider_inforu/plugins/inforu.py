"""Mounts the receiver in Airflow's API server. Every component loads this, so it imports little."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from airflow_provider_inforu._compat import AirflowPlugin

log = logging.getLogger(__name__)

URL_PREFIX = "/inforu"


class InforuPlugin(AirflowPlugin):
    """Offers the receiver where ``[inforu] receiver_enabled`` is set."""

    name = "inforu"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # Airflow only reads it
        """What the API server mounts. It alone asks for it, so only there the receiver is built."""
        from airflow_provider_inforu._compat import conf

        try:
            if not conf.getboolean("inforu", "receiver_enabled", fallback=False):
                return []
            from airflow_provider_inforu.receiver import create_app
            from airflow_provider_inforu.receiver.from_airflow import read_receiver_settings

            app = create_app(read_receiver_settings(prefix=""))
        except Exception as error:
            # A wrong option of ours must not keep the API server from starting.
            log.error("The receiver of Inforu notifications is not mounted: %s", error)  # noqa: TRY400
            return []
        log.info("Inforu receiver is mounted at %s", URL_PREFIX)
        return [{"app": app, "url_prefix": URL_PREFIX, "name": "Inforu receiver"}]
