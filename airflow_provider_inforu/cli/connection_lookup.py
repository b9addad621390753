"""A connection, as a command finds it: no supervisor brings it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from airflow_provider_inforu.cli.cli_errors import CommandError
from airflow_provider_inforu.hooks.advice import how_to_add
from airflow_provider_inforu.hooks.inforu import InforuHook

if TYPE_CHECKING:
    from airflow.models.connection import Connection as StoredConnection
    from airflow.sdk import Connection
    from airflow.secrets import BaseSecretsBackend


_NO_TABLES = ("OperationalError", "ProgrammingError")
"""What databases say of a table that is missing: the first SQLite, the second PostgreSQL."""
_MIGRATED = "; has `airflow db migrate` been run?"


class LocalHook(InforuHook):
    """The hook, with its connection from where Airflow keeps it: environment, secrets backend, database."""

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Return a connection.

        :param conn_id: Its id.
        :raises CommandError: There is none of type ``inforu``, or it cannot be read.
        """
        return cast("Connection", find_local_connection(conn_id)[0])


def find_local_connection(conn_id: str) -> tuple[StoredConnection, BaseSecretsBackend]:
    """Return a connection, and the backend of Airflow that keeps it.

    :param conn_id: Its id.
    :raises CommandError: There is none of type ``inforu``, or it cannot be read.
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
            f"the connection {conn_id!r} is of type {error.conn_type}, not inforu: name another with "
            "--conn-id"
        ) from None
    except UnknownConnectionError:
        raise CommandError(
            f"there is no connection {conn_id!r} of type inforu here: name another with --conn-id, or "
            f"{how_to_add(conn_id)}"
        ) from None
    except SecretUnavailableError as error:
        raise CommandError(
            f"the connection {conn_id!r} cannot be read: {error}. A command needs the secrets backends "
            "and the database of Airflow, configured as they are for the API server"
            f"{_MIGRATED if any(name in str(error) for name in _NO_TABLES) else ''}"
        ) from None
