"""Clear errors for a storage of ledgers that cannot be used."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuError
from airflow_provider_inforu.capi.redact import has_password, hide, hide_passwords
from airflow_provider_inforu.ledger.ledger_errors import LedgerError, LedgerStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_REASON = 200
"""Characters of another library's error."""


@contextlib.contextmanager
def explain_storage_errors(root: Any, *, may_be_missing: bool = False) -> Iterator[None]:  # noqa: ANN401 - a path
    """Replace an error of the storage by one that names the ledger and says that a retry is safe.

    :param root: The root folder of the ledgers.
    :param may_be_missing: Let a FileNotFoundError pass. Default: False.
    :raises LedgerStoreError: The storage failed.
    """
    try:
        yield
    except InforuError:
        raise
    except Exception as error:  # each storage has its own errors, such as those of boto
        if may_be_missing and isinstance(error, FileNotFoundError):
            raise
        reason = getattr(error, "strerror", None) or hide(hide_passwords(str(error)))[:_LONGEST_REASON]
        raise LedgerStoreError(
            f"The ledger below {str(root)!r} cannot be read or written ({type(error).__name__}: {reason}). "
            "Check [inforu] ledger_path, and that the storage is mounted, writable and not full. A retry "
            "calls nobody twice"
        ) from (error if isinstance(error, OSError) else None)  # another error may contain a secret


def check_no_password(root: str) -> None:
    """Check that the URL of the ledgers contains no password, because logs and errors show the URL.

    :param root: The option ``[inforu] ledger_path``.
    :raises LedgerError: The URL contains a password.
    """
    if has_password(root):
        raise LedgerError(
            f"[inforu] ledger_path contains a password, and logs would show it. {NO_NEW_CALLS}. Name a "
            "connection instead, as in s3://CONN_ID@bucket/ledgers"
        )
