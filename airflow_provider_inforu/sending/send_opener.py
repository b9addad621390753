"""Opens the ledger of a send for one try: a new send, or the send that an earlier try began."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.ledger.changes import has_changed
from airflow_provider_inforu.ledger.ledger_log import Ledger, open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.ledger.task_state_store import MemoryStore
from airflow_provider_inforu.recipients.batches import digest, plan_batches, sum_checksums
from airflow_provider_inforu.recipients.fingerprints import checksum
from airflow_provider_inforu.sending.earlier_send import refuse_changed_recipients, say_what_changed
from airflow_provider_inforu.sending.open_send import KnownPeople, OpenSend
from airflow_provider_inforu.sending.send_errors import NoRetryError, no_retry_on_ledger_errors
from airflow_provider_inforu.sending.window import WindowClosedError, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.ledger.ledger_log import LedgerStore
    from airflow_provider_inforu.recipients.batches import Batch
    from airflow_provider_inforu.recipients.recipient_reader import RecipientList
    from airflow_provider_inforu.sending.earlier_send import EarlierSend
    from airflow_provider_inforu.sending.send_spec import SendSpec, TaskTry

log = logging.getLogger(__name__)


class SendOpener:
    """Opens the send of one try.

    :param spec: The specification of the send.
    :param store: The store of the ledger.
    :param earlier: The send that an earlier try began; None if this try begins one.
    :param task_try: Which try of the task this is.
    """

    def __init__(
        self, spec: SendSpec, store: LedgerStore, earlier: EarlierSend | None, task_try: TaskTry
    ) -> None:
        self._spec = spec
        self._store = store
        self._earlier = earlier
        self._task_try = task_try

    def needs_nothing(self) -> bool:
        """Return whether this try needs no request. The answer does not depend on the rows."""
        earlier = self._earlier
        return earlier is not None and earlier.needs_nothing(self._spec.options_digest, self._spec.in_doubt)

    def check_window(self) -> None:
        """Check the sending window of a send that has not begun. Its rows are read when the window opens.

        :raises WindowClosedError: The window is closed.
        """
        window, moment = self._spec.limits.window, now()
        if self._earlier is None and window and not window.is_open(moment):
            raise WindowClosedError(window.opens_at(moment), begun=False)

    def open(self, people: RecipientList) -> OpenSend:
        """Open the ledger for the recipients of this try, and return the send.

        :param people: The recipients of this try.
        :raises NoRetryError: The recipients or arguments changed, or the ledger is invalid.
        """
        batches = plan_batches(people.recipients)
        header = self._header(people, batches)
        earlier = self._earlier
        known = KnownPeople(batches, people.skipped, is_same=True, facts=earlier.facts if earlier else None)
        if earlier is not None:
            refuse_changed_recipients(earlier, header, replace(known, is_same=False))
        elif not batches:
            log.info("There is nobody to call")
            return OpenSend(MemoryStore(), Ledger(MemoryStore(), "", header, {}), known)
        with no_retry_on_ledger_errors():
            ledger = open_ledger(
                self._store,
                header,
                expected=earlier.header.send_id if earlier else None,
                resend=self._spec.resend,
                may_replace_damaged=self._task_try.may_begin_again,
            )
        if self._spec.resend and ledger.records:
            log.warning("`resend` has no effect, because Airflow shows no clear since the send began")
        return OpenSend(self._store, ledger, known)

    def take_over(self, people: RecipientList | None) -> OpenSend:
        """Open the ledger of a send that an earlier try has sent, and return the send.

        :param people: The recipients of this try, which may have changed; None if they cannot be read.
        :raises NoRetryError: The ledger is invalid, or belongs to another task's send.
        """
        earlier = self._earlier
        if earlier is None:
            raise RuntimeError("no earlier try began a send")
        known = KnownPeople(facts=earlier.facts)
        if people is not None:
            batches = plan_batches(people.recipients)
            new = self._header(people, batches)
            is_same = not has_changed(earlier.header, new) and (
                (earlier.header.skipped, earlier.header.checksums) == (new.skipped, new.checksums)
            )
            known = replace(known, batches=batches, skipped=people.skipped, is_same=is_same)
            self._refuse_ledger_of_others(earlier.header, new)
            say_what_changed(earlier.header, new)
        with no_retry_on_ledger_errors():
            ledger = open_ledger(self._store, earlier.header, expected=earlier.header.send_id)
        earlier.say_nobody_was_called(self._task_try.clear_generation, resend=self._spec.resend)
        return OpenSend(self._store, ledger, known, already_sent=True)

    def _header(self, people: RecipientList, batches: Sequence[Batch]) -> Header:
        return Header(
            send_id=secrets.token_hex(8),
            options_digest=self._spec.options_digest,
            batches=len(batches),
            recipients=len(people.recipients),
            recipients_digest=digest([batch.digest for batch in batches]),
            clear_generation=self._task_try.clear_generation,
            began_at=now().isoformat(timespec="seconds"),
            skipped=len(people.skipped),
            checksums=[*(sum_checksums(batches) or (0, 0, 0)), checksum(one.key for one in people.skipped)],
        )

    def _refuse_ledger_of_others(self, stored: Header, new: Header) -> None:
        """Fail if the first try of a task finds the ledger of other recipients. Its own were not called."""
        if self._task_try.is_first and has_changed(stored, new):
            raise NoRetryError(
                f"This first try of the task found the ledger of another send ({stored.send_id}) with other "
                f"recipients. {NO_NEW_CALLS}. Was this DAG run deleted and created again, or do two Airflow "
                "installations share `[inforu] ledger_path`? Use another path or another run ID"
            )
