"""One attempt at a send: read the rows, open the ledger and send the remaining batches."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuError
from airflow_provider_inforu.hooks.advice import advice_on_sending
from airflow_provider_inforu.ledger.changes import has_changed
from airflow_provider_inforu.ledger.ledger_log import Ledger, open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.ledger.task_state_store import MemoryStore
from airflow_provider_inforu.operators.earlier_send import (
    Earlier,
    read_earlier,
    refuse_changed_recipients,
    say_what_changed,
)
from airflow_provider_inforu.operators.ledger_access import (
    check_is_expected_send,
    no_retry_on_ledger_errors,
    open_store,
    read_ledger_path,
)
from airflow_provider_inforu.operators.open_send import KnownPeople, OpenSend, name_people
from airflow_provider_inforu.operators.quota import check_quota
from airflow_provider_inforu.operators.send_evidence import SendEvidence, read_clear_generation
from airflow_provider_inforu.operators.send_limits import read_limits
from airflow_provider_inforu.recipients.batches import digest, plan_batches, sum_checksums
from airflow_provider_inforu.recipients.fingerprints import checksum
from airflow_provider_inforu.sending.dispatch import Dispatch, FirstBatchError
from airflow_provider_inforu.sending.report import describe_counts, join_error
from airflow_provider_inforu.sending.window import WindowClosedError, now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.ledger.ledger_log import LedgerStore
    from airflow_provider_inforu.operators.send_spec import SendSpec
    from airflow_provider_inforu.recipients.batches import Batch
    from airflow_provider_inforu.recipients.recipient_reader import RecipientList
    from airflow_provider_inforu.sending.result import SendResult

log = logging.getLogger(__name__)

NO_LEDGER = (
    "Retries are disabled because this version of Airflow keeps no state for tasks and [inforu] ledger_path "
    "is not set. Call the remaining recipients in a new DAG run"
)
NO_COPY_IN_DOUBT = (
    "Check in the Inforu portal whether the copy exists. If it exists, settle batch 1 with `airflow inforu "
    "sends resolve --accept --campaign-id` and the copy's ID. Otherwise settle it with `--resend`. Then "
    "clear the task"
)
CANNOT_CONTINUE = "A retry cannot continue this send. Call the remaining recipients in a new DAG run"
RETRY_RESENDS = "The next try calls the recipients in doubt again, because in_doubt='resend' is set"
KILLED = InforuError("the task was killed")


class SendStoppedError(InforuError):
    """The send stopped before it was complete. A retry continues where it stopped."""


class SendRunner:
    """One attempt at a send.

    :param hook: The hook of the connection.
    :param spec: The specification of the send.
    """

    def __init__(self, hook: InforuHook, spec: SendSpec) -> None:
        self._hook = hook
        self._spec = spec
        self.send: OpenSend | None = None
        """The send; None until the ledger is open."""
        self._running: Dispatch | None = None
        self._is_killed = False
        self._to_resend: set[int] = set()

    def stop(self) -> None:
        """Stop sending. The attempt still waits for the replies in flight and writes them to the ledger."""
        self._is_killed = True
        if self._running:
            self._running.stop(KILLED)

    def run(self, context: Context) -> OpenSend:
        """Send all batches that the ledger does not contain yet, and return the send.

        :param context: The task's context.
        :raises WindowClosedError: The sending window is closed, and batches are unsent.
        :raises InforuError: Batches are unsent. A retry continues there.
        :raises AirflowFailException: A retry is not possible, or would change nothing.
        """
        clear_generation = read_clear_generation(context["ti"])
        self._evidence = evidence = SendEvidence(context, read_ledger_path())
        with no_retry_on_ledger_errors():
            store = open_store(context, evidence, resend=self._spec.resend)
            earlier = read_earlier(
                store,
                clear_generation=clear_generation,
                resend=self._spec.resend,
                may_replace_damaged=evidence.allows_new_send(resend=self._spec.resend),
            )
            check_is_expected_send(evidence, earlier, resend=self._spec.resend)
        options_digest = self._digest_options()
        if earlier and earlier.needs_nothing(options_digest, self._spec.in_doubt):
            self.send = self._take_over(store, earlier, clear_generation)
            return self.send
        self._check_window(earlier)
        listed = self._read_people(earlier)
        # Reading the rows may take long. If the window has closed, no ledger may begin: it would bind the
        # send to these rows.
        self._check_window(earlier)
        batches = plan_batches(listed.recipients)
        header = self._header(options_digest, listed, batches, clear_generation)
        if earlier is None and not batches:
            log.info("There is nobody to call")
            people = KnownPeople(batches, listed.skipped, is_same=True)
            self.send = OpenSend(MemoryStore(), Ledger(MemoryStore(), "", header, {}), people)
            return self.send
        if evidence.has_earlier_send and evidence.allows_new_send(resend=self._spec.resend):
            log.warning("`resend` is set and the task was cleared, so everybody is called again")
        self.send = self._open(store, header, listed, batches, earlier)
        self._dispatch(self.send.ledger, batches)
        return self.send

    def _read_people(self, earlier: Earlier | None) -> RecipientList:
        try:
            return self._spec.people()
        except Exception:
            if earlier:
                name_people(earlier.result())
            raise

    def _digest_options(self) -> str:
        settings = self._hook.settings
        account = [self._hook.inforu_conn_id, settings.base_url, settings.username]
        return digest([self._spec.function, *account, *self._spec.arguments])

    @staticmethod
    def _header(
        options_digest: str, listed: RecipientList, batches: Sequence[Batch], clear_generation: int
    ) -> Header:
        return Header(
            send_id=secrets.token_hex(8),
            options_digest=options_digest,
            batches=len(batches),
            recipients=len(listed.recipients),
            recipients_digest=digest([batch.digest for batch in batches]),
            clear_generation=clear_generation,
            began_at=now().isoformat(timespec="seconds"),
            skipped=len(listed.skipped),
            checksums=[*(sum_checksums(batches) or (0, 0, 0)), checksum(one.key for one in listed.skipped)],
        )

    def _take_over(self, store: LedgerStore, earlier: Earlier, clear_generation: int) -> OpenSend:
        """Return the send that an earlier try has sent. It needs no rows, and the rows may have changed."""
        people = KnownPeople(facts=earlier.facts)
        try:
            listed = self._spec.people()
        except Exception as error:
            log.warning(
                "The recipients could not be read (%s). The send is complete, so the task continues",
                error if isinstance(error, InforuError) else type(error).__name__,
            )
        else:
            batches = plan_batches(listed.recipients)
            new = self._header(earlier.header.options_digest, listed, batches, clear_generation)
            is_same = not has_changed(earlier.header, new) and (
                (earlier.header.skipped, earlier.header.checksums) == (new.skipped, new.checksums)
            )
            people = replace(people, batches=batches, skipped=listed.skipped, is_same=is_same)
            self._refuse_ledger_of_others(earlier.header, new)
            say_what_changed(earlier.header, new)
        with no_retry_on_ledger_errors():
            ledger = open_ledger(store, earlier.header, expected=earlier.header.send_id)
        self._evidence.register(
            ledger.header.send_id, ledger.header.clear_generation, self._hook.inforu_conn_id
        )
        send = OpenSend(store, ledger, people, already_sent=True)
        send.settle(self._hook, self._spec.in_doubt)
        earlier.say_nobody_was_called(clear_generation, resend=self._spec.resend)
        return send

    def _refuse_ledger_of_others(self, stored: Header, new: Header) -> None:
        """Fail if the first try of a task finds the ledger of other recipients. Its own were not called."""
        evidence = self._evidence
        is_first = not (evidence.is_later_try or evidence.was_cleared or evidence.has_earlier_send)
        if is_first and has_changed(stored, new):
            raise AirflowFailException(
                f"This first try of the task found the ledger of another send ({stored.send_id}) with other "
                f"recipients. {NO_NEW_CALLS}. Was this DAG run deleted and created again, or do two Airflow "
                "installations share `[inforu] ledger_path`? Use another path or another run ID"
            )

    def _opens_at(self) -> datetime | None:
        """Return when the sending window opens; None if it is open or not set."""
        window, moment = self._spec.window, now()
        return window.opens_at(moment) if window and not window.is_open(moment) else None

    def _check_window(self, earlier: Earlier | None) -> None:
        """Raise WindowClosedError if this send has not begun. Its rows are read when the window opens."""
        if earlier is None and (opens_at := self._opens_at()):
            raise WindowClosedError(opens_at, begun=False)

    def _open(
        self,
        store: LedgerStore,
        header: Header,
        listed: RecipientList,
        batches: Sequence[Batch],
        earlier: Earlier | None,
    ) -> OpenSend:
        people = KnownPeople(batches, listed.skipped, is_same=True, facts=earlier.facts if earlier else None)
        if earlier:
            refuse_changed_recipients(earlier, header, replace(people, is_same=False))
        with no_retry_on_ledger_errors():
            ledger = open_ledger(
                store,
                header,
                expected=earlier.header.send_id if earlier else None,
                resend=self._spec.resend,
                may_replace_damaged=self._evidence.allows_new_send(resend=self._spec.resend),
            )
        self._evidence.register(
            ledger.header.send_id, ledger.header.clear_generation, self._hook.inforu_conn_id
        )
        if self._spec.resend and ledger.records:
            log.warning("`resend` has no effect, because Airflow shows no clear since the send began")
        send = OpenSend(store, ledger, people)
        send.settle(self._hook, self._spec.in_doubt)
        self._to_resend = self._choose_resends(send)
        if self._to_resend and (opens_at := self._opens_at()):
            raise WindowClosedError(opens_at, begun=True)
        return send

    def _choose_resends(self, send: OpenSend) -> set[int]:
        """Return the batches in doubt that this try sends again: all, or those of a person's decision."""
        in_doubt = set(send.ledger.in_doubt())
        resendable = set(send.result.resendable) if self._spec.in_doubt == "resend" else set()
        return in_doubt & (resendable | send.ledger.decided_resend)

    def _dispatch(self, ledger: Ledger, batches: Sequence[Batch]) -> None:
        unsent = [
            batch
            for batch in batches
            if batch.number not in ledger.records or batch.number in self._to_resend
        ]
        log.info("send %s: requests to make: %d of %d", ledger.header.send_id, len(unsent), len(batches))
        if self._to_resend:
            log.warning("Batches in doubt are sent again: %s", sorted(self._to_resend))
        if not unsent:
            return
        self._hook.get_conn()  # created now, so that the first requests are not delayed
        self._running = Dispatch(
            ledger,
            unsent,
            self._spec.preparer(self._hook, ledger),
            read_limits(self._hook.settings, self._spec.max_in_flight, self._spec.window),
            first_batch_creates_campaign=self._spec.first_batch_creates_campaign,
        )
        if self._is_killed:
            self._running.stop(KILLED)
        try:
            if self._spec.quota_check:
                people = sum(len(batch.recipients) for batch in unsent)
                check_quota(self._hook, people, self._spec.quota_check)
            self._running.run()
        except BaseException as error:
            name_people(self._result(), unsent=not ledger.is_durable)
            if isinstance(error, Exception) and not ledger.is_durable:
                raise AirflowFailException(
                    join_error(f"Send {ledger.header.send_id} was interrupted: {error}", NO_LEDGER)
                ) from error
            raise
        result = self._result()
        if self._running.remaining:
            name_people(result, unsent=not ledger.is_durable)
            self._raise_unsent(result, self._running.stopped_by, is_durable=ledger.is_durable)

    def _result(self) -> SendResult:
        if self.send is None:
            raise RuntimeError("the ledger is not open")
        return self.send.result

    def _raise_unsent(self, result: SendResult, stopped_by: InforuError | None, *, is_durable: bool) -> None:
        next_step = "The next try continues with these recipients and calls nobody twice"
        if result.resendable and self._spec.in_doubt == "resend":
            next_step = f"The next try continues. {RETRY_RESENDS}"
        if not is_durable:
            next_step = NO_LEDGER
        elif isinstance(stopped_by, FirstBatchError):
            next_step = NO_COPY_IN_DOUBT if result.in_doubt else CANNOT_CONTINUE
        message = join_error(
            f"Send {result.send_id} stopped (connection {self._hook.inforu_conn_id!r})",
            next_step,
            advice_on_sending(stopped_by) if stopped_by else "",
            describe_counts(result, see="the log lists their keys", not_sent_because=stopped_by),
            "" if result.unsent else f"The reason for the stop: {stopped_by}",
        )
        if not is_durable or isinstance(stopped_by, FirstBatchError):
            raise AirflowFailException(message)
        if isinstance(stopped_by, WindowClosedError):
            log.info("%s", message)
            raise stopped_by
        raise SendStoppedError(message)
