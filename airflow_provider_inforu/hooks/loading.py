"""Read an Airflow connection without blocking an event loop."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Connection

    from airflow_provider_inforu._compat import BaseHook

P = ParamSpec("P")
T = TypeVar("T")


async def get_connection_async(conn_id: str, hook: BaseHook) -> Connection:
    """Return a connection without blocking the event loop.

    :param conn_id: The ID of the connection.
    :param hook: The hook that looks the connection up.
    :raises AirflowNotFoundException: The connection is missing.
    """
    from airflow_provider_inforu._compat import AirflowNotFoundException, get_async_connection

    try:
        return await get_async_connection(conn_id, hook=hook)
    except AirflowNotFoundException:
        # `airflow dags test` runs a trigger in its own process, where only the synchronous lookup works. In a
        # triggerer the second lookup gives the same result.
        return await in_airflow_thread(hook.get_connection, conn_id)


def import_what_loads() -> None:
    """Import the modules that `get_connection_async` needs. Run it in a thread, because imports block."""
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


async def in_airflow_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a thread from which it can ask Airflow's supervisor, and return its result.

    :param function: The function.
    :param args: Its positional arguments.
    :param kwargs: Its named arguments.
    """
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*args, **kwargs)
