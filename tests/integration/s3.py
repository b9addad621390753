"""A server that speaks S3's protocol, and a client of it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
KEY, REGION = "an-access-key", "us-east-1"


@contextmanager
def s3_server(conn_id: str) -> Iterator[str]:
    """Run a server whose buckets a connection of Airflow's reaches, and give its URL."""
    server = ThreadedMotoServer(HOST, port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    extra = {"endpoint_url": url, "region_name": REGION}
    connection = {"conn_type": "aws", "login": KEY, "password": KEY, "extra": extra}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", HOST)
        environment.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        yield url
    server.stop()


def s3_client(url: str) -> Any:
    """Return boto3's client of the server."""
    credentials = {"aws_access_key_id": KEY, "aws_secret_access_key": KEY, "region_name": REGION}
    return boto3.client("s3", endpoint_url=url, config=Config(proxies={}), **credentials)
