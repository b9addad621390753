"""Settling batches in doubt: what a person knows is written down as if the vendor had answered."""

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
"""States in which a task instance does not run and will not on its own."""


class SettleError(InforuError):
    """Batches cannot be settled. The message says what has happened."""


class SettledStore(ReadableStore, DecisionStore, Protocol):
    """Where a ledger is read and decisions are written."""


def read_or_refuse(store: ReadableStore) -> tuple[Header, dict[int, BatchRecord]]:
    """Return what the ledger says.

    :param store: Where it is kept.
    :raises SettleError: There is none.
    :raises LedgerError: It cannot be read.
    """
    found = read_ledger(store)
    if found is None:
        raise SettleError(
            "there is no ledger: this task instance has sent nothing, or its ledger is kept elsewhere "
            "([inforu] ledger_path must be set here as it is where tasks run)"
        )
    return found


def choose_batches(records: Mapping[int, BatchRecord], wanted: list[int] | None) -> list[int]:
    """Return the numbers of the batches to settle.

    :param records: Of the batches, by number.
    :param wanted: Those that were asked for; None is all that are in doubt.
    :raises SettleError: One of them is not in doubt.
    """
    in_doubt = numbers_in(records, BatchState.SUBMITTING)
    if wanted is None:
        return in_doubt
    if others := sorted(set(wanted) - set(in_doubt)):
        raise SettleError(f"not in doubt: {list_batches(others)}. Nothing was changed")
    return wanted


def settle(
    store: SettledStore,
    shown: Mapping[int, BatchRecord],
    choice: Choice,
    numbers: list[int],
    campaign_id: int | None = None,
) -> dict[int, BatchRecord]:
    """Write down what was decided, and return the records as they are then.

    :param store: Where the ledger is kept.
    :param shown: The records that the decision is about.
    :param choice: ``accept`` or ``resend``.
    :param numbers: Of batches that are in doubt.
    :param campaign_id: With ``accept``: the campaign of the calls, where it is known.
    :raises SettleError: The records are no longer those that were shown.
    :raises LedgerError: The ledger cannot be read.
    """
    _, records = read_or_refuse(store)
    if records != shown:
        raise SettleError(
            "the ledger has changed meanwhile, so nothing was changed. Look again with `sends show`"
        )
    for number in numbers:
        decide(store, records[number], choice, campaign_id)
    stored = read_or_refuse(store)[1]
    if set(numbers) & set(numbers_in(stored, BatchState.SUBMITTING)):
        raise SettleError(
            "some of it was not written down: the task may have begun to run. Look again with `show`"
        )
    return stored
