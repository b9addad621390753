"""The receiver: the endpoint for the vendor's pushes, its store, and the read API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings


def create_app(settings: ReceiverSettings | None = None) -> FastAPI:
    """Return the receiver as an ASGI application. ASGI servers can use this function as a factory.

    :param settings: The receiver's settings; None (default) reads Airflow's configuration and connections.
    """
    from airflow_provider_inforu.receiver.receiver_app import build_app

    if settings is None:
        from airflow_provider_inforu.receiver.from_airflow import read_receiver_settings

        settings = read_receiver_settings()
    return build_app(settings)
