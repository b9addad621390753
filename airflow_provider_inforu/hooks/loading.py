"""Read the settings of an Airflow connection, with or without blocking, and mask its secrets."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.hooks.settings import DEFAULT_CONN_ID, ConnectionNotFoundError, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Connection

    from airflow_provider_inforu._compat import BaseHook
    from airflow_provider_inforu.hooks.settings import InforuSettings

P = ParamSpec("P")
T = TypeVar("T")


def load_settings(inforu_conn_id: str, hook: BaseHook) -> InforuSettings:
    """Return the checked settings of a connection, and mask its secrets in all later logs.

    :param inforu_conn_id: The ID of the connection.
    :param hook: The hook that looks the connection up.
    :raises InforuInputError: A field of the connection is invalid.
    :raises ConnectionNotFoundError: Airflow does not find the connection. A retry asks again.
    """
    from airflow_provider_inforu._compat import AirflowNotFoundException

    try:
        connection = hook.get_connection(inforu_conn_id)
    except AirflowNotFoundException:
        raise ConnectionNotFoundError(
            f"The connection {inforu_conn_id!r} is missing in Airflow. {NO_NEW_CALLS}. Add a connection of "
            f"type Inforu, or name another one in `inforu_conn_id` (default: {DEFAULT_CONN_ID})"
        ) from None
    return _read_masked(connection)


async def load_settings_async(inforu_conn_id: str, hook: BaseHook) -> InforuSettings:
    """Return the settings like `load_settings`, without blocking the event loop.

    :param inforu_conn_id: The ID of the connection.
    :param hook: The hook that looks the connection up.
    :raises InforuInputError: A field of the connection is invalid.
    :raises AirflowNotFoundException: The connection is missing.
    """
    from airflow_provider_inforu._compat import AirflowNotFoundException, get_async_connection

    try:
        connection = await get_async_connection(inforu_conn_id, hook=hook)
    except AirflowNotFoundException:
        # `airflow dags test` runs a trigger in its own process, where only the synchronous lookup works. In a
        # triggerer the second lookup gives the same result.
        connection = await _in_airflow_thread(hook.get_connection, inforu_conn_id)
    # Masking asks Airflow's supervisor. Only from such a thread does this work in all versions of Airflow.
    return await _in_airflow_thread(_read_masked, connection)


def import_what_loads() -> None:
    """Import the modules that `load_settings_async` needs. Run it in a thread, because imports block."""
    for name in (
        "airflow_provider_inforu._compat",
        "airflow.sdk.definitions.connection",
        "airflow.sdk.execution_time.cache",
        "airflow.sdk.execution_time.secrets",
        "airflow.sdk.execution_time.supervisor",
        "asgiref.sync",
    ):
        # Some versions of Airflow lack some of these modules.
        with suppress(ImportError):
            import_module(name)


def _read_masked(connection: Connection) -> InforuSettings:
    from airflow_provider_inforu._compat import mask_secret

    settings = read_settings(connection)
    for secret in settings.secrets():
        mask_secret(secret)
    return settings


async def _in_airflow_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a thread from which it can ask Airflow's supervisor, and return its result."""
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*args, **kwargs)
