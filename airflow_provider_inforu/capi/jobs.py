"""The status of a job by its RequestToken, for accounts with a status function.

The vendor documents no such function for voice. It documents only the matching StatusIds 1, -2014 and -2015
(guide). So the name of the function is a setting of the connection, and the meaning of its responses is
assumed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from airflow_provider_inforu.capi.errors import InforuInputError


class JobStatus(StrEnum):
    """The status of a job, as a status function returns it."""

    FINISHED = "finished"
    """StatusId 1."""
    IN_PROGRESS = "in_progress"
    """StatusId -2015."""
    NOT_FOUND = "not_found"
    """StatusId -2014."""


def job_status_data(request_token: str) -> dict[str, Any]:
    """Return the field ``Data`` of a status request.

    Its form is assumed to be that of ``Contact/CheckJobStatusByToken``.

    :param request_token: The vendor's receipt for one accepted request.
    :raises InforuInputError: The token is empty.
    """
    if not request_token:
        raise InforuInputError("request_token is empty. Pass the RequestToken of an accepted request")
    return {"RequestToken": request_token}
