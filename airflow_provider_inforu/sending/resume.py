"""Resumes a send after the wait for its calls, from the stored facts: no rows, no requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuError
from airflow_provider_inforu.ledger.ledger_log import Ledger, open_ledger
from airflow_provider_inforu.ledger.ledger_reader import read_ledger
from airflow_provider_inforu.sending.open_send import KnownPeople, OpenSend, has_doubts
from airflow_provider_inforu.sending.send_facts import FactsError, load_facts

if TYPE_CHECKING:
    from airflow_provider_inforu.ledger.ledger_log import LedgerStore
    from airflow_provider_inforu.ledger.ledger_reader import Header
    from airflow_provider_inforu.sending.send_facts import Facts


class ResumeError(InforuError):
    """The stored facts are missing or damaged. A retry reads the rows and calls nobody twice."""


def resume_send(store: LedgerStore, send_id: str | None) -> tuple[OpenSend, float]:
    """Return the stored send after a wait, and the deadline of this wait in seconds since 1970.

    :param store: The store of the ledger.
    :param send_id: The ID of the send that this try began; None if unknown.
    :raises ResumeError: The ledger or the stored facts are missing or damaged.
    """
    found = read_ledger(store)
    if found is None:
        raise ResumeError(_explain("the ledger is missing"))
    header, records = found
    if send_id not in (None, header.send_id):
        raise ResumeError(_explain("the ledger belongs to another send"))
    facts = _load(store, header)
    if facts is None or facts.deadline is None:
        raise ResumeError(_explain("the stored facts are missing"))
    # The ledger is opened for writing only if a late outcome may settle a batch.
    ledger = (
        open_ledger(store, header, expected=header.send_id)
        if has_doubts(records)
        else Ledger(store, "", header, records)
    )
    return OpenSend(
        store, ledger, KnownPeople(facts=facts), facts.already_sent, is_resumed=True
    ), facts.deadline


def _load(store: LedgerStore, header: Header) -> Facts | None:
    try:
        return load_facts(store, header.send_id)
    except FactsError as error:
        raise ResumeError(_explain(str(error))) from None


def _explain(problem: str) -> str:
    return (
        f"The send cannot be resumed after the wait: {problem}. {NO_NEW_CALLS}. The next try reads the "
        "ledger and the recipients, and calls nobody twice"
    )
