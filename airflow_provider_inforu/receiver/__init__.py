"""The receiver: where the vendor pushes notifications, its store, and the API that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings


def create_app(settings: ReceiverSettings | None = None) -> FastAPI:
    """Return the receiver as an ASGI application, for any server that takes a factory.

    :param settings: What it is built with; None reads Airflow's configuration and connections.
    """
    from airflow_provider_inforu.receiver.receiver_app import build_app

    if settings is None:
        from airflow_provider_inforu.receiver.from_airflow import read_receiver_settings

        settings = read_receiver_settings()
    return build_app(settings)
