"""The errors of a ledger, and their common sentences."""

from __future__ import annotations

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuError

NO_MORE_CALLS = "No more calls are placed"
"""True of every error that stops a try, before and during the send."""
HOW_TO_GO_ON = "Restore the ledger and clear the task, or call the remaining recipients in a new DAG run"


class LedgerError(InforuError):
    """The ledger is damaged, or belongs to another send. The task must not place more calls."""


class LedgerNotFoundError(LedgerError):
    """An earlier try may have called people, and its ledger is not found."""


class NoLedgerStoreError(LedgerError):
    """An earlier try may have called people, and this Airflow has no store for ledgers."""


class DamagedValueError(LedgerError):
    """A value of the ledger exists, but is damaged."""


class LedgerStoreError(InforuError):
    """The store of the ledger failed, or its responses contradict each other. A retry may succeed."""


def describe_damage(problem: str, *, happened: str = NO_NEW_CALLS, advice: str = HOW_TO_GO_ON) -> str:
    """Return the error message for a damaged ledger.

    :param problem: What is wrong, as a clause. It names the key, the attempt or the batch.
    :param happened: What has happened, as a sentence without its period. Default: no new calls were placed.
    :param advice: What to do, as a sentence without its period. Default: restore the ledger.
    """
    return f"The ledger cannot be read: {problem}. {happened}. {advice}"
