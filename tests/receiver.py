"""A receiver on a real port with a SQLite database of its own, for any test.

.. code-block:: python

    def test_something(receiver):
        receiver.push([end_of_call("0123456789abcdef-7", status="Answered", digit="1")])
        receiver.get("sends/0123456789abcdef").json()["calls"]  # 1
        receiver.url, receiver.secret  # a connection's receiver_url and notification_secret
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import requests

from airflow_provider_inforu.receiver import create_app
from airflow_provider_inforu.receiver.credentials import Credentials, parse_credentials
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings
from airflow_provider_inforu.receiver.secrets import UnknownConnectionError
from airflow_provider_inforu.receiver.server import ReceiverServer

CONN_ID = "inforu_default"
SECRET = "a-secret-for-tests"
CREDENTIALS = Credentials(push=(SECRET,), read=(SECRET,))


@dataclass
class Receiver:
    """A running receiver, and the words to talk to it.

    `secrets` maps connections to their notification secret, or to the secrets in their extra.
    """

    url: str
    database: object
    secrets: dict = field(default_factory=lambda: {CONN_ID: SECRET})
    conn_id: str = CONN_ID
    secret: str = SECRET

    @property
    def push_url(self):
        """Where the vendor (or the sandbox, as its notification_url) pushes to."""
        return f"{self.path('notifications')}?secret={self.secret}"

    def path(self, path):
        return f"{self.url}/inforu/v1/{self.conn_id}/{path}"

    def push(self, items):
        """Push items in the guide's envelope."""
        return self.post({"CustomerId": 2, "ProjectId": 30253, "UserId": 30253, "Data": items})

    def post(self, body, **options):
        """Push any body: bytes as they are, anything else as JSON."""
        kind = {"data": body} if isinstance(body, bytes | str) else {"json": body}
        return requests.post(self.push_url, timeout=60, **kind, **options)

    def get(self, path, **parameters):
        headers = {"Authorization": f"Bearer {self.secret}"}
        return requests.get(self.path(path), params=parameters, headers=headers, timeout=60)

    def summary(self, send_id):
        return self.get(f"sends/{send_id}").json()

    def pages(self, path, name, **parameters):
        """Return all rows of a list, page after page."""
        rows, after = [], None
        while True:
            answer = self.get(path, **parameters, **({"after": after} if after else {})).json()
            rows += answer[name]
            if not answer[name] or answer["next"] is None:
                return rows
            after = answer["next"]


def end_of_call(message_id="", **fields):
    """Return one item as the guide shows it."""
    item = {
        "Channel": "IVR",
        "Type": "PhoneNumber",
        "Value": "0500000001",
        "EventName": "EndOfCall",
        "CampaignID": 217,
        "CustomerMessageID": message_id,
        "Status": "Answered",
        "ListeningDuration": "00:08",
        "Digit": "",
        "DateTime": "2026-01-15 12:00:00",
    }
    names = {"status": "Status", "digit": "Digit", "at": "DateTime", "phone": "Value"}
    return {**item, **{names.get(name, name): value for name, value in fields.items()}}


@contextmanager
def running_receiver(database, *, conn_id=CONN_ID, secret=SECRET, port=0, **settings):
    """Run a receiver on a database, or on the one at a URL."""
    secrets = {conn_id: secret}

    def credentials_of(name):
        if name not in secrets:
            raise UnknownConnectionError(name)
        found = secrets[name]
        return parse_credentials(found if isinstance(found, dict) else {"notification_secret": found})

    if isinstance(database, str):
        database = open_database(database)
    app = create_app(ReceiverSettings(database=database, credentials_of=credentials_of, **settings))
    with ReceiverServer(app, port=port, log_config=None, log_level=logging.WARNING) as server:
        yield Receiver(server.url, database, secrets, conn_id, secret)


@pytest.fixture
def receiver(tmp_path):
    """Run a receiver on a SQLite file of its own."""
    with running_receiver(f"sqlite:///{tmp_path / 'receiver.db'}") as running:
        yield running
