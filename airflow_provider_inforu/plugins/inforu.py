"""The plugin that mounts the receiver and the page of calls in Airflow's API server.

Every component of Airflow loads this module, so it imports little.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from airflow_provider_inforu import calls_page
from airflow_provider_inforu._compat import AirflowPlugin

log = logging.getLogger(__name__)

URL_PREFIX = "/inforu"


class InforuPlugin(AirflowPlugin):
    """Mount the page of calls, and the receiver if ``[inforu] receiver_enabled`` is set."""

    name = "inforu"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # Airflow only reads it
        """The apps that the API server mounts. Only the API server reads them, so only it builds them."""
        receiver = _mount_receiver()
        return [*receiver, *_mount_page(receiver[0]["app"].state.health if receiver else None)]

    @cached_property
    def external_views(self) -> list[dict[str, Any]]:  # type: ignore[override]  # Airflow only reads it
        """The item "Inforu calls" of the menu Browse. It does not build the page."""
        try:
            return [_describe_view()] if calls_page.is_enabled() else []
        except Exception as error:
            log.error("The page of Inforu calls is not in the menu: %s", error)  # noqa: TRY400
            return []


def _mount_receiver() -> list[dict[str, Any]]:
    from airflow_provider_inforu._compat import conf

    try:
        if not conf.getboolean("inforu", "receiver_enabled", fallback=False):
            return []
        from airflow_provider_inforu.receiver import create_app
        from airflow_provider_inforu.receiver.from_airflow import read_receiver_settings

        app = create_app(read_receiver_settings(prefix=""))
    except Exception as error:
        # An invalid option must not keep the API server from starting.
        log.error("The receiver of Inforu notifications is not mounted: %s", error)  # noqa: TRY400
        return []
    log.info("Inforu receiver is mounted at %s", URL_PREFIX)
    return [{"app": app, "url_prefix": URL_PREFIX, "name": "Inforu receiver"}]


def _mount_page(health: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - its class is expensive to import
    try:
        if not calls_page.is_enabled():
            return []
        from airflow_provider_inforu.ui.mounting import create_app

        app = create_app(health)
    except Exception as error:
        # An invalid option must not keep the API server from starting.
        log.error("The page of Inforu calls is not mounted: %s", error)  # noqa: TRY400
        return []
    log.info("Inforu calls are shown at %s", calls_page.PREFIX)
    return [{"app": app, "url_prefix": calls_page.PREFIX, "name": "Inforu calls"}]


def _describe_view() -> dict[str, Any]:
    return {
        "name": "Inforu calls",
        "href": calls_page.with_base_path(f"{calls_page.PREFIX}/"),
        "destination": "nav",
        "category": "browse",
        "url_route": "inforu-calls",
        "icon": calls_page.with_base_path(f"{calls_page.PREFIX}/static/inforu.svg"),
        "icon_dark_mode": calls_page.with_base_path(f"{calls_page.PREFIX}/static/inforu-dark.svg"),
    }
