"""What the receiver needs of Airflow: its configuration, its connections, its database."""

from __future__ import annotations

from airflow_provider_inforu.receiver.settings import ReceiverSettings


def read_receiver_settings(prefix: str = "/inforu") -> ReceiverSettings:
    raise NotImplementedError
