"""The errors that end an attempt at a send."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.ledger_errors import LedgerError, LedgerNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRY_RESENDS = "The next try calls the recipients in doubt again, because in_doubt='resend' is set"


class SendStoppedError(InforuError):
    """The send stopped before it was complete. A retry continues where it stopped."""


class NoRetryError(InforuError):
    """The send failed. A retry is not possible, or would fail again."""


@contextlib.contextmanager
def no_retry_on_ledger_errors() -> Iterator[None]:
    """Refuse a retry if the ledger is invalid or unreadable.

    A LedgerNotFoundError is not changed, because the next try may find the ledger.

    :raises NoRetryError: The block raised another LedgerError.
    """
    try:
        yield
    except LedgerNotFoundError:
        raise
    except LedgerError as error:
        raise NoRetryError(str(error)) from None
