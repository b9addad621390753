"""The send of an earlier try, as stored in the ledger. It is read before the rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.ledger.changes import describe_change, has_changed, has_other_texts_only
from airflow_provider_inforu.ledger.ledger_reader import DamagedHeaderError, read_ledger
from airflow_provider_inforu.sending.open_send import (
    KnownPeople,
    find_facts,
    has_doubts,
    is_all_sent,
    name_people,
)
from airflow_provider_inforu.sending.report import describe_counts, join_error, list_ranges
from airflow_provider_inforu.sending.result import SendResult
from airflow_provider_inforu.sending.send_errors import NoRetryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_log import LedgerStore
    from airflow_provider_inforu.ledger.ledger_reader import Header
    from airflow_provider_inforu.recipients.choices import InDoubt
    from airflow_provider_inforu.sending.send_facts import Facts
    from airflow_provider_inforu.sending.send_spec import TaskTry

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EarlierSend:
    """The send that an earlier try of the task began.

    :ivar header: The header of its ledger.
    :ivar records: The ledger's record of each batch.
    :ivar facts: The facts that the earlier try stored; None if it stored none.
    """

    header: Header
    records: Mapping[int, BatchRecord]
    facts: Facts | None

    def needs_nothing(self, options_digest: str, in_doubt: InDoubt) -> bool:
        """Return whether this try needs no request. The answer does not depend on the rows.

        :param options_digest: The digest of the arguments of this try.
        :param in_doubt: What this try does with recipients in doubt.
        """
        if self.header.options_digest != options_digest or not is_all_sent(self.header, self.records):
            return False
        return in_doubt != "resend" or not self.result().resendable

    def result(self, people: KnownPeople | None = None) -> SendResult:
        """Return the result of the send.

        :param people: The known recipients; None for the stored ones.
        """
        people = people or KnownPeople(facts=self.facts)
        return SendResult(self.header, self.records, people.read_keys(self.records))

    def say_nobody_was_called(self, clear_generation: int, *, resend: bool) -> None:
        """Log that this try calls nobody.

        :param clear_generation: The clear generation of this try. If the send has another one, the task was
            cleared.
        :param resend: The argument ``resend``.
        """
        if self.header.clear_generation != clear_generation or resend:
            advice = (
                "`resend` is set, but Airflow shows no clear since then. Clear the task once more"
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


def read_earlier(store: LedgerStore, task_try: TaskTry, *, resend: bool) -> EarlierSend | None:
    """Return the send of an earlier try, and log its recipients in doubt; None if this try begins a send.

    :param store: The store of the ledger.
    :param task_try: This try. If it may call everybody again, a damaged ledger counts as none.
    :param resend: The argument ``resend``.
    :raises LedgerError: The ledger cannot be read.
    """
    try:
        found = read_ledger(store)
    except DamagedHeaderError:
        if not task_try.may_begin_again:
            raise
        return None
    if found is None or (resend and found[0].clear_generation != task_try.clear_generation):
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
    return EarlierSend(header, records, find_facts(store, header.send_id))


def refuse_changed_recipients(earlier: EarlierSend, new: Header, people: KnownPeople) -> None:
    """Check that the recipients and the arguments equal those of the earlier send.

    :param earlier: The earlier send.
    :param new: The header that this try would write.
    :param people: The recipients of this try.
    :raises NoRetryError: They changed. The log lists the keys of the recipients in doubt.
    """
    is_changed = has_changed(earlier.header, new)
    only_texts = has_other_texts_only(earlier.header, new)
    has_other_arguments = earlier.header.options_digest != new.options_digest
    if has_other_arguments and (only_texts or not is_changed):  # another function also has other texts
        problem = "the function, the connection, the campaign or another argument changed since the first try"
        advice = "Give the same arguments again and clear the task, or call the others in a new DAG run"
        people = people if is_changed else replace(people, is_same=True)
    elif is_changed:
        problem = f"the recipients changed since the first try ({describe_change(earlier.header, new)})"
        same = "texts" if only_texts else "recipients"
        advice = f"Give the same {same} again and clear the task, or call the others in a new DAG run"
    else:
        return
    result = earlier.result(people)
    name_people(result)
    raise NoRetryError(
        join_error(
            f"Send {result.send_id} was not continued: {problem}",
            NO_NEW_CALLS,
            advice,
            describe_counts(result, see="the log lists them"),
        )
    )


def say_what_changed(stored: Header, new: Header) -> None:
    """Log a warning if the rows changed since they were sent.

    :param stored: The header in the ledger.
    :param new: The header that the rows of this try would give.
    """
    if has_changed(stored, new):
        log.warning(
            "The recipients changed since they were sent (%s). The send is complete, so this try calls "
            "nobody. Call new recipients in a new DAG run",
            describe_change(stored, new),
        )


def show_time(began_at: str) -> str:
    """Return a time in a readable format.

    :param began_at: The time in ISO 8601; empty if unknown.
    """
    try:
        return f"{datetime.fromisoformat(began_at):%Y-%m-%d %H:%M %Z}"
    except ValueError:
        return "an unknown date"
