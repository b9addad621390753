"""The errors of a ledger."""

from __future__ import annotations

from airflow_provider_inforu.capi.errors import InforuError

DAMAGED = "the ledger cannot be read"


class LedgerError(InforuError):
    """The ledger cannot be read, or does not fit the send: nothing is sent on a guess."""


class DamagedValueError(LedgerError):
    """A value of the ledger is there and cannot be read."""


class LedgerStoreError(InforuError):
    """The store of the ledger failed, or contradicts itself. A retry may find it working."""
