"""The receiver's access to Airflow: its configuration, its connections and its database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast, get_args

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.receiver.credentials import Credentials, parse_credentials
from airflow_provider_inforu.receiver.database import Database, open_database
from airflow_provider_inforu.receiver.migrate import check_version, upgrade
from airflow_provider_inforu.receiver.pruning import LONGEST_DAYS, RETENTION_DAYS, SHORTEST_DAYS
from airflow_provider_inforu.receiver.receiver_settings import (
    MAX_BODY_BYTES,
    PREFIX,
    ReceiverSettings,
    StorePhones,
    parse_networks,
)
from airflow_provider_inforu.receiver.secrets import (
    OtherTypeError,
    SecretUnavailableError,
    UnknownConnectionError,
)

if TYPE_CHECKING:
    import sqlalchemy as sa
    from airflow.models.connection import Connection
    from airflow.secrets import BaseSecretsBackend

SECTION = "inforu"
CONN_TYPE = "inforu"


def read_receiver_settings(prefix: str = PREFIX, *, makes_tables: bool = False) -> ReceiverSettings:
    """Return the receiver's settings from section ``inforu`` of Airflow's configuration.

    :param prefix: The part of the paths before ``/v1``; default: ``/inforu``.
    :param makes_tables: Whether the first use creates the tables in Airflow's own database; default: False.
    :raises InforuInputError: An option has an invalid value.
    """
    from airflow_provider_inforu._compat import conf

    connections = conf.get(SECTION, "receiver_connections", fallback="") or ""
    addresses = conf.get(SECTION, "receiver_allowed_addresses", fallback="") or ""
    return ReceiverSettings(
        database=read_database(makes_tables=makes_tables),
        credentials_of=load_credentials,
        connections=tuple(dict.fromkeys(connections.replace(",", " ").split())),
        allowed_addresses=parse_networks(
            addresses.replace(",", " ").split(), f"[{SECTION}] receiver_allowed_addresses"
        ),
        max_body_bytes=_positive("receiver_max_body_bytes", MAX_BODY_BYTES),
        store_phones=_store_phones(conf.get(SECTION, "receiver_store_phones", fallback="masked")),
        prefix=prefix,
        retention_days=_retention_days(),
    )


def read_database(*, makes_tables: bool = False) -> Database:
    """Return the database of ``receiver_database``; Airflow's own database if the option is empty.

    :param makes_tables: Whether the first use creates or upgrades the tables in Airflow's own database. With
        False (default), it raises NotReadyError if they are missing or old. In a separate database, the first
        use always creates the tables.
    :raises InforuInputError: The option is not a database URL.
    """
    from airflow_provider_inforu._compat import conf

    if url := conf.get(SECTION, "receiver_database", fallback=""):
        return open_database(url, f"[{SECTION}] receiver_database")
    return Database(_metadata_engine, upgrade if makes_tables else check_version, is_ours=False)


def load_credentials(conn_id: str) -> Credentials:
    """Return the secrets of a connection, from any place where Airflow stores connections.

    This reads only the secrets, so a standalone receiver needs no API token.

    :param conn_id: The ID of the connection.
    :raises UnknownConnectionError: The connection is missing or not of type ``inforu``.
    :raises SecretUnavailableError: The connection cannot be read now, or its extra is invalid.
    """
    return _credentials_in(read_connection(conn_id))


def read_connection(conn_id: str) -> Connection:
    """Return a connection of type ``inforu``, from any place where Airflow stores connections.

    This is for processes that are not tasks, because only tasks get connections from a supervisor.

    :param conn_id: The ID of the connection.
    :raises UnknownConnectionError: The connection is missing.
    :raises OtherTypeError: The connection has another type.
    :raises SecretUnavailableError: The connection cannot be read now.
    """
    return find_connection(conn_id)[0]


def find_connection(conn_id: str) -> tuple[Connection, BaseSecretsBackend]:
    """Return a connection of type ``inforu``, and the Airflow backend that stores it.

    :param conn_id: The ID of the connection.
    :raises UnknownConnectionError: The connection is missing.
    :raises OtherTypeError: The connection has another type.
    :raises SecretUnavailableError: The connection cannot be read now.
    """
    from airflow.configuration import ensure_secrets_loaded

    for backend in ensure_secrets_loaded():
        try:
            connection = backend.get_connection(conn_id=conn_id)
        except Exception as error:
            # A backend may raise any exception. The search stops here: Airflow's own search would continue,
            # and report a connection as missing although it only cannot be read.
            raise SecretUnavailableError(
                f"{type(backend).__name__} failed with {type(error).__name__}"
            ) from None
        if connection:
            if connection.conn_type != CONN_TYPE:
                raise OtherTypeError(conn_id, connection.conn_type)
            return cast("Connection", connection), backend
    raise UnknownConnectionError(conn_id)


def _credentials_in(connection: Connection) -> Credentials:
    from airflow_provider_inforu._compat import mask_secret

    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise SecretUnavailableError("its extra is not a JSON object")
    try:
        credentials = parse_credentials(extra)
    except ValueError as error:
        raise SecretUnavailableError(str(error)) from None
    for secret in {*credentials.push, *credentials.read}:
        mask_secret(secret)
    return credentials


def _metadata_engine() -> sa.Engine:
    from airflow import settings

    return cast("sa.Engine", settings.engine)


def _positive(option: str, default: int) -> int:
    from airflow_provider_inforu._compat import conf

    value: int = conf.getint(SECTION, option, fallback=default)
    if value < 1:
        raise InforuInputError(f"[{SECTION}] {option} must be a whole number of at least 1, not {value}")
    return value


def _retention_days() -> int | None:
    from airflow_provider_inforu._compat import conf

    days: int = conf.getint(SECTION, "receiver_retention_days", fallback=RETENTION_DAYS)
    if days and not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        raise InforuInputError(
            f"[{SECTION}] receiver_retention_days must be {SHORTEST_DAYS} to {LONGEST_DAYS} days, or 0 to "
            f"keep everything, not {days}. A sensor waits seven days by default for the calls of a send"
        )
    return days or None


def _store_phones(value: str) -> StorePhones:
    if value not in get_args(StorePhones):
        raise InforuInputError(
            f"[{SECTION}] receiver_store_phones must be one of {', '.join(get_args(StorePhones))}"
        )
    return cast("StorePhones", value)
