"""What the benchmark of the receiver serves: ours, and an endpoint that only parses JSON."""

import os

from fastapi import FastAPI, Request

from airflow_provider_inforu.receiver import create_app
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings
from tests.receiver import CREDENTIALS


def ours():
    """Return the receiver on the database that INFORU_BENCHMARK_DATABASE names."""
    database = open_database(os.environ["INFORU_BENCHMARK_DATABASE"])
    return create_app(ReceiverSettings(database=database, credentials_of=lambda _: CREDENTIALS))


def bare():
    """Return an application that parses what is pushed, and keeps nothing."""
    app = FastAPI()

    @app.post("/inforu/v1/{conn_id}/notifications")
    async def take(request: Request) -> dict[str, int]:
        return {"items": len((await request.json())["Data"])}

    return app
