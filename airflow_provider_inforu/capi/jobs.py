"""The state of a job by its RequestToken, where an account has a function for it.

The vendor documents no such function for voice, only the StatusIds 1, -2014 and -2015 that one would answer
(guide). So which function to ask is a setting of the connection, and what its answers mean is assumed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from airflow_provider_inforu.capi.errors import InforuInputError


class JobStatus(StrEnum):
    """What a status function says of a RequestToken."""

    FINISHED = "finished"
    """StatusId 1."""
    IN_PROGRESS = "in_progress"
    """StatusId -2015."""
    NOT_FOUND = "not_found"
    """StatusId -2014."""


def job_status_data(request_token: str) -> dict[str, Any]:
    """Return ``Data`` of a status function (assumed to be that of ``Contact/CheckJobStatusByToken``).

    :param request_token: The vendor's receipt for one accepted request.
    :raises InforuInputError: The token is empty.
    """
    if not request_token:
        raise InforuInputError("request_token is empty: no job can be asked for")
    return {"RequestToken": request_token}
