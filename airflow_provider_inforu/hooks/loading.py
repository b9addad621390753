"""Reads a connection of Airflow without blocking an event loop."""

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
    """Return a connection.

    :param conn_id: Its name.
    :param hook: The hook that needs it.
    :raises AirflowNotFoundException: Airflow does not know the connection.
    """
    from airflow_provider_inforu._compat import AirflowNotFoundException, get_async_connection

    try:
        return await get_async_connection(conn_id, hook=hook)
    except AirflowNotFoundException:
        # `airflow dags test` runs a trigger in its own process, which has only the synchronous way to the
        # database. In a triggerer this repeats the question, and the answer stays the same.
        return await in_airflow_thread(hook.get_connection, conn_id)


def import_what_loads() -> None:
    """Import, in a thread, what `get_connection_async` needs: on an event loop imports would block it."""
    for name in (
        "airflow_provider_inforu._compat",
        "airflow.sdk.definitions.connection",
        "airflow.sdk.execution_time.cache",
        "airflow.sdk.execution_time.secrets",
        "airflow.sdk.execution_time.supervisor",
        "asgiref.sync",
    ):
        # Not every version of Airflow has all of them.
        with suppress(ImportError):
            import_module(name)


async def in_airflow_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that asks Airflow's supervisor, in a thread from which that works.

    :param function: The function.
    :param args: Its arguments.
    :param kwargs: Its arguments by name.
    """
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*args, **kwargs)
