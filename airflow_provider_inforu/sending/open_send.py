"""A send with an open ledger: its result, its known recipients and its stored facts."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_events import Accepted
from airflow_provider_inforu.sending.in_doubt import find_accepted
from airflow_provider_inforu.sending.report import MAY_RING, lines_of_people
from airflow_provider_inforu.sending.report_file import ReportLostError, rows_of_send, rows_of_stored
from airflow_provider_inforu.sending.result import SendResult
from airflow_provider_inforu.sending.send_facts import Facts, load_facts, save_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_log import Ledger, LedgerStore
    from airflow_provider_inforu.ledger.ledger_reader import Header
    from airflow_provider_inforu.recipients.batches import Batch
    from airflow_provider_inforu.recipients.choices import InDoubt
    from airflow_provider_inforu.recipients.recipient_store import Skipped
    from airflow_provider_inforu.sending.gateway import VendorGateway
    from airflow_provider_inforu.sending.report_file import Row

log = logging.getLogger(__name__)

MOST_BATCHES_STORED = 1000
"""The most batches in doubt or rejected whose keys are stored. The log and the report list all keys."""


@dataclass
class OpenSend:
    """The send of this attempt, with its ledger open.

    :ivar store: The store of its ledger.
    :ivar ledger: Its ledger.
    :ivar people: Its known recipients.
    :ivar already_sent: Whether an earlier try had sent everything.
    :ivar is_resumed: Whether the task continues after a wait, without its rows.
    """

    store: LedgerStore
    ledger: Ledger
    people: KnownPeople
    already_sent: bool = False
    is_resumed: bool = False

    @property
    def result(self) -> SendResult:
        """The result so far."""
        return SendResult(self.ledger.header, self.ledger.records, self.people.read_keys(self.ledger.records))

    def settle(self, gateway: VendorGateway, in_doubt: InDoubt) -> None:
        """Write batches in doubt as accepted if the receiver knows an ended call of them.

        If the request to the receiver fails, they stay in doubt.

        :param gateway: The connection of the send.
        :param in_doubt: What the task does with recipients in doubt.
        :raises InforuError: The request failed, and ``resend`` would call recipients in doubt again.
        """
        try:
            accepted = find_accepted(gateway, self.result)
        except InforuError as error:
            if in_doubt == "resend" or self.ledger.decided_resend:
                raise
            log.warning("The request to the receiver failed, so recipients stay in doubt: %s", error)
            return
        if accepted:
            self.ledger.write([Accepted(number, None, campaign) for number, campaign in accepted.items()])

    def save(
        self, deadline: float | None = None, report: str | None = None, digest: str | None = None
    ) -> None:
        """Store the facts that a later try or a resumed task needs to complete this send.

        :param deadline: When the wait ends, in seconds since 1970. None keeps the stored value.
        :param report: The path of the written report. None keeps the stored value.
        :param digest: The digest of this report. None keeps the stored value.
        """
        result = self.result
        before = self.people.facts or Facts(result.send_id)
        numbers = [*result.in_doubt, *result.rejected][:MOST_BATCHES_STORED]
        keys = {number: names for number in numbers if (names := result.read_keys(number))}
        facts = Facts(
            result.send_id,
            deadline=deadline or before.deadline,
            report=report or before.report,
            report_digest=digest or before.report_digest,
            keys={**keys, **before.keys},
            already_sent=self.already_sent,
        )
        if facts == self.people.facts:
            return
        save_facts(self.store, facts)
        self.people = replace(self.people, facts=facts)


@dataclass(frozen=True)
class KnownPeople:
    """The recipients of a send, from the rows of this try or from the facts of an earlier try.

    :ivar batches: The batches of this try's rows; None if the rows were not read.
    :ivar skipped: The rows that this try skips.
    :ivar is_same: Whether the rows equal the rows with which the send began.
    :ivar facts: The facts that an earlier try stored; None if it stored none.
    """

    batches: Sequence[Batch] | None = None
    skipped: Sequence[Skipped] = ()
    is_same: bool = False
    facts: Facts | None = None

    def read_keys(self, records: Mapping[int, BatchRecord]) -> _KeysOf:
        """Return a function that returns the keys of a batch, or None if they are unknown."""
        return _KeysOf(self, records)

    def rows(self, header: Header, records: Mapping[int, BatchRecord]) -> Iterator[Row]:
        """Return the rows of the report without outcomes.

        :param header: The header of the ledger.
        :param records: The ledger's record of each batch.
        :raises ReportLostError: Neither the rows nor a stored report exist. The iterator may raise it, too.
        """
        if self.batches is not None and self.is_same:
            return rows_of_send(self.batches, self.skipped, records)
        if self.facts is not None and self.facts.report and self.facts.report_digest:
            return rows_of_stored(self.facts.report, self.facts.report_digest, self.facts.keys, records)
        raise ReportLostError(
            f"the rows of send {header.send_id} changed since they were sent, and no earlier report is stored"
        )


@dataclass(frozen=True, slots=True)
class _KeysOf:
    people: KnownPeople
    records: Mapping[int, BatchRecord]

    def __call__(self, number: int) -> Sequence[str] | None:
        people, record = self.people, self.records.get(number)
        if people.batches is not None and number <= len(people.batches):
            batch = people.batches[number - 1]
            if people.is_same or (record is not None and batch.digest == record.digest):
                return batch.keys
        return people.facts.keys.get(number) if people.facts else None


def name_people(result: SendResult, *, unsent: bool = False) -> None:
    """Log the keys of all recipients in doubt or rejected.

    :param result: The result of the send.
    :param unsent: Whether to log the keys of the unsent recipients, too.
    """
    for line in lines_of_people(result, result.in_doubt):
        log.warning("%s: %s", MAY_RING, line)
    for line in lines_of_people(result, result.rejected):
        log.warning("rejected, not called: %s", line)
    for line in lines_of_people(result, result.unsent if unsent else []):
        log.warning("not sent: %s", line)


def find_facts(store: LedgerStore, send_id: str) -> Facts | None:
    """Return the facts that an earlier try stored of a send; None if they are missing or unreadable.

    :param store: The store of its ledger.
    :param send_id: The ID of the send.
    """
    try:
        return load_facts(store, send_id)
    except InforuError as error:
        log.warning("The facts of an earlier try cannot be used: %s. This try continues without them", error)
        return None


def is_all_sent(header: Header, records: Mapping[int, BatchRecord]) -> bool:
    """Return whether every batch of a send was sent.

    :param header: The header of its ledger.
    :param records: The ledger's record of each batch.
    """
    return all(number in records for number in range(1, header.batches + 1))


def has_doubts(records: Mapping[int, BatchRecord]) -> bool:
    """Return whether any batch is in doubt.

    :param records: The ledger's record of each batch.
    """
    return any(record.state is BatchState.SUBMITTING for record in records.values())
