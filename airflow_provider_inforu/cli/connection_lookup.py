"""The connection lookup of the commands, which run without Airflow's task supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from airflow_provider_inforu.cli.cli_errors import CommandError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.sending.advice import how_to_add

if TYPE_CHECKING:
    from airflow.models.connection import Connection as StoredConnection
    from airflow.sdk import Connection
    from airflow.secrets import BaseSecretsBackend


_NO_TABLES = ("OperationalError", "ProgrammingError")
"""The errors of SQLite and PostgreSQL for a missing table."""
_MIGRATED = ". If its tables are missing, run `airflow db migrate`"


class LocalHook(InforuHook):
    """A hook that reads its connection from the environment, the secrets backends or the database."""

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Return a connection.

        :param conn_id: The ID of the connection.
        :raises CommandError: The connection is missing, not of type ``inforu``, or cannot be read.
        """
        return cast("Connection", find_local_connection(conn_id)[0])


def find_local_connection(conn_id: str) -> tuple[StoredConnection, BaseSecretsBackend]:
    """Return a connection, and the Airflow backend that stores it.

    :param conn_id: The ID of the connection.
    :raises CommandError: The connection is missing, not of type ``inforu``, or cannot be read.
    """
    from airflow_provider_inforu.receiver.from_airflow import find_connection
    from airflow_provider_inforu.receiver.secrets import (
        OtherTypeError,
        SecretUnavailableError,
        UnknownConnectionError,
    )

    try:
        return find_connection(conn_id)
    except OtherTypeError as error:
        raise CommandError(
            f"the connection {conn_id!r} is of type {error.conn_type}, not inforu. Name another one with "
            "--conn-id"
        ) from None
    except UnknownConnectionError:
        raise CommandError(
            f"Airflow has no connection {conn_id!r} of type inforu. Name another one with --conn-id, or "
            f"{how_to_add(conn_id)}"
        ) from None
    except SecretUnavailableError as error:
        raise CommandError(
            f"the connection {conn_id!r} cannot be read: {error}. Configure Airflow's secrets backends and "
            "database for this command as for the API server"
            f"{_MIGRATED if any(name in str(error) for name in _NO_TABLES) else ''}"
        ) from None
