"""Create the application that the plugin mounts, with the sends of this Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_inforu.receiver.from_airflow import read_database
from airflow_provider_inforu.ui.airflow_calls import AirflowCalls
from airflow_provider_inforu.ui.page_app import build_app
from airflow_provider_inforu.ui.received_outcomes import ReceivedOutcomes

if TYPE_CHECKING:
    from fastapi import FastAPI

    from airflow_provider_inforu.receiver.refused_pushes import Health


def create_app(health: Health | None) -> FastAPI:
    """Return the application of the page.

    :param health: The health of the receiver in this process; None if it is not mounted here.
    :raises InforuInputError: An option is invalid.
    """
    from airflow_provider_inforu._compat import conf

    path = conf.get("inforu", "ledger_path", fallback="") or ""
    return build_app(AirflowCalls(ReceivedOutcomes(read_database(), health), path))
