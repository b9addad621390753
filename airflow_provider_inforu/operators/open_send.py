"""A send whose ledger is open: its result, its people as far as they are known, and what is stored of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_events import Accepted
from airflow_provider_inforu.operators.in_doubt import find_accepted
from airflow_provider_inforu.operators.report_file import ReportLostError, rows_of_send, rows_of_stored
from airflow_provider_inforu.sending.report import MAY_RING, lines_of_people
from airflow_provider_inforu.sending.result import SendResult
from airflow_provider_inforu.sending.send_facts import Facts, load_facts, save_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_log import Ledger, LedgerStore
    from airflow_provider_inforu.ledger.ledger_reader import Header
    from airflow_provider_inforu.operators.report_file import Row
    from airflow_provider_inforu.recipients.batches import Batch
    from airflow_provider_inforu.recipients.choices import InDoubt
    from airflow_provider_inforu.recipients.recipient_store import Skipped

log = logging.getLogger(__name__)

MOST_BATCHES_STORED = 1000
"""Of the batches in doubt or rejected, in doubt first. The log and the report name all of them."""


@dataclass
class OpenSend:
    """A send that this attempt works on.

    :ivar store: Where its ledger is kept.
    :ivar ledger: What became of its batches.
    :ivar people: What tells the keys of its recipients.
    :ivar already_sent: Whether an earlier try had sent everything.
    :ivar is_resumed: Whether the task goes on after a wait, without its rows.
    """

    store: LedgerStore
    ledger: Ledger
    people: KnownPeople
    already_sent: bool = False
    is_resumed: bool = False

    @property
    def result(self) -> SendResult:
        """What became of it so far."""
        return SendResult(self.ledger.header, self.ledger.records, self.people.read_keys(self.ledger.records))

    def settle(self, hook: InforuHook, in_doubt: InDoubt) -> None:
        """Ask the receiver about batches in doubt. One that cannot be asked leaves them in doubt.

        :param hook: Of the connection that sent.
        :param in_doubt: What the task does about recipients in doubt.
        :raises InforuError: It cannot be asked, and recipients in doubt would be called again.
        """
        try:
            accepted = find_accepted(hook, self.result)
        except InforuError as error:
            if in_doubt == "resend":
                raise
            log.warning("The receiver cannot be asked about recipients in doubt: %s", error)
            return
        if accepted:
            self.ledger.write([Accepted(number, None, campaign) for number, campaign in accepted.items()])

    def save(
        self, deadline: float | None = None, report: str | None = None, digest: str | None = None
    ) -> None:
        """Store what a later try or a resumed task needs to finish this send.

        :param deadline: When waiting ends, in seconds since 1970; None for what was stored before.
        :param report: The path of the report that was written; None for what was stored before.
        :param digest: What recognises that report.
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
    """The recipients of a send, from the rows of this try or from what an earlier one stored.

    :ivar batches: The rows as this try reads them; None where they were not read.
    :ivar skipped: The rows that this try left out.
    :ivar is_same: Whether they are the rows with which the send began.
    :ivar facts: What an earlier try stored; None for nothing.
    """

    batches: Sequence[Batch] | None = None
    skipped: Sequence[Skipped] = ()
    is_same: bool = False
    facts: Facts | None = None

    def read_keys(self, records: Mapping[int, BatchRecord]) -> _KeysOf:
        """Return what tells the keys of a batch."""
        return _KeysOf(self, records)

    def rows(self, header: Header, records: Mapping[int, BatchRecord]) -> Iterator[Row]:
        """Return the rows of the report without outcomes.

        :param header: Of the send.
        :param records: What the ledger says of each batch.
        :raises ReportLostError: Neither rows nor a report are there. It may come with the first row.
        """
        if self.batches is not None and self.is_same:
            return rows_of_send(self.batches, self.skipped, records)
        if self.facts is not None and self.facts.report and self.facts.report_digest:
            return rows_of_stored(self.facts.report, self.facts.report_digest, self.facts.keys, records)
        raise ReportLostError(
            f"the rows of send {header.send_id} changed since they were sent, and no report of it was stored"
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
    """Write the keys of all recipients whose call is not certain into the log.

    :param result: The send.
    :param unsent: Name those too who were not sent.
    """
    for line in lines_of_people(result, result.in_doubt):
        log.warning("%s: %s", MAY_RING, line)
    for line in lines_of_people(result, result.rejected):
        log.warning("rejected, they were not called: %s", line)
    for line in lines_of_people(result, result.unsent if unsent else []):
        log.warning("not sent: %s", line)


def find_facts(store: LedgerStore, send_id: str) -> Facts | None:
    """Return what an earlier try stored of a send. A try that reads the rows can do without.

    :param store: Where its ledger is kept.
    :param send_id: The send.
    """
    try:
        return load_facts(store, send_id)
    except InforuError as error:
        log.warning("What an earlier try stored cannot be used: %s. This try goes on without it", error)
        return None


def is_all_sent(header: Header, records: Mapping[int, BatchRecord]) -> bool:
    """Return whether each batch of a send was sent.

    :param header: Of the send.
    :param records: What the ledger says of each batch.
    """
    return all(number in records for number in range(1, header.batches + 1))


def has_doubts(records: Mapping[int, BatchRecord]) -> bool:
    """Return whether any batch is in doubt.

    :param records: What the ledger says of each batch.
    """
    return any(record.state is BatchState.SUBMITTING for record in records.values())
