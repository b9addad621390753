"""Create the client of Inforu's API for a connection, and ask the status function of the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import (
    InforuInputError,
    InforuJobInProgressError,
    InforuRequestTokenNotFoundError,
)
from airflow_provider_inforu.capi.jobs import JobStatus, job_status_data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from airflow_provider_inforu.capi.client import InforuClient
    from airflow_provider_inforu.hooks.settings import InforuSettings


def new_client(settings: InforuSettings) -> InforuClient:
    """Return a client of Inforu's API. Its creation sends no request.

    :param settings: The settings of the connection.
    """
    from airflow_provider_inforu.capi.client import InforuClient

    return InforuClient(
        base_url=settings.base_url,
        username=settings.username,
        token=settings.token,
        auth_location=settings.auth_location,
        timeout=settings.timeout,
        proxy=settings.proxy,
    )


def read_job_status(
    call: Callable[[str, Mapping[str, Any]], object], conn_id: str, function: str | None, request_token: str
) -> JobStatus:
    """Return the status of an accepted request.

    :param call: Sends one request to a function of Inforu's API.
    :param conn_id: The ID of the connection, for the error.
    :param function: The ``status_function`` of the connection, or None.
    :param request_token: The RequestToken of the accepted request.
    :raises InforuInputError: The connection has no ``status_function``, or the token is empty.
    :raises InforuError: The request failed.
    """
    if function is None:
        raise InforuInputError(
            f"the connection {conn_id!r} has no `status_function`, so Inforu cannot be asked for the results "
            "of calls. If Inforu gave your account such a function, write its name in this field. Otherwise "
            "use a receiver"
        )
    try:
        call(function, job_status_data(request_token))
    except InforuJobInProgressError:
        return JobStatus.IN_PROGRESS
    except InforuRequestTokenNotFoundError:
        return JobStatus.NOT_FOUND
    return JobStatus.FINISHED
