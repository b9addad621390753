"""Settles batches in doubt: stores a person's decision as the result of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.decisions import DecisionStore, decide
from airflow_provider_inforu.ledger.ledger_reader import ReadableStore, read_ledger
from airflow_provider_inforu.ledger.ledger_summary import list_batches, numbers_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.decisions import Choice
    from airflow_provider_inforu.ledger.ledger_reader import Header


FINISHED = ("success", "failed", "upstream_failed", "skipped", "removed")
"""States of a task instance that does not run, and that Airflow will not run again by itself."""


class SettleError(InforuError):
    """Batches cannot be settled. The message says why, and what has changed."""


class SettledStore(ReadableStore, DecisionStore, Protocol):
    """A store in which the ledger can be read and decisions can be written."""


def read_or_refuse(store: ReadableStore) -> tuple[Header, dict[int, BatchRecord]]:
    """Return the header and the records of a ledger.

    :param store: The ledger's store.
    :raises SettleError: The task instance has no ledger.
    :raises LedgerError: The ledger is damaged, or was written by a newer version.
    """
    found = read_ledger(store)
    if found is None:
        raise SettleError(
            "This task instance has no ledger here. Either it has sent nothing, or its ledger is in another "
            "path. Set [inforu] ledger_path here to the same value as on the workers"
        )
    return found


def choose_batches(records: Mapping[int, BatchRecord], wanted: list[int] | None) -> list[int]:
    """Return the numbers of the batches to settle.

    :param records: The records of the batches, by batch number.
    :param wanted: Numbers of batches. None: all batches in doubt.
    :raises SettleError: A wanted batch is not in doubt.
    """
    in_doubt = numbers_in(records, BatchState.SUBMITTING)
    if wanted is None:
        return in_doubt
    if others := sorted(set(wanted) - set(in_doubt)):
        raise SettleError(
            f"Not in doubt: {list_batches(others)}. Nothing was changed. `airflow inforu sends show` lists "
            "the batches in doubt"
        )
    return wanted


def settle(
    store: SettledStore,
    shown: Mapping[int, BatchRecord],
    choice: Choice,
    numbers: list[int],
    campaign_id: int | None = None,
) -> dict[int, BatchRecord]:
    """Store a decision about batches, and return the new records.

    :param store: The ledger's store.
    :param shown: The records that the person saw.
    :param choice: ``accept`` counts the recipients as called. ``resend`` lets the next try call them again.
    :param numbers: Numbers of batches in doubt.
    :param campaign_id: With ``accept``: the campaign of the calls. None if it is unknown.
    :raises SettleError: The records have changed since they were shown, or some batches remain in doubt.
    :raises LedgerError: The ledger is damaged.
    """
    _, records = read_or_refuse(store)
    if records != shown:
        raise SettleError(
            "The ledger has changed since it was shown. No decision was stored. Look again with `airflow "
            "inforu sends show`, then decide"
        )
    for number in numbers:
        decide(store, records[number], choice, campaign_id)
    stored = read_or_refuse(store)[1]
    if set(numbers) & set(numbers_in(stored, BatchState.SUBMITTING)):
        raise SettleError(
            "Some of the batches are still in doubt: the task may have begun to run. The decisions about the "
            "other batches are stored. Look again with `airflow inforu sends show`"
        )
    return stored
