"""Names that Airflow has moved since 3.0, imported from their module in the installed version.

Import every other name from ``airflow.sdk``.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

from airflow import __version__

if TYPE_CHECKING:
    from airflow.sdk import BaseHook as BaseHook
    from airflow.sdk import Connection
    from airflow.sdk.bases.decorator import determine_kwargs as determine_kwargs
    from airflow.sdk.configuration import conf as conf
    from airflow.sdk.definitions.context import context_merge as context_merge
    from airflow.sdk.exceptions import (
        AirflowFailException as AirflowFailException,
    )
    from airflow.sdk.exceptions import (
        AirflowNotFoundException as AirflowNotFoundException,
    )
    from airflow.sdk.exceptions import (
        AirflowSensorTimeout as AirflowSensorTimeout,
    )
    from airflow.sdk.exceptions import (
        AirflowSkipException as AirflowSkipException,
    )
    from airflow.sdk.log import mask_secret as mask_secret
    from airflow.sdk.plugins_manager import AirflowPlugin as AirflowPlugin

AIRFLOW_VERSION = tuple(map(int, re.findall(r"\d+", __version__)[:3]))
"""Major, minor and patch version of the installed Airflow, for example ``(3, 3, 2)``."""

_MOVED = {
    # Airflow 3.1 brought these into `airflow.sdk`. There `mask_secret` also tells the supervisor.
    "BaseHook": ((3, 1), "airflow.sdk", "airflow.hooks.base"),
    "context_merge": ((3, 1), "airflow.sdk.definitions.context", "airflow.utils.context"),
    "mask_secret": ((3, 1), "airflow.sdk.log", "airflow.sdk.execution_time.secrets_masker"),
    # Airflow 3.2 brought these. Since then their earlier modules warn, or are for the scheduler only.
    "AirflowFailException": ((3, 2), "airflow.sdk.exceptions", "airflow.exceptions"),
    "AirflowNotFoundException": ((3, 2), "airflow.sdk.exceptions", "airflow.exceptions"),
    "AirflowPlugin": ((3, 2), "airflow.sdk.plugins_manager", "airflow.plugins_manager"),
    "AirflowSensorTimeout": ((3, 2), "airflow.sdk.exceptions", "airflow.exceptions"),
    "AirflowSkipException": ((3, 2), "airflow.sdk.exceptions", "airflow.exceptions"),
    "conf": ((3, 2), "airflow.sdk.configuration", "airflow.configuration"),
    "determine_kwargs": ((3, 2), "airflow.sdk.bases.decorator", "airflow.utils.operator_helpers"),
}
"""For each name: the first version with the current module, this module, and the earlier module."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # Imported on demand, so that parsing a DAG does not import decorators and plugins.
        if name not in _MOVED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        since, place, earlier = _MOVED[name]
        return getattr(import_module(place if since <= AIRFLOW_VERSION else earlier), name)


async def get_async_connection(conn_id: str, *, hook: BaseHook) -> Connection:
    """Return a connection without blocking the event loop.

    :param conn_id: The connection's ID.
    :param hook: The hook that looks the connection up.
    :raises AirflowNotFoundException: The connection is missing.
    """
    from airflow.sdk import Connection
    from asgiref.sync import sync_to_async

    # Before Airflow 3.3.2 `aget_connection` masks secrets with a blocking call to the supervisor.
    # It fails when another coroutine waits for the supervisor. `aextra_dejson` came with the fix.
    if hasattr(Connection, "aextra_dejson"):
        return await hook.aget_connection(conn_id)
    return await sync_to_async(hook.get_connection)(conn_id)
