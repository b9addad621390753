"""What an earlier try of the task has sent, as the ledger tells it before anything else is read."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.ledger.changes import describe_change, has_changed, has_other_texts_only
from airflow_provider_inforu.ledger.ledger_reader import DamagedHeaderError, read_ledger
from airflow_provider_inforu.operators.open_send import (
    KnownPeople,
    find_facts,
    has_doubts,
    is_all_sent,
    name_people,
)
from airflow_provider_inforu.sending.report import describe_counts, join_error, list_ranges
from airflow_provider_inforu.sending.result import SendResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_log import LedgerStore
    from airflow_provider_inforu.ledger.ledger_reader import Header
    from airflow_provider_inforu.recipients.choices import InDoubt
    from airflow_provider_inforu.sending.send_facts import Facts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Earlier:
    """The send that an earlier try of the task began.

    :ivar header: What the ledger says of it.
    :ivar records: What the ledger says of each batch.
    :ivar facts: What that try stored; None for nothing.
    """

    header: Header
    records: Mapping[int, BatchRecord]
    facts: Facts | None

    def needs_nothing(self, options_digest: str, in_doubt: InDoubt) -> bool:
        """Return whether nothing is left to send, whatever the rows are by now.

        :param plan: Digest of the arguments of this try.
        :param in_doubt: What this try does about recipients in doubt.
        """
        if self.header.options_digest != options_digest or not is_all_sent(self.header, self.records):
            return False
        return in_doubt != "resend" or not has_doubts(self.records)

    def result(self, people: KnownPeople | None = None) -> SendResult:
        """Return what became of it.

        :param people: What is known of its recipients; None for what was stored.
        """
        people = people or KnownPeople(facts=self.facts)
        return SendResult(self.header, self.records, people.read_keys(self.records))

    def say_nobody_was_called(self, clear_generation: int, *, resend: bool) -> None:
        """Write into the log that this try calls nobody.

        :param life: Of this try; another one than the send's says that the task was cleared.
        :param resend: Whether everybody may be called again after a clear.
        """
        if self.header.clear_generation != clear_generation or resend:
            advice = (
                "resend is set, but Airflow shows no clear since then: clear the task once more"
                if resend
                else "To call everybody again, set resend=True and clear the task"
            )
            log.warning(
                "Nobody was called: this task had already sent on %s. %s",
                show_time(self.header.began_at),
                "Settle the recipients in doubt first" if has_doubts(self.records) else advice,
            )
            return
        log.info(
            "send %s: an earlier try made all requests on %s. This try calls nobody",
            self.header.send_id,
            show_time(self.header.began_at),
        )


def read_earlier(
    store: LedgerStore, *, clear_generation: int, resend: bool, may_replace_damaged: bool
) -> Earlier | None:
    """Return what an earlier try has sent, and say who is in doubt; None where this try begins a send.

    :param store: Where the ledger is kept.
    :param life: What changes with a clear of the task.
    :param resend: Whether everybody may be called again after a clear.
    :param may_replace_damaged: Whether a new send may begin next to a ledger whose header is damaged.
    :raises LedgerError: The ledger cannot be read.
    """
    try:
        found = read_ledger(store)
    except DamagedHeaderError:
        if not may_replace_damaged:
            raise
        return None
    if found is None or (resend and found[0].clear_generation != clear_generation):
        return None
    header, records = found
    result = SendResult(header, records)
    if result.in_doubt:
        log.warning(
            "send %s, begun on %s: %d recipients of an earlier try are in doubt (batches %s)",
            header.send_id,
            show_time(header.began_at),
            result.count(result.in_doubt),
            list_ranges(map(str, result.in_doubt)),
        )
    return Earlier(header, records, find_facts(store, header.send_id))


def refuse_changed_recipients(earlier: Earlier, new: Header, people: KnownPeople) -> None:
    """Refuse to go on with other recipients than those with which the send began.

    :param earlier: The send.
    :param new: The send as this try would begin it.
    :param people: What is known of the recipients.
    :raises AirflowFailException: They changed; the log names all who are in doubt.
    """
    if has_changed(earlier.header, new):
        problem = f"the recipients changed since the first try ({describe_change(earlier.header, new)})"
        same = "texts" if has_other_texts_only(earlier.header, new) else "recipients"
        advice = f"Give the same {same} again and clear the task, or call the others in a new DAG run"
    elif earlier.header.options_digest != new.options_digest:
        problem = "the function, the connection, the campaign or another argument changed since the first try"
        advice = "Give the same arguments again and clear the task, or call the others in a new DAG run"
        people = replace(people, is_same=True)
    else:
        return
    result = earlier.result(people)
    name_people(result)
    raise AirflowFailException(
        join_error(
            f"Send {result.send_id} was not continued: {problem}",
            "No more calls were placed",
            advice,
            describe_counts(result, see="the log lists them"),
        )
    )


def say_what_changed(stored: Header, new: Header) -> None:
    """Write into the log what changed in the rows since they were sent.

    :param stored: The send as the ledger has it.
    :param new: The send as the rows would have it now.
    """
    if has_changed(stored, new):
        log.warning(
            "The recipients changed since they were sent (%s). Nothing is left to send, so nobody else is "
            "called. Call new recipients in a new DAG run",
            describe_change(stored, new),
        )


def show_time(began_at: str) -> str:
    """Return a time for a person to read.

    :param began_at: ISO 8601; empty where it is not known.
    """
    try:
        return f"{datetime.fromisoformat(began_at):%Y-%m-%d %H:%M %Z}"
    except ValueError:
        return "an unknown date"
