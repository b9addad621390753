"""Settling batches in doubt: what a person knows is written down as if the vendor had answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_inforu.cli.errors import CommandError
from airflow_provider_inforu.cli.summary import list_batches, numbers_in
from airflow_provider_inforu.sending.batch_state import BatchState, Event
from airflow_provider_inforu.sending.ledger import begin_attempt, read_ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.sending.batch_state import BatchRecord
    from airflow_provider_inforu.sending.ledger import Header, LedgerStore

Choice = Literal["accept", "resend"]

EVENTS_A_WRITE = 500
"""So many fit in one segment of the ledger."""


def read_or_refuse(store: LedgerStore) -> tuple[Header, dict[int, BatchRecord]]:
    """Return what the ledger says.

    :param store: Where it is kept.
    :raises CommandError: There is none.
    :raises LedgerError: It cannot be read.
    """
    found = read_ledger(store)
    if found is None:
        raise CommandError(
            "there is no ledger: this task instance has sent nothing, or its ledger is kept elsewhere "
            "([inforu] ledger_path must be set here as it is where tasks run)"
        )
    return found


def choose_batches(records: Mapping[int, BatchRecord], wanted: list[int] | None) -> list[int]:
    """Return the numbers of the batches to settle.

    :param records: Of the batches, by number.
    :param wanted: Those that were asked for; None is all that are in doubt.
    :raises CommandError: One of them is not in doubt.
    """
    in_doubt = numbers_in(records, BatchState.SUBMITTING)
    if wanted is None:
        return in_doubt
    if others := sorted(set(wanted) - set(in_doubt)):
        raise CommandError(f"not in doubt: {list_batches(others)}. Nothing was changed")
    return wanted


def settle(store: LedgerStore, choice: Choice, numbers: list[int]) -> dict[int, BatchRecord]:
    """Write down what was decided, and return the records as they are stored then.

    :param store: Where the ledger is kept.
    :param choice: ``accept`` or ``resend``.
    :param numbers: Of batches that are in doubt.
    :raises CommandError: The task runs, or the batches are no longer in doubt.
    :raises LedgerError: The ledger cannot be read, or a later attempt has begun.
    """
    store.claim()
    # Only what is read after the claim is sure to be all that was written.
    header, records = read_or_refuse(store)
    choose_batches(records, numbers)
    ledger = begin_attempt(store, header, records)
    for start in range(0, len(numbers), EVENTS_A_WRITE):
        ledger.write([_event(choice, number) for number in numbers[start : start + EVENTS_A_WRITE]])
    stored = read_or_refuse(store)[1]
    if stored != ledger.records:
        raise CommandError("somebody else has written to the ledger at the same time: look with `show`")
    return stored


def _event(choice: Choice, number: int) -> list[Any]:
    if choice == "accept":
        return [Event.ACCEPT, number, None, None]
    return [Event.WITHDRAW, number]
