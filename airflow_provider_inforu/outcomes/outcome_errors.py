"""The errors of polls for outcomes, and whether another poll can succeed after an error."""

from __future__ import annotations

from typing import Any

from airflow_provider_inforu.capi.errors import (
    InforuApiError,
    InforuError,
    InforuInputError,
    InforuRateLimitError,
)


class ReceiverError(InforuError):
    """The receiver cannot be reached, or refused the request.

    :param message: What happened, and what to do.
    :param is_passing: Whether the problem may go away by itself.
    """

    def __init__(self, message: str, *, is_passing: bool) -> None:
        self.is_passing = is_passing
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Make the error picklable, so that it can be passed to another process."""
        return _rebuild, (type(self), str(self), self.is_passing)


class SecretRefusedError(ReceiverError):
    """The receiver refused the secret: it is wrong, or one side has not read the new secret yet."""


def is_transient(error: InforuError) -> bool:
    """Return whether an error may go away by itself, so that another poll can succeed.

    :param error: The error of a poll.
    """
    passing = getattr(error, "is_passing", None)
    if passing is not None:
        return bool(passing)
    if isinstance(error, InforuRateLimitError):
        return True
    return not isinstance(error, InforuInputError | InforuApiError)


def _rebuild(kind: type[ReceiverError], message: str, is_passing: bool) -> ReceiverError:  # noqa: FBT001 - called by pickle
    return kind(message, is_passing=is_passing)
