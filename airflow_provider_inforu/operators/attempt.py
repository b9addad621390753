"""One attempt of a task: from rows to a send of which no batch is left, or an error that says what is."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.hooks.advice import advice_on_sending
from airflow_provider_inforu.operators.in_doubt import find_accepted
from airflow_provider_inforu.operators.ledger import (
    clear_generation,
    no_retry_on_ledger_errors,
    open_store,
    read_ledger_path,
)
from airflow_provider_inforu.operators.limits import limits_of
from airflow_provider_inforu.operators.quota import check_quota
from airflow_provider_inforu.operators.send_evidence import SendEvidence
from airflow_provider_inforu.operators.sent import Sent
from airflow_provider_inforu.sending.batch_state import Event
from airflow_provider_inforu.sending.dispatch import Dispatch, FirstBatchError, PrepareBatch
from airflow_provider_inforu.sending.ledger import Ledger, open_ledger
from airflow_provider_inforu.sending.ledger_reader import Header, read_ledger
from airflow_provider_inforu.sending.plan import digest, plan_batches
from airflow_provider_inforu.sending.report import Report
from airflow_provider_inforu.sending.stores import MemoryStore
from airflow_provider_inforu.sending.window import WindowClosedError, now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.operators.quota import QuotaCheck
    from airflow_provider_inforu.sending.ledger import LedgerStore
    from airflow_provider_inforu.sending.plan import Batch
    from airflow_provider_inforu.sending.recipients import RecipientList
    from airflow_provider_inforu.sending.window import SendingWindow

log = logging.getLogger(__name__)

InDoubt = Literal["fail", "accept", "resend"]

NO_LEDGER = (
    "This version of Airflow keeps no state for tasks, and [inforu] ledger_path is not set, so a retry could "
    "not tell whom this try called, and there is none. Run the task for those who are left, in a new DAG run"
)
NO_COPY_IN_DOUBT = (
    "Look in the Inforu portal whether the copy was made. If so, settle the first batch with `airflow inforu "
    "sends resolve --accept --campaign-id` and the copy's number; if not, with `--resend`. Then clear the "
    "task: it goes on with the others"
)
NO_COPY = "No retry mends that: run the task for those who were not sent, in a new DAG run"
KILLED = InforuError("the task was killed")


class SendStoppedError(InforuError):
    """A send that is not done; a retry goes on where it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an operator wants sent.

    :ivar function: The vendor's function.
    :ivar arguments: What is sent beside the people: a retry with others is another send.
    :ivar people: Reads the rows.
    :ivar preparer: Returns what makes the request of a batch ready.
    :ivar first_alone: Whether the other batches need what the first one's answer says.
    :ivar in_doubt: What to do when it is not known whether people were called.
    :ivar resend: Call everybody again when the task was cleared.
    :ivar max_in_flight: The most requests at a time.
    :ivar quota_check: What to do when the quota is not enough; None for no look at it.
    :ivar window: When people may be called; None for always.
    """

    function: str
    arguments: list[Any]
    people: Callable[[], RecipientList]
    preparer: Callable[[InforuHook, Ledger], PrepareBatch]
    first_alone: bool
    in_doubt: InDoubt
    resend: bool
    max_in_flight: int
    quota_check: QuotaCheck | None
    window: SendingWindow | None


class Attempt:
    """One attempt at a send.

    :param hook: Of the connection.
    :param order: What to send.
    """

    def __init__(self, hook: InforuHook, order: Order) -> None:
        self._hook = hook
        self._order = order
        self.has_sent = False
        """Whether there was anything to send."""
        self.sent: Sent | None = None
        """What it has come to, once the ledger is open."""
        self._running: Dispatch | None = None
        self._is_killed = False

    def stop(self) -> None:
        """Send no more; what is in flight is waited for and written down."""
        self._is_killed = True
        if self._running:
            self._running.stop(KILLED)

    def run(self, context: Context) -> Sent:
        """Send what the ledger does not have yet.

        :param context: The task's context.
        :raises WindowClosedError: Nobody may be called now, and somebody is left.
        :raises InforuError: Something is left to do, and a retry goes on from there.
        """
        self._evidence = SendEvidence(context, read_ledger_path())
        with no_retry_on_ledger_errors():
            store = open_store(context, self._evidence, resend=self._order.resend)
        self._check_window(store, clear_generation(context))
        username = self._hook.settings.username
        listed = self._order.people()
        # Reading may take long: a ledger that begins now binds the send to these people until it opens.
        self._check_window(store, clear_generation(context))
        batches = plan_batches(listed.recipients)
        header = Header(
            send_id=secrets.token_hex(8),
            plan=digest([self._order.function, self._hook.inforu_conn_id, username, *self._order.arguments]),
            batches=len(batches),
            recipients=sum(len(batch.recipients) for batch in batches),
            people=digest([batch.digest for batch in batches]),
            life=clear_generation(context),
        )
        ledger = self._open_ledger(store, header, batches)
        if self._order.resend and ledger.records:
            log.info(
                "resend is set, but the task was not cleared since: nobody is called again because of it"
            )
        self.sent = Sent(self._order.function, batches, listed.skipped, ledger)
        if batches:
            self._dispatch(ledger, batches)
        return self.sent

    def _opens_at(self) -> datetime | None:
        """Return when the sending window opens; None where it is open, or there is none."""
        window, moment = self._order.window, now()
        return window.opens_at(moment) if window and not window.is_open(moment) else None

    def _check_window(self, store: LedgerStore, life: int) -> None:
        """Raise before the rows are read, where this send has not begun: they are read when it opens."""
        if opens_at := self._opens_at():
            with no_retry_on_ledger_errors():
                found = read_ledger(store)
            if found is None or (self._order.resend and found[0].life != life):
                raise WindowClosedError(opens_at, begun=False)

    def settle(self, ledger: Ledger, batches: Sequence[Batch]) -> None:
        """Ask the receiver about batches in doubt. One that cannot be asked leaves them in doubt.

        :param ledger: Of the send.
        :param batches: All batches of the send.
        :raises InforuError: It cannot be asked, and who is left in doubt would be called again.
        """
        try:
            accepted = find_accepted(self._hook, ledger, batches)
        except InforuError as error:
            if self._order.in_doubt == "resend":
                raise
            log.warning("the receiver cannot be asked about people in doubt: %s", error)
            return
        ledger.write([[Event.ACCEPT, number, None, campaign] for number, campaign in accepted.items()])

    def _open_ledger(self, store: LedgerStore, header: Header, batches: Sequence[Batch]) -> Ledger:
        with no_retry_on_ledger_errors():
            if not batches and read_ledger(store) is None:
                log.info("There is nobody to call")
                return Ledger(MemoryStore(), "", header, {})
            ledger = open_ledger(
                store, header, resend=self._order.resend, was_cleared=self._evidence.was_cleared
            )
        self._evidence.register(ledger.header.send_id, self._hook.inforu_conn_id)
        self.settle(ledger, batches)
        if self._order.in_doubt == "resend" and ledger.in_doubt():
            if opens_at := self._opens_at():
                raise WindowClosedError(opens_at, begun=True)  # until then they stay in doubt
            ledger.write([[Event.WITHDRAW, number] for number in ledger.in_doubt()])
        return ledger

    def _dispatch(self, ledger: Ledger, batches: Sequence[Batch]) -> None:
        unsent = [batch for batch in batches if batch.number not in ledger.records]
        self.has_sent = bool(unsent)
        send_id = ledger.header.send_id
        log.info("send %s: requests to make: %d of %d", send_id, len(unsent), len(batches))
        if unsent:
            self._hook.get_conn()  # made here, so that the first requests are not late
        self._running = Dispatch(
            ledger,
            unsent,
            self._order.preparer(self._hook, ledger),
            limits_of(self._hook.settings, self._order.max_in_flight, self._order.window),
            first_alone=self._order.first_alone,
        )
        if self._is_killed:
            self._running.stop(KILLED)
        try:
            if unsent and self._order.quota_check:
                people = sum(len(batch.recipients) for batch in unsent)
                check_quota(self._hook, people, self._order.quota_check)
            self._running.run()
        except BaseException as error:
            report = Report(send_id, batches, ledger.records)
            name_people(report, unsent=not ledger.is_durable)
            if isinstance(error, Exception) and not ledger.is_durable:
                raise AirflowFailException(f"send {send_id} was interrupted: {error}. {NO_LEDGER}") from error
            raise
        report = Report(send_id, batches, ledger.records)
        if report.unsent:
            name_people(report, unsent=not ledger.is_durable)
            self._raise_unsent(report, self._running.stopped_by, is_durable=ledger.is_durable)

    def _raise_unsent(self, report: Report, stopped_by: InforuError | None, *, is_durable: bool) -> None:
        message = f"connection {self._hook.inforu_conn_id!r}, {report.describe(stopped_by)}"
        if stopped_by and (advice := advice_on_sending(stopped_by)):
            message += f". {advice.rstrip('.')}"
        if not is_durable:
            raise AirflowFailException(f"{message}. {NO_LEDGER}")
        if isinstance(stopped_by, FirstBatchError):
            raise AirflowFailException(f"{message}. {NO_COPY_IN_DOUBT if report.in_doubt else NO_COPY}")
        if isinstance(stopped_by, WindowClosedError):
            log.info("%s", message)
            raise stopped_by
        raise SendStoppedError(f"{message}. The next try goes on from there and calls nobody twice")


def name_people(report: Report, *, unsent: bool = False) -> None:
    """Write the keys of all whose call is not certain into the log, however many they are.

    :param report: Of the send.
    :param unsent: Name those too who were not sent.
    """
    for keys in report.lines_of_keys(report.in_doubt):
        log.warning("in doubt, they may ring or not: %s", keys)
    for keys in report.lines_of_keys(report.unsent if unsent else []):
        log.warning("not sent: %s", keys)
