"""What goes wrong when the receiver is asked."""

from __future__ import annotations

from typing import Any

from airflow_provider_inforu.capi.errors import InforuError


class ReceiverError(InforuError):
    """The receiver could not be asked, or refused to answer.

    :param message: What happened and what to do.
    :param is_passing: Whether it may go away by itself.
    """

    def __init__(self, message: str, *, is_passing: bool) -> None:
        self.is_passing = is_passing
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error cross to another process."""
        return _rebuild, (type(self), str(self), self.is_passing)


class SecretRefusedError(ReceiverError):
    """The receiver refused the notification_secret: it is wrong, or one side has not seen its change."""


def _rebuild(kind: type[ReceiverError], message: str, is_passing: bool) -> ReceiverError:  # noqa: FBT001 - called by pickle
    return kind(message, is_passing=is_passing)
